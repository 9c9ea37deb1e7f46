"""A table as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gapkit.report.table import BLOCKS, Column, Entry, Intervals, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is, in one line.

    Examples
    --------
    >>> print(escape("a|b_c"))
    a\|b\_c
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def to_markdown(table: Table, *, intervals: Intervals = "ends") -> str:
    """Write `table` as a GitHub-flavoured Markdown table.

    Parameters
    ----------
    table : Table
    intervals : {"ends", "half", "none"}
        95 % intervals as ``[low, high]``, as ``±`` half their width, or left out.

    Returns
    -------
    str
        What is marked is bold; ends with a line break.
    """
    lines = [f"**{escape(table.title)}**", ""] if table.title else []
    heads = ["bridge", *(_head(column) for column in table.columns)]
    lines += [_line(heads), _line([":--", *("--:" for _ in table.columns)])]
    for block, rows in table.blocks.items():
        lines.append(_line([f"*{BLOCKS[block]}*", *("" for _ in table.columns)]))
        for row in rows:
            name = escape(row.name) + (f" ({escape(row.error)})" if row.error else "")
            entries = zip(table.columns, row.entries, strict=True)
            lines.append(_line([name, *(_entry(column, entry, intervals) for column, entry in entries)]))
    for note in table.notes:
        lines += ["", escape(note)]
    return "\n".join(lines) + "\n"


def lines_to_markdown(lines: Sequence[tuple[str, str]]) -> str:
    """Sentences, each opened by the word that says what it is about, as a list.

    Examples
    --------
    >>> print(lines_to_markdown([("Gap", "There is one.")]), end="")
    - **Gap**: There is one.
    """
    return "".join(f"- **{escape(word)}**: {escape(text)}\n" for word, text in lines)


def _head(column: Column) -> str:
    note = f"({', '.join(column.note)})" if column.note else ""
    return " ".join(part for part in (escape(column.label), column.factor, column.arrow, note) if part)


def _entry(column: Column, entry: Entry, intervals: Intervals) -> str:
    text = column.text(entry.value)
    if entry.marked:
        text = f"**{text}**"
    if entry.has_interval and intervals == "ends":
        text += f" [{column.text(entry.low)}, {column.text(entry.high)}]"
    elif entry.has_interval and intervals == "half":
        text += f" ±{column.text(entry.half)}"
    return text


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
