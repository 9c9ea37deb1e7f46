"""Sides seen from the means of their folds, so that what is compared has no floor.

Two sides without their means are nearer than their laws are: each mean comes from the rows that it is taken off, and
these then lean away from one another. Rows of different folds do not, where each fold has lost its own mean. A fold of
s items is stretched by c = (s / (s - 1))^(1/2), which gives back the covariance that the mean took along:

- a row x of the only row of its item becomes c (x - mean of the fold),
- a row y of an item with several rows becomes (y - mean of the fold) + (c - 1) (mean of the item - mean of the fold).

What is compared between folds has the expectation that the laws have: exactly where they differ by a shift, folds are
equal and items have one row; up to 1 / s^2 otherwise. Folds are those of the pair, and groups stay in one as far as
they do there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import slices
from gapkit.errors import InputError
from gapkit.metrics.cloud import Change, Cloud, Place
from gapkit.metrics.folds import Folds, folds_of
from gapkit.metrics.pair import Pair

MOST = 5
"""Folds that are told apart: more of them would be smaller, and their means less sure."""
LEAST = 2
"""Items of a side in a fold: one item is its own mean."""
WANTED = 3
"""Items of a side in a fold where there are enough for two folds: of two items each is the mirror of the other."""


def fold_centred(pair: Pair) -> Pair:
    """The pair without the mean of each fold; rows of different folds are to be compared.

    Raises
    ------
    InputError
        Two folds of at least 2 items of each side cannot be made.
    """
    return pair.shared("fold-centred", lambda: _fold_centred(pair))


def _fold_centred(pair: Pair) -> Pair:
    folds = joined_folds(folds_of(pair))
    x, y = (
        side.shared(("fold-centred", fold.tobytes()), _maker(side, fold, pair.max_memory // 8))
        for side, fold in zip((pair.x, pair.y), folds, strict=True)
    )
    return replace(pair, x=x, y=y, form="folds", parent=pair)


def joined_folds(folds: Folds) -> Folds:
    """The same folds, numbered from 0; while they are too many, or one too small, the two smallest become one.

    Raises
    ------
    InputError
        There are not two folds of at least 2 items of each side.
    """
    names = np.unique(np.concatenate(folds))
    x, y = (np.searchsorted(names, fold) for fold in folds)
    sizes = np.minimum(*(np.bincount(side, minlength=len(names)) for side in (x, y)))
    while len(sizes) > 2 and (len(sizes) > MOST or sizes.min() < WANTED):
        one, other = np.argsort(sizes, kind="stable")[:2]
        x, y = (_joined(side, one, other) for side in (x, y))
        sizes = np.minimum(*(np.bincount(side, minlength=len(sizes) - 1) for side in (x, y)))
    if len(sizes) < 2 or sizes.min() < LEAST:
        raise InputError(
            f"source, target: expected two folds with at least {LEAST} items of each side, got {len(x)} and {len(y)} "
            "items that do not make them; without means there is nothing to be said, give more items"
        )
    return x, y


def _joined(folds: NDArray[np.int64], one: int, other: int) -> NDArray[np.int64]:
    """Fold numbers once `one` is part of `other`, without a gap."""
    folds = np.where(folds == one, other, folds)
    return folds - (folds > one)


def _maker(side: Cloud, fold: NDArray[np.int64], kept_bytes: int) -> Callable[[], Cloud]:
    def make() -> Cloud:
        known = torch.from_numpy(fold).to(side.base.device)
        change = _without_means(side, known)
        return replace(side, change=change, of_length_one=False, uncentred=side, fold=known).kept(kept_bytes)

    return make


def _without_means(side: Cloud, fold: Tensor) -> Change:
    """Takes the mean of its fold off each row, and stretches what is left."""
    sizes = torch.bincount(fold)
    means = torch.zeros(len(sizes), side.base.shape[1], dtype=torch.float64, device=side.base.device)
    for items, rows in side.clip_blocks():
        means.index_add_(0, fold[items], rows.double())
    means /= sizes[:, None]
    stretch = (sizes / (sizes - 1.0)).sqrt().double()
    first = side.change

    def change(rows: Tensor, place: Place) -> Tensor:
        rows = rows if first is None else first(rows, place)
        out, owner = torch.empty_like(rows), side.owner[place]
        for part in slices(*rows.shape):
            own = fold[owner[part]]
            seen, longer = rows[part] - means[own], stretch[own, None]
            if side.single:
                seen *= longer
            else:
                items, which = torch.unique(owner[part], return_inverse=True)
                seen += (longer - 1) * (side.take_clips(items)[which] - means[own])
            out[part] = seen
        return out

    return change
