"""Text in the cells of a csv that a spreadsheet may open: never a formula, and readable back.

Neither the csv module nor pandas knows of formulas.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a text begins that a spreadsheet runs, its full-width letters too; apostrophes may stand before."""


def guarded(text: str) -> str:
    """The text with an apostrophe before it, where a spreadsheet would take it for a formula.

    Examples
    --------
    >>> guarded("=1+1"), guarded("rain")
    ("'=1+1", 'rain')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def original(cell: str) -> str:
    """The text that `guarded` was given.

    Examples
    --------
    >>> original("'=1+1"), original("'tis rain")
    ('=1+1', "'tis rain")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A csv; texts are guarded, numbers keep every digit, None is an empty cell."""
    return "".join(_line([_cell(cell) for cell in row]) for row in (header, *rows))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return guarded(value) if isinstance(value, str) else repr(value)


def _line(cells: Sequence[str]) -> str:
    # Left to itself the writer does not quote a lone carriage return, at which readers end the line.
    bare = any("\r" in cell for cell in cells)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL).writerow(cells)
    return buffer.getvalue()
