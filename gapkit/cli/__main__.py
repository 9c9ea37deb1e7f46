"""``python -m gapkit.cli``."""

from gapkit.cli.main import main

if __name__ == "__main__":
    main()
