"""Folds of items: those of a fold are held out while a classifier is fitted to tell source from target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.pair import Pair, pair_of
from gapkit.statistics import Groups, Partition, partition

FOLDS = 5

Folds = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Fold of each source item and of each target item."""


def item_folds(n: int, folds: int, seed: int | list[int], groups: Groups | None = None) -> Partition:
    """Fold of each of `n` items, sizes equal up to one; of groups, none is parted as far as chains of them allow.

    No more folds than items, or than groups. Where one group holds all items, its items are dealt.
    """
    folds = whole("folds", folds, 2)
    if groups is None or len(np.unique(groups.components)) < 2:
        part = np.random.default_rng(seed).permutation(n) % min(folds, n)
        return Partition(part, 0, 0, n) if groups is None else Partition(part, groups.n_groups, n, groups.n_groups)
    return partition.folds(groups, folds, seed)


def folds_of(pair: Pair) -> Folds:
    """The folds of the pair; where it has none, five are drawn."""
    return pair.folds or pair.shared("folds", lambda: _drawn(pair, FOLDS, pair.seed))


def folded_pair(
    source: ArrayLike,
    target: ArrayLike,
    owner: ArrayLike | None,
    *,
    folds: int | ArrayLike,
    seed: int,
) -> Pair:
    """Arrays as a pair whose folds are given, or drawn: a number of them.

    Raises
    ------
    InputError
        As `pair_of`; folds that are none.
    """
    pair, seed = pair_of(source, target, owner, max_memory=2**31), whole("seed", seed)
    if np.ndim(folds) == 0:
        return replace(pair, seed=seed, folds=_drawn(pair, whole("folds", folds, 2), seed))
    given = np.asarray(folds)
    if not pair.paired or given.shape != (pair.x.n,) or given.dtype.kind not in "iu":
        raise InputError(
            f"folds: expected the fold of each of {pair.x.n} paired clips as integers, got shape {given.shape} of "
            f"{given.dtype}; give a number of folds"
        )
    if len(np.unique(given)) < 2:
        raise InputError("folds: expected at least 2 different folds, got 1")
    return replace(pair, seed=seed, folds=(given.astype(np.int64), given.astype(np.int64)))


def _drawn(pair: Pair, folds: int, seed: int) -> Folds:
    of_target = item_folds(pair.y.n, folds, seed).part
    return of_target if pair.paired else item_folds(pair.x.n, folds, [seed, 1]).part, of_target
