"""Rows that belong to one item: numbered by name, and brought to one entry an item."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError


def places_of(names: NDArray[Any], known: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Place of each name among those that are known.

    Raises
    ------
    InputError
        Names that are not known; the first three are given.
    """
    place = {str(name): row for row, name in enumerate(known)}
    strangers = list(dict.fromkeys(str(name) for name in names if str(name) not in place))
    if strangers:
        raise InputError(
            f"{what}: {len(strangers)} ids are of no source row (first: {', '.join(strangers[:3])}); "
            "drop these rows, or take what both have with join='inner' (--join inner)"
        )
    return np.array([place[str(name)] for name in names], dtype=np.int64)


def number(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Labels as numbers in order of first appearance, and the labels in that order."""
    names, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse].astype(np.int64), names[order]


def per_item(rows: NDArray[Any], groups: NDArray[np.int64], what: str) -> NDArray[Any]:
    """One entry an item out of several; entries of one item must agree.

    Raises
    ------
    InputError
    """
    odd = differing(rows, groups)
    if len(odd):
        row = int(odd[0])
        first = int(np.flatnonzero(groups == groups[row])[0])
        raise InputError(f"{what}: row {row} differs from row {first}, of the same clip; make them agree")
    return rows[first_rows(groups)]


def differing(rows: NDArray[Any], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that are not as the first of their group."""
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    kept = rows[first][place]
    same = (kept == rows) | ((kept != kept) & (rows != rows))  # NaN agrees with NaN
    return np.flatnonzero(~same.reshape(len(rows), -1).all(axis=1))


def first_rows(groups: NDArray[Any]) -> NDArray[np.int64]:
    """First row of each group, in the order of the groups."""
    return np.unique(groups, return_index=True)[1]


def distinct(values: NDArray[Any]) -> int:
    """Number of different values."""
    return len(np.unique(values))


def in_order_of(owner: NDArray[np.int64], told: NDArray[np.int64], texts: NDArray[Any]) -> NDArray[Any] | None:
    """Texts that are told item by item in the order of the targets; None where an item has another number of them.

    Parameters
    ----------
    owner : array of shape (m,) of int
        Item of each target.
    told : array of shape (k,) of int
        Item of each text; below zero: of none that is here.
    texts : array of shape (k,)
    """
    kept = np.flatnonzero(told >= 0)
    by_target, by_text = np.argsort(owner, kind="stable"), kept[np.argsort(told[kept], kind="stable")]
    if len(by_text) != len(owner) or not np.array_equal(owner[by_target], told[by_text]):
        return None
    ordered = np.empty_like(texts[by_text])
    ordered[by_target] = texts[by_text]
    return ordered
