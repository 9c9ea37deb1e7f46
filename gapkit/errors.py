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


def one_line(error: BaseException, limit: int = 200) -> str:
    """Message of an exception, short and in one line; its type too unless the message is ours."""
    text = printable(" ".join(str(error).split()))
    if not isinstance(error, GapkitError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def refused_by_disk(error: BaseException) -> bool:
    """True where a file could not be written: the disk refuses to all jobs what it refuses to one."""
    return isinstance(error, GapkitError) and isinstance(error.__cause__, OSError)
