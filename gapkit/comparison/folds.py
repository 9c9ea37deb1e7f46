"""Folds: the items in K parts, each measured by a fit on the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.splits import HELD_OUT, Parts, by_groups, clip_groups, held_out_rows
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.statistics import Groups, folds


@dataclass(frozen=True)
class Folds:
    """The parts of each fold, made when they are asked for: so K folds take the memory of one.

    Parameters
    ----------
    pairs : PairedEmbeddings
        All items.
    rows : tuple of (array, array or None, array)
        For each fold the rows that fit, that are held out of the fit (or None), and that are measured.
    rule : str
        See `Parts`.
    """

    pairs: PairedEmbeddings
    rows: tuple[tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.int64]], ...]
    rule: str

    def __len__(self) -> int:
        """Number of folds, K."""
        return len(self.rows)

    def __getitem__(self, k: int) -> Parts:
        """Parts that fit, stop and measure fold `k`."""
        fit, held, test = self.rows[k]
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

    def without_words(self) -> Folds:
        """The same without ids and captions, which neither fitting nor measuring reads."""
        return dataclasses.replace(self, pairs=dataclasses.replace(self.pairs, ids=None, captions=None))


def make_folds(pairs: PairedEmbeddings, number: int, *, seed: int) -> Folds:
    """Draw folds in which no group is torn, as far as chains of shared groups allow.

    Items that share a caption, a target row or a source row form a group, and so do items of one origin.

    Parameters
    ----------
    pairs : PairedEmbeddings
        Their own splits are left aside.
    number : int
        Folds, at least 2 and at most as many as there are groups.
    seed : int
        Of the draw.

    Raises
    ------
    InputError
        More folds than groups, or a fold whose fit would have less than 2 items.
    """
    together, origins = clip_groups(pairs), pairs.origins
    found = len(np.unique(together)) if origins is None else min(len(np.unique(together)), origins.n_groups)
    if not 2 <= number <= found:
        whose = "items with equal captions or embeddings" if origins is None else "items of one origin"
        raise InputError(f"{pairs.name}: --folds: expected 2 to {found} (groups of {whose}), got {number}")
    parted = folds(Groups.from_labels(together) if origins is None else origins, number, seed, together=together)
    fold = parted.part
    if (least := len(fold) - int(np.bincount(fold).max())) < 2:
        raise InputError(
            f"{pairs.name}: --folds: expected at least 2 items to fit in each fold, got {least} in one; give more items"
        )
    rows = []
    for k in range(int(fold.max()) + 1):
        rest = np.flatnonzero(fold != k)
        held, fit = held_out_rows(together[rest], None if origins is None else origins.take(rest), seed=seed)
        rows.append((rest[fit], None if held is None else rest[held], np.flatnonzero(fold == k)))
    own = "; the splits of the data are left aside" if pairs.split is not None else ""
    grouped = by_groups(origins, parted.note or "")
    rule = (
        f"{len(rows)} folds of {len(pairs):,} items drawn with seed {seed}{grouped}, each measured by a fit that has "
        f"not seen it; {HELD_OUT:.0%} of each fit held out{own}"
    )
    return Folds(pairs, tuple(rows), rule)
