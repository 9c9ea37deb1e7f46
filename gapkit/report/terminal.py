"""A table for the terminal: short, on one screen, or whole, cut into panels that fit its width."""

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
MOST = 10
"""Columns of a short table at most."""
WORD = 9
"""Letters of a heading in a short table; a longer word is parted."""
MARK = "* cannot be told from the best of its column"


def to_terminal(table: Table, *, width: int = 100, short: bool = False, more: str = "") -> RenderableType:
    """Lay `table` out for `width` columns.

    Parameters
    ----------
    table : Table
    width : int
        Columns of the terminal. Metrics of one group stay together; a group that is too wide goes on below.
    short : bool
        One panel without intervals: the first columns that fit, 10 at most; the others are named below.
    more : str
        What shows the others, in words; for `short`.

    Returns
    -------
    RenderableType
        For ``rich.console.Console.print``. What is marked is bold and starred, anchors dim, ``±`` half the interval.
    """
    parts: list[RenderableType] = [Text(table.title, style="bold")] if table.title else []
    left_out: list[int] = []
    if short:
        gap, places = _fitting(table, width)
        left_out = [place for place in range(len(table.columns)) if place not in places]
        parts += [_grid(table, "", places, gap=gap, short=True), Text()]
    else:
        names = [row.name for rows in table.blocks.values() for row in rows]
        heads = [f"{column.group} {CONTINUED}" for column in table.columns]
        label = max(map(cell_len, [*names, *heads, *(BLOCKS[block] for block in table.blocks)]), default=0)
        for heading, places in _panels(table, width - label):
            parts += [_grid(table, heading, places), Text()]
    for rows in table.blocks.values():
        parts += [Text(f"{row.name}: {row.error}", style="red") for row in rows if row.error]
    if table.has_marks:
        parts.append(Text(MARK, style="dim"))
    if left_out:
        parts.append(Text(f"Not shown: {', '.join(table.columns[p].label for p in left_out)}{more}", style="dim"))
    parts += [Text(note, style="dim") for note in table.notes]
    return Group(*parts)


def lines_to_terminal(lines: Sequence[tuple[str, str]]) -> RenderableType:
    """Sentences beside the word that says what they are about."""
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for word, text in lines:
        grid.add_row(Text(word), Text(text))
    return grid


def to_text(table: Table, *, width: int = 100, short: bool = False, lines: Sequence[tuple[str, str]] = ()) -> str:
    """The same without colours, as a string; sentences (`lines`) stand above the table."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        if lines:
            console.print(lines_to_terminal(lines))
            console.print()
        console.print(to_terminal(table, width=width, short=short))
    return capture.get()


def _fitting(table: Table, width: int) -> tuple[int, list[int]]:
    """Blanks between two columns, and the first columns that fit: narrower blanks where more of them do."""
    names = [row.name for rows in table.blocks.values() for row in rows]
    label = max(map(cell_len, [*names, *(BLOCKS[block] for block in table.blocks)]), default=0)
    widths = [_short_width(table, place) for place in range(len(table.columns))][:MOST]
    found: dict[int, list[int]] = {}
    for gap in (GAP - 1, GAP - 2):
        room, taken = width - label, 0
        found[gap] = []
        for place, own in enumerate(widths):
            taken += own + gap
            if taken > room:
                break
            found[gap].append(place)
    wide, narrow = found.items()
    return wide if len(wide[1]) == len(narrow[1]) or not narrow[1] else narrow


def _short_width(table: Table, place: int) -> int:
    column = table.columns[place]
    cells = [_entry(column, row.entries[place], short=True).cell_len for rows in table.blocks.values() for row in rows]
    return max([*cells, *map(len, _short_head(column).split("\n"))])


def _short_head(column: Column) -> str:
    """A word a line."""
    words = [piece for word in column.label.split() for piece in _parted(word)]
    return "\n".join([*words, " ".join(part for part in (column.factor, column.arrow) if part), *_note(column)])


def _parted(word: str) -> list[str]:
    if len(word) <= WORD:
        return [word]
    middle = (len(word) + 1) // 2
    return [f"{word[:middle]}-", word[middle:]]


def _note(column: Column) -> list[str]:
    return [word for part in column.note for word in part.split()]


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
    """Two lines at most, and its note: a long label breaks at the blank nearest its middle."""
    words = column.label.split()
    tail = " ".join(part for part in (column.factor, column.arrow) if part)
    if len(column.label) <= 9 or len(words) < 2:
        return "\n".join([column.label, tail, *column.note])
    cut = min(range(1, len(words)), key=lambda k: abs(len(" ".join(words[:k])) - len(" ".join([*words[k:], tail]))))
    return "\n".join([" ".join(words[:cut]), " ".join([*words[cut:], tail]), *column.note])


def _entry(column: Column, entry: Entry, *, short: bool = False) -> Text:
    # The star tells where bold does not show: in a pipe, in a file.
    text = Text(
        f"*{column.text(entry.value)}" if entry.marked else column.text(entry.value),
        style="bold" if entry.marked else "",
    )
    if entry.has_interval and not short:
        text.append(f" ±{column.text(entry.half)}", style="not bold dim")
    return text


def _grid(table: Table, heading: str, places: Sequence[int], *, gap: int = GAP, short: bool = False) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, header_style="", show_edge=False)
    grid.add_column(Text(heading, style="bold"), no_wrap=True, vertical="bottom")
    for place in places:
        head = _short_head(table.columns[place]) if short else _head(table.columns[place])
        grid.add_column(head, justify="right", no_wrap=True, vertical="bottom")
    for block, rows in table.blocks.items():
        style = "dim" if block == "anchor" else ""
        grid.add_section()
        grid.add_row(Text(BLOCKS[block], style="italic dim"))
        for row in rows:
            if row.error and row.empty:
                grid.add_row(Text(row.name), Text("failed", style="red"), style=style)
                continue
            cells = (_entry(table.columns[p], row.entries[p], short=short) for p in places)
            grid.add_row(Text(row.name), *cells, style=style)
    return grid
