"""Which target rows belong to which clip: from one row a caption to one row a clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.captions import CaptionTable


@dataclass
class Parts:
    """What was found so far of one `PairedEmbeddings`."""

    source: NDArray[Any]
    target: NDArray[Any]
    owner: NDArray[Any] | None = None
    ids: NDArray[Any] | None = None
    captions: NDArray[Any] | None = None
    split: NDArray[Any] | None = None
    name: str = "pairs"
    meta: dict[str, Any] = field(default_factory=dict)
    fitted: NDArray[Any] | None = None


def fold(parts: Parts, where: str) -> None:
    """Bring a table with one row a target row to one source row a clip."""
    m = len(parts.target)
    for part in ("source", "ids", "captions", "split", "fitted"):
        rows = getattr(parts, part)
        if rows is not None and len(rows) != m:
            raise InputError(f"{where}: column {part} has {len(rows)} rows, expected one for each of {m} targets")
    if parts.owner is not None:
        owner = parts.owner
        # An empty column has no last clip to ask for.
        if owner.shape != (m,) or m == 0:
            raise InputError(f"{where}: column owner has shape {owner.shape}, expected one number for each of {m} rows")
        if owner.dtype.kind not in "iu" or owner.min(initial=0) < 0 or owner.max(initial=0) >= m:
            raise InputError(
                f"{where}: column owner must hold whole numbers from 0 below the {m} rows, got {owner.dtype}"
            )
        rows, owner = np.unique(owner, return_inverse=True)
        if len(rows) != rows[-1] + 1:
            raise InputError(f"{where}: column owner skips {rows[-1] + 1 - len(rows)} clips; number them 0, 1, 2, …")
    elif parts.ids is not None:
        owner, _ = _number(parts.ids)
    else:
        return
    first = _first_rows(owner)
    for part in ("source", "ids", "split", "fitted"):
        rows = getattr(parts, part)
        if rows is not None:
            setattr(parts, part, _per_clip(rows, owner, first, f"{where}: column {part}"))
    parts.owner = owner


def add_captions(parts: Parts, table: CaptionTable) -> None:
    """Put the columns of a captions csv in their places."""
    m, n = len(parts.target), len(parts.source)
    if len(table.captions) != m:
        raise InputError(f"{table.path}: has {len(table.captions)} rows for {m} target rows; expected one row each")
    if parts.owner is not None and parts.owner.shape != (m,):
        raise InputError(f"{parts.name}: owner needs one integer a target row ({m}), got shape {parts.owner.shape}")
    parts.captions = table.captions
    if table.ids is not None:
        if parts.owner is None:
            parts.owner = _owner_by_ids(parts.ids, table, n)
        elif parts.ids is not None:
            _check_order(parts.ids, parts.owner, table)
        first = _first_rows(parts.owner)
        parts.ids = _per_clip(table.ids, parts.owner, first, f"{table.path}: column id")
    if table.split is not None:
        owner = np.arange(m) if parts.owner is None else parts.owner
        parts.split = _per_clip(table.split, owner, _first_rows(owner), f"{table.path}: column split")


def _owner_by_ids(known: NDArray[Any] | None, table: CaptionTable, n: int) -> NDArray[np.int64]:
    assert table.ids is not None
    owner, names = _number(table.ids)
    if known is None:
        if len(names) != n:
            raise InputError(f"{table.path}: column id names {len(names)} clips, but there are {n} source rows")
        return owner
    row_of = {str(clip): row for row, clip in enumerate(known)}
    strangers = [str(clip) for clip in names if str(clip) not in row_of]
    if strangers:
        raise InputError(f"{table.path}: {len(strangers)} ids are of no source row (first: {strangers[0]})")
    return np.array([row_of[str(clip)] for clip in names], dtype=np.int64)[owner]


def _check_order(ids: NDArray[Any], owner: NDArray[Any], table: CaptionTable) -> None:
    """Refuse rows in another order than the targets, where the csv calls the clips as the file does."""
    assert table.ids is not None
    if ids.ndim != 1 or owner.dtype.kind not in "iu" or owner.min(initial=0) < 0 or owner.max(initial=0) >= len(ids):
        return  # refused as pairs, later
    known = ids.astype(np.str_)
    wrong = np.flatnonzero(known[owner] != table.ids)
    if len(wrong) and np.isin(table.ids, known).any():
        row = int(wrong[0])
        theirs, ours = str(table.ids[row]), str(known[owner[row]])
        raise InputError(
            f"{table.path}: row {row} is of clip {theirs!r}, target row {row} of {ours!r}; "
            "expected one row a target row, in their order"
        )


def _number(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Labels as numbers in order of first appearance, and the labels in that order."""
    names, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse].astype(np.int64), names[order]


def _first_rows(owner: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(owner, return_index=True)[1]


def _per_clip(rows: NDArray[Any], owner: NDArray[Any], first: NDArray[np.int64], what: str) -> NDArray[Any]:
    """One entry a clip out of one a target row; rows of one clip must agree."""
    _, clip = np.unique(owner, return_inverse=True)
    kept = rows[first]
    same = (kept[clip] == rows) | ((kept[clip] != kept[clip]) & (rows != rows))  # NaN agrees with NaN
    if not same.all():
        row = int(np.flatnonzero(~same.reshape(len(rows), -1).all(axis=1))[0])
        raise InputError(
            f"{what}: row {row} differs from row {int(first[clip[row]])}, of the same clip; make them agree"
        )
    return kept
