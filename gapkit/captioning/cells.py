"""Cells of a CSV that a spreadsheet would run as a formula: written with an apostrophe before them, read without it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What opens a formula, or hides one that follows."""


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run; `plain_cell` gives it back.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("a dog"), plain_cell(safe_cell("'-x"))
    ("'=1+1", 'a dog', "'-x")
    """
    return f"'{text}" if text.lstrip("'").startswith(STARTS) else text


def plain_cell(text: str) -> str:
    """The text that `safe_cell` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(STARTS) else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV; texts are made safe, numbers keep every digit, None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(
            ["" if cell is None else safe_cell(cell) if isinstance(cell, str) else repr(cell) for cell in row]
        )
    return buffer.getvalue()
