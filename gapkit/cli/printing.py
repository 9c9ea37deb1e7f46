"""Tables on stdout."""

from __future__ import annotations

import math
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from gapkit.comparison import Results


def print_results(results: Results, *, as_json: bool) -> None:
    """The table for a person, or JSON for a program."""
    if as_json:
        sys.stdout.write(results.to_json())
        return
    from rich.console import Console

    from gapkit.report.terminal import to_terminal

    # A pipe has no width; 100 columns show the default table in one panel a group.
    width = shutil.get_terminal_size((100, 24)).columns
    console = Console(width=width, highlight=False, markup=False)
    console.print(to_terminal(results.table(), width=width))


def print_rows(rows: list[dict[str, object]], *, as_json: bool) -> None:
    """Records as a plain table, or as JSON."""
    if as_json:
        import json

        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, name in enumerate(rows[0] if rows else ()):
        grid.add_column(name.replace("_", " "), no_wrap=place == 0, overflow="fold")
    for row in rows:
        grid.add_row(*(_word(value) for value in row.values()))
    width = shutil.get_terminal_size((120, 24)).columns
    Console(width=width, highlight=False, markup=False).print(grid)


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
