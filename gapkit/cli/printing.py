"""Tables on stdout."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from gapkit.comparison import Results
    from gapkit.verdict import Verdict


SHOW_ALL = "; --columns all shows them, and intervals"


def print_results(
    results: Results, *, as_json: bool, aim: str = "closure", columns: Sequence[str] | None = None
) -> None:
    """The verdict and the table for a person, or JSON for a program.

    Parameters
    ----------
    results : Results
    as_json : bool
    aim : str
        See `Results.verdict`.
    columns : sequence of str, optional
        Columns of the table with their intervals; ``("all",)`` for all. Left out: those that fit, without intervals.
    """
    if as_json:
        sys.stdout.write(results.to_json(aim))
        return
    from rich.console import Console

    from gapkit.comparison.tabulating import short_order
    from gapkit.report.terminal import lines_to_terminal, to_terminal

    # A pipe has no width; 100 columns show all columns in one panel a group.
    width = shutil.get_terminal_size((100, 24)).columns
    console = Console(width=width, highlight=False, markup=False)
    if columns is None:
        laid_out = to_terminal(short_order(results.table(), aim), width=width, short=True, more=SHOW_ALL)
    else:
        laid_out = to_terminal(results.table(columns=None if tuple(columns) == ("all",) else columns), width=width)
    console.print(lines_to_terminal(results.verdict(aim).lines))
    console.print()
    console.print(laid_out)


def print_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """The verdict for a person, or JSON for a program."""
    if as_json:
        import json

        sys.stdout.write(json.dumps(verdict.to_dict(), indent=2, ensure_ascii=False) + "\n")
        return
    from rich.console import Console

    from gapkit.report.terminal import lines_to_terminal

    console = Console(width=shutil.get_terminal_size((100, 24)).columns, highlight=False, markup=False)
    console.print(lines_to_terminal(verdict.lines))


def print_rows(rows: list[dict[str, object]], *, as_json: bool, words: bool = False) -> None:
    """Records as a plain table, or as JSON.

    Those that hold sentences (`words`) come one below the other where a table would break words to fit.
    """
    if as_json:
        import json

        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    from rich import box
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    width = shutil.get_terminal_size((120, 24)).columns
    console = Console(width=width, highlight=False, markup=False)
    heads = [name.replace("_", " ") for name in (rows[0] if rows else ())]
    cells = [[_word(value) for value in row.values()] for row in rows]
    if words and rows and _least_width(heads, cells) > width:
        for name, *own in cells:
            console.print(name)
            for head, cell in zip(heads[1:], own, strict=True):
                if cell:
                    console.print(Padding(Text(cell if head == "what" else f"{head}: {cell}"), (0, 0, 0, 4)))
        return
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, head in enumerate(heads):
        grid.add_column(head, no_wrap=place == 0, overflow="fold")
    for row in cells:
        grid.add_row(*row)
    console.print(grid)


def _least_width(heads: list[str], cells: list[list[str]]) -> int:
    """Columns of a terminal that a table takes without breaking a word; the first column is not wrapped."""
    first, *others = zip(heads, *cells, strict=True)
    return max(map(len, first)) + sum(3 + max(len(word) for cell in own for word in cell.split()) for own in others)


def records_of(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of a frame as JSON holds them: every digit, which pandas' own JSON cuts, and null where there is none."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in frame.to_dict("records")
    ]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
