"""``python -m gapkit``."""

from gapkit.cli.main import main

if __name__ == "__main__":
    main()
