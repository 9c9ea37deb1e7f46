"""What pytest leaves alone: the long run needs atheris."""

collect_ignore = ["run.py"]
