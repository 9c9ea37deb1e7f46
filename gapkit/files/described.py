"""Items of a table, row by row: name, file and captions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gapkit.errors import InputError
from gapkit.files.columns import Columns, name_in, need_columns, texts_in, word_in
from gapkit.files.list_cells import list_in
from gapkit.files.tables import Row, Table, read_table
from gapkit.statistics import cells_of

SHOWN = 3
"""Broken rows that a message tells."""


@dataclass(frozen=True)
class Described:
    """One row of a table.

    Parameters
    ----------
    row : int
        Number of the record in the table, from 0, broken ones counted.
    where : str
        Its place as its user counts: "line 3", "entry 'a'".
    id, path, split, label, group : str
        Empty where there is no such column. The id is that of its column, else YouTube id and start, else the path.
    captions : tuple of str
        In the order of their columns; without the empty ones.
    blank : int
        Captions that are empty.
    fault : str
        Reason why the row cannot be used; empty where it can.
    """

    row: int
    where: str
    id: str = ""
    path: str = ""
    split: str = ""
    label: str = ""
    group: str = ""
    captions: tuple[str, ...] = ()
    blank: int = 0
    fault: str = ""


def read_described(path: str | Path, *needed: str, said: bool = False) -> list[Described]:
    """Read what a table says of items.

    Parameters
    ----------
    path : path
        What `gapkit.files.tables.read_table` reads.
    *needed : {"caption", "id", "path"}
        Columns that it must have.
    said : bool, default False
        True: of captions by people and captions that a system said, the latter are taken.

    Returns
    -------
    list of Described
        All rows in their order; those with a `fault` among them.

    Raises
    ------
    InputError
        The table cannot be read, misses a column, or has no row.
    """
    table = read_table(path)
    if table.rows and not table.columns:
        raise InputError(f"{path}: {table.rows[0].where}: {table.rows[0].fault}")
    if not table.rows and not table.columns:
        raise InputError(f"{path}: is empty; expected the columns {', '.join(needed)} and one row a caption")
    columns = need_columns(path, table.columns, *needed, said=said)
    if not table.rows:
        raise InputError(f"{path}: has a header and no rows; expected one row a caption")
    return describe(table, columns)


def describe(table: Table, columns: Columns) -> list[Described]:
    """Items of a table, row by row."""
    return [_described(row, columns) for row in table.rows]


def usable(rows: Sequence[Described], path: object) -> list[Described]:
    """Rows without a fault; the others are said in a warning with their places.

    Raises
    ------
    InputError
        No row is without a fault.
    """
    kept = [row for row in rows if not row.fault]
    broken = [row for row in rows if row.fault]
    if broken:
        shown = "; ".join(f"{row.where}: {row.fault}" for row in broken[:SHOWN])
        if not kept:
            raise InputError(f"{path}: {broken[0].where}: {broken[0].fault}")
        more = f" and {len(broken) - SHOWN:,} more" if len(broken) > SHOWN else ""
        warnings.warn(f"{path}: {len(broken):,} of {len(rows):,} rows left out: {shown}{more}", stacklevel=3)
    return kept


def captions_by_id(rows: Sequence[Described]) -> dict[str, tuple[str, ...]]:
    """All captions of each id, in the order of the rows; the empty ones come last in their row."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.id, []).extend((*row.captions, *[""] * row.blank))
    return {key: tuple(texts) for key, texts in found.items()}


def _described(row: Row, columns: Columns) -> Described:
    cells = {
        part: row.cells.get(getattr(columns, part))
        for part in tuple(field.name for field in fields(Columns) if field.name != "captions")
    }
    fault, names = row.fault, {}
    for part in ("id", "path", "video"):
        try:
            names[part] = name_in(cells[part])
        except ValueError as error:
            names[part], fault = "", fault or str(error)
    clip, start = names["video"], word_in(cells["start"])
    if columns.video and columns.start:
        if not fault and not _is_number(start):
            fault = f"{columns.start} must be a number, got {start!r:.60}"
        clip = f"{clip}_{start}" if clip and start else clip
    name = names["id"] or clip or names["path"]
    if not fault and not name.strip() and (columns.id or columns.video or columns.path):
        fault = "has no id"
    texts: list[str] = []
    try:
        for column in columns.captions:
            texts += _captions(row.cells.get(column))
    except ValueError as error:
        fault = fault or str(error)
    full = tuple(text for text in texts if text.strip())
    return Described(
        row=row.number,
        where=row.where,
        id=name,
        path=names["path"],
        split=word_in(cells["split"]),
        label=word_in(cells["label"]),
        group=group_in(cells["group"]),
        captions=full,
        blank=len(texts) - len(full),
        fault=fault,
    )


def _captions(cell: Any) -> list[str]:
    listed = list_in(cell) if isinstance(cell, str) else None
    return list(texts_in(cell)) if listed is None else listed


def group_in(cell: Any) -> str:
    """Origins of an item out of a cell that holds one label or a list of them; see `gapkit.statistics.cells_of`."""
    labels = list_in(cell) if isinstance(cell, str) else cell if isinstance(cell, list | tuple) else None
    return word_in(cell) if labels is None else str(cells_of([labels])[0])


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
