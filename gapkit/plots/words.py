"""Text that others wrote, in a figure: as it stands, never as a formula, and without letters that no font has."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

ELLIPSIS, MISSING = "…", "□"


def printable(text: object, *, limit: int = 60) -> str:
    r"""One line that a figure can show.

    Parameters
    ----------
    text : object
        A caption, a name.
    limit : int
        Letters after which an ellipsis stands.

    Returns
    -------
    str
        Line breaks are spaces, control characters are gone, and a sign that no font of the style has (many emoji) is
        an empty square.

    Examples
    --------
    >>> printable("a dog   barks,\n twice"), printable("it costs $5 or $6"), printable("too long", limit=5)
    ('a dog barks, twice', 'it costs $5 or $6', 'too …')
    """
    line = " ".join(str(text).split())
    line = "".join(sign for sign in line if unicodedata.category(sign)[0] != "C" and sign not in "\ufe0e\ufe0f")
    if not line.isascii():
        known = _letters(_families())
        line = "".join(sign if ord(sign) in known else MISSING for sign in line)
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + ELLIPSIS


def literal(*holders: Any) -> None:
    """Let every text inside figures or Axes be text: a dollar sign does not open a formula."""
    from matplotlib.text import Text

    for holder in holders:
        for text in holder.findobj(Text):
            text.set_parse_math(False)


def _families() -> tuple[str, ...]:
    from matplotlib import rcParams

    return tuple(rcParams["font.family"])


@lru_cache(maxsize=8)
def _letters(families: tuple[str, ...]) -> Collection[int]:
    """Code points that some font of these families has."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known: set[int] = set()
    for family in families:
        known.update(get_font(findfont(FontProperties(family=[family]))).get_charmap())
    return frozenset(known)
