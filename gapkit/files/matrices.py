"""The matrix of one side of a file or folder, in each layout in which people keep it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.names import ALIASES, ALONE, SIDES, is_matrix, is_part, named, plain, side_key
from gapkit.files.store import Look, Ragged, Store, inside, reading, stacked

MANY = 3
"""So many vectors of one length, and nothing else, are one vector an item, whatever their names."""


@dataclass(frozen=True)
class Matrix:
    """Embeddings of one side as they were found.

    Parameters
    ----------
    rows : array of shape (k, d)
    counts : array of shape (n,) of int, or None
        Rows of each item, one item after another; None: one row an item.
    dtype : str
        As the file says it.
    where : str
        What error messages call it.
    store : Store
        Where it lies, and what lies beside it.
    keys : tuple of str
        Arrays of `store` that it was made of.
    names : tuple of str or None
        Names of the items, where each has an array of its own.
    """

    rows: NDArray[Any]
    counts: NDArray[np.int64] | None
    dtype: str
    where: str
    store: Store
    keys: tuple[str, ...]
    names: tuple[str, ...] | None = None


def find_matrix(
    store: Store, key: str | None, side: str | None, *, items: Collection[str] = (), both: bool = False
) -> Matrix:
    """The embeddings of one side.

    Parameters
    ----------
    store : Store
    key : str or None
        Name of the array that is wanted.
    side : {"source", "target"} or None
        Whose usual names count where there is no `key`. A target may have several rows an item.
    items : collection of str
        Names of the items of the other side, by which arrays of several rows are known as one array an item.

    both : bool
        The store is to hold both sides: a matrix that is not called by a name of `side` is not taken for it.

    Raises
    ------
    InputError
        Nothing of that name, several arrays of which none is meant, or what is no matrix of real numbers.
    """
    if key is not None:
        return _by_key(store, key, side, items)
    looks = store.looks() if both or len(store.keys) > 1 else {}
    if len(store.keys) == 1 and not store.inner and not both:
        (only,) = store.keys
        look = store.look(only)
        if only and not _is_usual(only) and len(look.shape) == 1 and _are_vectors([look]):
            return _one_an_item(store, store.keys, {only: look}, side)
        return _read(store, only, side)
    if not both and len(looks) >= MANY and len(looks) == len(store.keys) and _are_vectors(looks.values()):
        return _one_an_item(store, store.keys, looks, side)
    chosen = side_key(looks, store.keys, side, str(store.path)) if side else None
    if chosen is not None:
        return _read(store, chosen, side)
    within = named_store(store, side) if side else None
    if within is not None:
        return find_matrix(within, None, side, items=items)
    others = [name for name in store.keys if not is_part(name) or (_is_side(name) and is_matrix(looks.get(name)))]
    matrices = [name for name in others if is_matrix(looks.get(name))]
    alone = [name for name in named(store.keys, ALONE) if name in matrices] or matrices
    if both:
        raise InputError(_no_matrix(store, side, []))
    if len(alone) == 1 or (alone and plain(alone[0]) in ALONE):
        return _read(store, alone[0], side)
    if len(others) > 1 and all(name in looks for name in others):
        if _are_vectors(looks[name] for name in others):
            return _one_an_item(store, others, looks, side)
        if side == "target" and not set(items).isdisjoint(others) and len(matrices) == len(others):
            return _one_an_item(store, others, looks, side)
    raise InputError(_no_matrix(store, side, alone))


def named_store(store: Store, side: str) -> Store | None:
    """Store below a usual name of a side: a folder ``audio``, a group ``text`` of HDF5."""
    groups = dict.fromkeys([*store.inner, *(key.partition("/")[0] for key in store.keys if "/" in key)])
    hits = named(groups, ALIASES[side])
    if len(hits) > 1 and plain(hits[0]) != side:
        raise InputError(f"{store.path}: holds both {hits[0]} and {hits[1]}; rename the one meant to {side!r}")
    return inside(store, hits[0]) if hits else None


def _is_side(key: str) -> bool:
    return any(plain(key) in ALIASES[side] for side in SIDES)


def _is_usual(key: str) -> bool:
    return _is_side(key) or is_part(key) or plain(key) in ALONE


def _by_key(store: Store, key: str, side: str | None, items: Collection[str]) -> Matrix:
    group, _, name = key.rpartition("/")
    if key in store.keys and (around := inside(store, group)):  # what lies beside it is in its group
        return dataclasses.replace(_read(around, name, side), where=f"{store.path}:{key}")
    if key in store.keys:
        return _read(store, key, side)
    within = inside(store, key)
    if within is not None:
        return find_matrix(within, None, side, items=items)
    near = [name for name in store.keys if plain(name) == plain(key)]
    if len(near) == 1:
        return _read(store, near[0], side)
    raise InputError(f"{store.path}: holds nothing named {key!r}; names here: {listed(store.keys)}")


def _read(store: Store, key: str, side: str | None) -> Matrix:
    where = f"{store.path}:{key}" if key else str(store.path)
    look, array = store.look(key), store.read(key)
    values = array.values if isinstance(array, Ragged) else array
    if values.dtype.kind not in "fiu":
        others = [name for name, seen in store.looks().items() if name != key and is_matrix(seen)]
        hint = f"choose {' or '.join(f'{store.path}:{name}' for name in others[:3])}" if others else ""
        raise InputError(
            f"{where}: holds {values.dtype}, expected real numbers; {hint or 'save embeddings as float32'}"
        )
    rows, counts = _flattened(array, where, side)
    return Matrix(rows, counts, look.dtype, where, store, (key,))


def _flattened(
    array: NDArray[Any] | Ragged, where: str, side: str | None
) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    """Rows (k, d), and how many of them each item has where that is not one."""
    if isinstance(array, Ragged):
        rows, counts = array.values, array.counts
        if (counts == 1).all():
            return rows, None
        if side != "target" or rows.ndim != 2:
            most = int(counts.max(initial=0))
            raise InputError(
                f"{where}: holds up to {most} vectors an item, expected one; keep one of them or their mean"
            )
        return rows, counts
    if array.ndim == 3 and array.shape[1] == 1 and len(array):
        return array[:, 0], None
    if array.ndim == 3 and side == "target" and 0 not in array.shape:
        n, k, d = array.shape
        return array.reshape(-1, d), np.full(n, k, dtype=np.int64)
    if array.ndim == 3 and 0 not in array.shape:
        raise InputError(
            f"{where}: has shape {array.shape}, expected (n, d): one embedding a row; array.mean(axis=1) is one an "
            f"item, array.reshape(-1, {array.shape[2]}) every row for itself"
        )
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{where}: has shape {array.shape}, expected (n, d): one embedding a row, at least one")
    return array, None


def _are_vectors(looks: Collection[Look] | Any) -> bool:
    """Tell whether all are vectors of one length, (d,) or (1, d)."""
    shapes = {look.shape[-1:] if look.kind == "f" and _one_row(look.shape) else None for look in looks}
    return len(shapes) == 1 and shapes != {None} and shapes != {(0,)}


def _one_row(shape: tuple[int, ...]) -> bool:
    return len(shape) == 1 or (len(shape) == 2 and shape[0] == 1)


def _one_an_item(store: Store, keys: Collection[str], looks: Mapping[str, Look], side: str | None) -> Matrix:
    """One array an item, its name the id of the item."""
    with reading(store.path), store.opened() as access:
        rows = []
        for key in keys:
            with reading(store.path, key):
                row = access.read(key)
            rows.append(row.values if isinstance(row, Ragged) else row)
    where = str(store.path)
    values, counts = _flattened(stacked(rows, where, ""), where, side)
    return Matrix(values, counts, next(iter(looks.values())).dtype, where, store, tuple(keys), tuple(keys))


def _no_matrix(store: Store, side: str | None, matrices: list[str]) -> str:
    names = matrices or [*store.keys, *store.inner]
    if side is None or len(matrices) > 1:
        return f"{store.path}: holds several arrays; choose one as {store.path.name}:KEY from {listed(names)}"
    usual = ", ".join(ALIASES[side][:3])
    return f"{store.path}: no {side} embeddings, named {usual} or the like; names here: {listed(names)}; rename one"


def listed(names: Collection[str]) -> str:
    """The first names of many."""
    names = list(names)
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "") or "none"
