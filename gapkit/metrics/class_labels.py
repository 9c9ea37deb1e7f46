"""Classes of the items, for metrics that need them; items without a class are left aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError, printable
from gapkit.metrics.pair import Pair


@dataclass(frozen=True)
class Classes:
    """Items of classes that hold several.

    Parameters
    ----------
    items : array of shape (k,), int64
        Numbers of the items, ascending.
    number : array of shape (k,), int64
        Class of each of them, from 0.
    names : tuple of str
        Of the classes.
    """

    items: NDArray[np.int64]
    number: NDArray[np.int64]
    names: tuple[str, ...]


def classes_of(pair: Pair) -> Classes:
    """The classes of a pair: an item without a label, or alone in its class, belongs to none.

    Raises
    ------
    InputError
        Fewer than two classes of two items or more.
    """
    return pair.shared("classes", lambda: _classes(pair.labels))


def _classes(labels: NDArray[np.str_] | None) -> Classes:
    if labels is None:
        raise InputError("labels: expected the class of each item, got none; give labels")
    names, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = (counts >= 2) & (names != "")
    if kept.sum() < 2:
        only = f" ({printable(str(names[kept][0]))})" if kept.any() else ""
        missing = int(counts[names == ""].sum())
        without = f"; {missing} of {len(labels)} items have no label" if missing else ""
        raise InputError(
            f"labels: expected at least 2 classes of 2 items or more, got {int(kept.sum())}{only}{without}"
        )
    place = np.where(kept, np.cumsum(kept) - 1, -1)[number]
    items = np.flatnonzero(place >= 0)
    return Classes(items, place[items], tuple(map(str, names[kept])))
