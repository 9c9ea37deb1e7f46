"""How the bundled set `soundscapes` is made: one step a file, in the order of `build_soundscapes.py`."""
