"""Owners and captions that come in files of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PER_ITEM
from gapkit.errors import InputError
from gapkit.files.captions import read_captions
from gapkit.files.columns import find_columns, plain_name, word_in
from gapkit.files.described import describe, read_described, usable
from gapkit.files.grouping import number, per_item
from gapkit.files.matrices import listed
from gapkit.files.sides import Side, one_an_id, open_any, read_groups, read_part, split_key
from gapkit.files.store import READERS, Store, text_array
from gapkit.files.tables import read_table
from gapkit.statistics import cells_of

TABLES = (".csv", ".tsv", ".json", ".jsonl")
"""Suffixes of the tables that a folder may hold beside its embeddings."""


def table_in(folder: Path) -> Path | None:
    """The table of captions that lies in a folder of pairs; None without one."""
    if not folder.is_dir():
        return None
    found = [path for suffix in TABLES if (path := folder / f"captions{suffix}").is_file()]
    if len(found) > 1:
        raise InputError(f"{folder}: holds both {found[0].name} and {found[1].name}; keep the one that is meant")
    return found[0] if found else None


def table_of(path: str | Path) -> Side:
    """A table of captions as a side without embeddings: its items by their ids, or by its records.

    Raises
    ------
    InputError
        What cannot be read, and items of which two rows say different things.
    """
    table = read_captions(Path(path))
    items = {part: values for part in PER_ITEM if (values := getattr(table, part, None)) is not None}
    side = Side(where=str(path), count=len(table.captions), items=items, captions=table.captions)
    record = getattr(table, "row", None)
    if record is not None and side.ids is None and len(np.unique(record)) < len(record):
        side.owner, _ = number(record)
        side.count = int(side.owner.max()) + 1
        side.items = {part: per_item(v, side.owner, f"{path}: column {part}") for part, v in items.items()}
    return one_an_id(side, source=False)


def described(target: Side, table: Side) -> Side:
    """Target rows without names, each of which a row of the table describes.

    Raises
    ------
    InputError
        Another number of rows.
    """
    assert target.rows is not None
    assert table.captions is not None
    m = len(target.rows)
    if len(table.captions) != m:
        raise InputError(f"{table.where}: expected one caption for each of {m} target rows, got {len(table.captions)}")
    items = dict(table.items)
    for part, values in target.items.items():
        if part not in items:
            items[part] = values if table.owner is None else per_item(values, table.owner, f"{target.where}: {part}")
    return dataclasses.replace(
        target, where=f"{target.where} with {table.where}", count=table.count, items=items, owner=table.owner,
        captions=table.captions,
    )  # fmt: skip


def owner_of(owner: Any) -> NDArray[Any]:
    """Source row, or id of the item, of each target row.

    Parameters
    ----------
    owner : array, or str or Path
        ``file[:key]`` of a vector, or of pairs or a table that have owner or ids.

    Raises
    ------
    InputError
    """
    if not isinstance(owner, str | Path):
        return np.asarray(owner)
    file, key = split_key(owner)
    if not file.is_dir() and file.suffix.lower() not in READERS:
        return _owner_in_table(file)
    store = open_any(file)
    if key is not None:
        if key not in store.keys:
            raise InputError(f"{file}: holds nothing named {key!r}; names here: {listed(store.keys)}")
        return _vector(store, key)
    if len(store.keys) == 1:
        return _vector(store, store.keys[0])
    owner, ids = read_part(store, "owner", "target"), read_part(store, "ids", "target")
    if owner is None and ids is None:
        raise InputError(f"{file}: holds no owner and no ids; names here: {listed(store.keys)}; choose one as FILE:KEY")
    if owner is None or (ids is not None and store.per_target):
        return np.asarray(ids)
    return np.asarray(owner)


def _owner_in_table(path: Path) -> NDArray[Any]:
    """Column of rows or of ids, an entry a row, or a caption where a row has several.

    Raises
    ------
    InputError
    """
    table = read_table(path)
    rows = describe(table, find_columns(table.columns))
    column = next((name for name in table.columns if plain_name(name) == "owner"), None)
    # A row that is left out would move all that follow it.
    broken = next((row for row in rows if row.fault or not (column or row.id)), None)
    if broken is not None or not rows:
        fault = f"{broken.where}: {broken.fault or 'has no id'}" if broken else "is empty"
        raise InputError(f"{path}: {fault}; expected an id or owner of each target row")
    counts = [max(1, len(row.captions)) for row in rows]
    if column is None:
        return np.repeat(text_array([row.id for row in rows], path, "column of ids"), counts)
    cells = [word_in(row.cells.get(column)) for row in table.rows]
    numbers = all(cell.isdecimal() for cell in cells)
    return np.repeat(np.array([int(cell) for cell in cells]) if numbers else text_array(cells, path, column), counts)


def groups_of(groups: Any, pairs: Path) -> Side:
    """Groups of items, and their ids where the file tells them, as a side without embeddings.

    Parameters
    ----------
    groups : sequence, or str or Path
        Labels or lists of labels; or a table, ``file[:key]``, or the name of an array or column of `pairs`.
    pairs : Path
        File of the embeddings.

    Raises
    ------
    InputError
        No such file or column, or labels that are neither texts nor whole numbers.
    """
    if not isinstance(groups, str | Path):
        return _grouped("groups", cells_of(groups), None)
    file, key = split_key(groups)
    if not file.exists():
        file, key = split_key(pairs)[0], str(groups)
    where = f"{file}:{key}" if key else str(file)
    if file.suffix.lower() not in READERS and not file.is_dir():
        rows = usable(read_described(file), file)
        return _grouped(where, np.array([row.group for row in rows]), np.array([row.id for row in rows]))
    store = open_any(file)
    if key is not None and key not in store.keys:
        raise InputError(
            f"{groups}: is no file, and {file} holds nothing of this name; names there: {listed(store.keys)}"
        )
    cells = read_part(store, "groups", "source") if key is None else read_groups(store, key)
    if cells is None:
        raise InputError(f"{file}: holds no groups; names here: {listed(store.keys)}; choose one as FILE:KEY")
    ids = read_part(store, "ids", "source")
    return _grouped(where, cells, ids if ids is not None and len(ids) == len(cells) else None)


def _grouped(where: str, cells: NDArray[Any], ids: NDArray[Any] | None) -> Side:
    side = Side(where=where, count=len(cells), items={"groups": cells})
    if ids is not None and all(ids.tolist()):
        side.items["ids"] = ids
    return one_an_id(side, source=False)


def _vector(store: Store, key: str) -> NDArray[Any]:
    values = store.array(key)
    return values.astype(np.str_) if values.dtype.kind in "US" else values


def named_by(target: Side, names: NDArray[Any]) -> Side:
    """Target rows with the id of the item of each, whatever was known before.

    Raises
    ------
    InputError
        Another number of names than of rows.
    """
    assert target.rows is not None
    m = len(target.rows)
    if names.shape != (m,):
        raise InputError(f"{target.where}: owner needs one integer or id a target row ({m}), got shape {names.shape}")
    items = {part: values if target.owner is None else values[target.owner] for part, values in target.items.items()}
    side = dataclasses.replace(target, count=m, owner=None, items={**items, "ids": names.astype(np.str_)})
    return one_an_id(side, source=False)
