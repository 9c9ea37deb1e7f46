"""Other forms of the name of an item, by which two files name the same items."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{2,5}$")


def as_path(name: str) -> str:
    """The name without outer blanks, with slashes for backslashes."""
    return name.strip().replace("\\", "/")


def file_name(name: str) -> str:
    """The last part of a path."""
    return as_path(name).rpartition("/")[2]


def stem(name: str) -> str:
    """The last part of a path, without a suffix."""
    return _SUFFIX.sub("", file_name(name))


FORMS: Mapping[str, Callable[[str], str]] = {
    "path": as_path,
    "file name": file_name,
    "file name without suffix": stem,
}


def renamed(
    names: Sequence[str], known: Sequence[str], forms: Mapping[str, Callable[[str], str]] = FORMS
) -> tuple[list[str], str] | None:
    """Names as those that are known, where they go by another form of them.

    Parameters
    ----------
    names, known : sequence of str
        Each once.
    forms : mapping of str to callable
        Shorter form of a name, by what messages call it, the longest first.

    Returns
    -------
    names : list of str
        Those without another form among `known` as they were.
    form : str
        None in place of both, where one of the names is known as it is, or no form keeps all apart and matches one.
    """
    if not set(known).isdisjoint(names):
        return None
    for form, how in forms.items():
        theirs = {how(name): name for name in known}
        ours = {how(name) for name in names}
        if len(ours) == len(names) and len(theirs) == len(known) and not ours.isdisjoint(theirs):
            return [theirs.get(how(name), name) for name in names], form
    return None
