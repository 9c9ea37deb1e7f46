"""Folds: the items in K parts, each measured by a fit on the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.splits import HELD_OUT, Parts, clip_groups, held_out_rows
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError


@dataclass(frozen=True)
class Folds:
    """The parts of each fold, made when they are asked for: so K folds take the memory of one.

    Parameters
    ----------
    pairs : PairedEmbeddings
        All items.
    groups : array of shape (n,)
        Group of each item.
    fold : array of shape (n,)
        Fold that measures each item, 0 to K - 1.
    seed : int
        Of the items that are held out of each fit.
    rule : str
        See `Parts`.
    """

    pairs: PairedEmbeddings
    groups: NDArray[np.int64]
    fold: NDArray[np.int64]
    seed: int
    rule: str

    def __len__(self) -> int:
        """Number of folds, K."""
        return int(self.fold.max()) + 1

    def __getitem__(self, k: int) -> Parts:
        """Parts that fit, stop and measure fold `k`."""
        fit, held, test = self.rows(k)
        name = f"{self.pairs.name}:fold {k + 1}"
        return Parts(
            self.pairs.take(fit, name=f"{name}, fit"),
            None if held is None else self.pairs.take(held, name=f"{name}, held out"),
            self.pairs.take(test, name=name),
            self.rule,
        )

    def __iter__(self) -> Iterator[Parts]:
        """One fold after another."""
        return (self[k] for k in range(len(self)))

    def rows(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.int64]]:
        """Rows that fit, that are held out of the fit (or None), and that are measured in fold `k`."""
        rest = np.flatnonzero(self.fold != k)
        held, fit = held_out_rows(self.groups[rest], seed=self.seed)
        return rest[fit], None if held is None else rest[held], np.flatnonzero(self.fold == k)

    def without_words(self) -> Folds:
        """The same without ids and captions, which neither fitting nor measuring reads."""
        return dataclasses.replace(self, pairs=dataclasses.replace(self.pairs, ids=None, captions=None))


def make_folds(pairs: PairedEmbeddings, number: int, *, seed: int, groups: NDArray[np.int64] | None = None) -> Folds:
    """Draw folds in which no group is torn.

    Parameters
    ----------
    pairs : PairedEmbeddings
        Their own splits are left aside.
    number : int
        Folds, at least 2 and at most as many as there are groups.
    seed : int
        Of the draw.
    groups : array of shape (n,) of int, optional
        Group of each item. Left out: items that share a caption, a target row or a source row form one.

    Raises
    ------
    InputError
        More folds than groups, or a fold whose fit would have less than 2 items.
    """
    groups = clip_groups(pairs) if groups is None else groups
    found = len(np.unique(groups))
    if not 2 <= number <= found:
        raise InputError(
            f"{pairs.name}: --folds: expected 2 to {found} (groups of items with equal captions or embeddings), got "
            f"{number}"
        )
    fold = draw_folds(groups, number, seed=seed)
    if (least := len(fold) - int(np.bincount(fold).max())) < 2:
        raise InputError(
            f"{pairs.name}: --folds: expected at least 2 items to fit in each fold, got {least} in one; give more items"
        )
    own = "; the splits of the data are left aside" if pairs.split is not None else ""
    rule = (
        f"{number} folds of {len(pairs):,} items drawn with seed {seed}, each measured by a fit that has not seen it; "
        f"{HELD_OUT:.0%} of each fit held out{own}"
    )
    return Folds(pairs, groups, fold, seed, rule)


def draw_folds(groups: NDArray[np.int64], number: int, *, seed: int) -> NDArray[np.int64]:
    """Fold of each item, (n,): groups in random order, the largest first, each into the fold that is smallest then.

    scikit-learn's GroupKFold balances the folds or shuffles the groups, not both.
    """
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of, filled = np.empty(len(sizes), dtype=np.int64), np.zeros(number, dtype=np.int64)
    for group in order:
        fold_of[group] = fold = int(filled.argmin())
        filled[fold] += sizes[group]
    return fold_of[inverse]
