"""A table for the terminal, cut into panels that fit its width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from gapkit.report.table import BLOCKS, Column, Entry, Table

CONTINUED = "(cont.)"
GAP = 3
"""Blanks between two columns; rich adds one to the padding."""


def to_terminal(table: Table, *, width: int = 100) -> RenderableType:
    """Lay `table` out for `width` columns.

    Parameters
    ----------
    table : Table
    width : int
        Columns of the terminal. Metrics of one group stay together; a group that is too wide goes on below.

    Returns
    -------
    RenderableType
        For ``rich.console.Console.print``. Best of the bridges bold and starred, anchors dim, ``±`` half the interval.
    """
    parts: list[RenderableType] = [Text(table.title, style="bold")] if table.title else []
    names = [row.name for rows in table.blocks.values() for row in rows]
    heads = [f"{column.group} {CONTINUED}" for column in table.columns]
    label = max(map(cell_len, [*names, *heads, *(BLOCKS[block] for block in table.blocks)]), default=0)
    for heading, places in _panels(table, width - label):
        parts += [_grid(table, heading, places), Text()]
    for rows in table.blocks.values():
        parts += [Text(f"{row.name}: {row.error}", style="red") for row in rows if row.error]
    if any(entry.mark == "best" for rows in table.blocks.values() for row in rows for entry in row.entries):
        parts.append(Text("* best of the bridges", style="dim"))
    parts += [Text(note, style="dim") for note in table.notes]
    return Group(*parts)


def to_text(table: Table, *, width: int = 100) -> str:
    """The same without colours, as a string."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(to_terminal(table, width=width))
    return capture.get()


def _panels(table: Table, room: int) -> Iterator[tuple[str, list[int]]]:
    """Heading and column numbers of each panel."""
    groups: dict[str, list[int]] = {}
    for place, column in enumerate(table.columns):
        groups.setdefault(column.group, []).append(place)
    for group, places in groups.items():
        heading, taken, panel = group, 0, list[int]()
        for place in places:
            need = GAP + _width(table, place)
            if panel and taken + need > room:
                yield heading, panel
                heading, taken, panel = f"{group} {CONTINUED}", 0, []
            panel.append(place)
            taken += need
        yield heading, panel


def _width(table: Table, place: int) -> int:
    column = table.columns[place]
    entries = [_entry(column, row.entries[place]).cell_len for rows in table.blocks.values() for row in rows]
    return max([*entries, *(len(line) for line in _head(column).split("\n"))])


def _head(column: Column) -> str:
    """Two lines at most: a long label breaks at the blank nearest its middle."""
    words = column.label.split()
    tail = " ".join(part for part in (column.factor, column.arrow) if part)
    if len(column.label) <= 9 or len(words) < 2:
        return f"{column.label}\n{tail}"
    cut = min(range(1, len(words)), key=lambda k: abs(len(" ".join(words[:k])) - len(" ".join([*words[k:], tail]))))
    return f"{' '.join(words[:cut])}\n{' '.join([*words[cut:], tail])}"


def _entry(column: Column, entry: Entry) -> Text:
    # The star tells where bold does not show: in a pipe, in a file.
    best = entry.mark == "best"
    text = Text(f"*{column.text(entry.value)}" if best else column.text(entry.value), style="bold" if best else "")
    if entry.has_interval:
        text.append(f" ±{column.text(entry.half)}", style="not bold dim")
    return text


def _grid(table: Table, heading: str, places: Sequence[int]) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, header_style="", show_edge=False)
    grid.add_column(Text(heading, style="bold"), no_wrap=True, vertical="bottom")
    for place in places:
        grid.add_column(_head(table.columns[place]), justify="right", no_wrap=True)
    for block, rows in table.blocks.items():
        style = "dim" if block == "anchor" else ""
        grid.add_section()
        grid.add_row(Text(BLOCKS[block], style="italic dim"))
        for row in rows:
            if row.error and row.empty:
                grid.add_row(Text(row.name), Text("failed", style="red"), style=style)
                continue
            grid.add_row(Text(row.name), *(_entry(table.columns[p], row.entries[p]) for p in places), style=style)
    return grid
