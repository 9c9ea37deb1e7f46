"""The two kinds of failure that gapkit reports: a user's mistake and a failure of the machine."""


def printable(text: str) -> str:
    """Text on one line in which nothing steers a terminal: names out of files may hold anything."""
    return "".join(c if c.isprintable() else " " for c in text)


class GapkitError(Exception):
    """Something failed that is not the user's mistake (full disk, diverged training). Exit code 1."""

    def __str__(self) -> str:
        return printable(super().__str__())


class InputError(GapkitError, ValueError):
    """What was given cannot be used. Exit code 2.

    The message is one line that says what is wrong, whose it is, what was expected, what came and
    how to mend it.
    """


class NotFittedError(InputError, AttributeError):
    """A bridge was asked to transform before it was fitted."""
