"""Fits of a study, and the items that each of them moves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.config import StudyConfig
from gapkit.comparison.folds import Folds, make_folds
from gapkit.comparison.splits import Parts, split_parts, unit_pairs
from gapkit.embeddings import PairedEmbeddings


@dataclass(frozen=True)
class Division:
    """The fits of a study, and the measured items of all of them in one pool.

    An ordinary study has one fit. With folds it has one a fold, and each item is moved by the fit that has not seen it.

    Parameters
    ----------
    fits : sequence of Parts, or Folds
        What each fit sees and moves.
    rows : sequence of arrays
        Rows of `test` that each fit moves.
    test : PairedEmbeddings
        All measured items.
    fit_clips, fit_targets : int
        Items and targets of the largest fit.
    """

    fits: Sequence[Parts] | Folds
    rows: Sequence[NDArray[np.int64]]
    test: PairedEmbeddings
    fit_clips: int
    fit_targets: int

    @classmethod
    def of(cls, parts: Parts) -> Division:
        """The division of one fit."""
        return cls((parts,), (np.arange(len(parts.test)),), parts.test, len(parts.fit), parts.fit.n_targets)

    @classmethod
    def of_folds(cls, folds: Folds) -> Division:
        """The division of a fit for each fold; the measured items are all, in the order of the data."""
        fitted, _, measured = zip(*folds.rows, strict=True)
        targets = np.bincount(folds.pairs.owner, minlength=len(folds.pairs))
        return cls(
            folds, measured, folds.pairs, max(map(len, fitted)), max(int(targets[rows].sum()) for rows in fitted)
        )

    def __len__(self) -> int:
        """Number of fits."""
        return len(self.fits)

    def __iter__(self) -> Iterator[Parts]:
        """The parts of one fit after another."""
        return iter(self.fits)

    @property
    def rule(self) -> str:
        """Origin of the parts, in a few words; part of the identity of a study."""
        return self.fits.rule if isinstance(self.fits, Folds) else self.fits[0].rule

    @property
    def in_folds(self) -> bool:
        """True where the items were measured in folds."""
        return isinstance(self.fits, Folds)

    @property
    def apart(self) -> PairedEmbeddings | None:
        """The fitted items, where none of them is measured; None with folds."""
        return None if isinstance(self.fits, Folds) else self.fits[0].fit

    def stems(self, stem: str) -> list[str]:
        """Names of the fits of a cell: its own, or one for each fold (``NAME-s0-f1``)."""
        return [f"{stem}-f{k + 1}" for k in range(len(self))] if self.in_folds else [stem]

    def pooled(self, pieces: Iterable[NDArray[np.float32]], *, axis: int = 0) -> NDArray[np.float32]:
        """Rows that each fit moved, in the places of their items.

        Parameters
        ----------
        pieces : iterable of arrays
            One a fit; its rows are those of the items that the fit moves.
        axis : int
            Axis of the items.
        """
        if not self.in_folds:
            return next(iter(pieces))
        order = np.argsort(np.concatenate(self.rows))
        return np.take(np.concatenate(list(pieces), axis=axis), order, axis=axis)

    def without_words(self) -> Division:
        """The same without ids and captions, which neither fitting nor measuring reads."""
        if isinstance(self.fits, Folds):
            folds = self.fits.without_words()
            return dataclasses.replace(self, fits=folds, test=folds.pairs)
        return Division.of(self.fits[0].without_words())


def divide(pairs: PairedEmbeddings, config: StudyConfig) -> Division:
    """The fits of a study of these data.

    Raises
    ------
    InputError
        A split that is not there, too few items, or more folds than groups of equal items.
    """
    if config.folds is None:
        return Division.of(split_parts(pairs, config))
    pairs = unit_pairs(pairs) if config.normalise else pairs
    return Division.of_folds(make_folds(pairs, config.folds, seed=config.seed))


def fold_seed(seed: int, k: int) -> int:
    """A seed for each fold, `seed` itself for the first: with one for all, the same noise would move items of each."""
    return seed if k == 0 else int(np.random.SeedSequence([seed, k]).generate_state(1)[0])
