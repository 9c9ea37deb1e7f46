"""One row of a table: every metric of one moved source against the reference, sharing what they can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import slices
from gapkit.metrics._refit import Refits
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair
from gapkit.metrics.rank import rank_and_influence
from gapkit.metrics.resamples import Resamples
from gapkit.metrics.residual import squared_residuals
from gapkit.metrics.separability import Probe, correctness, fold_contests, probe

if TYPE_CHECKING:
    from gapkit.metrics.evaluation import Reference

Drawn = tuple[float, Tensor]
"""Value, and its bootstrap draws of shape (B,); no draws where there is no interval."""

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """The source of one row beside the reference.

    Parameters
    ----------
    both : Pair
    reference : Reference
    resamples : Resamples
        Of the source clips; those of the reference where paired.
    """

    both: Pair
    reference: Reference
    resamples: Resamples
    _memo: dict[Any, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """What several metrics of this row need: made at its first use. `Reference.shared` lasts for all rows."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    # What metrics share.

    @property
    def weights(self) -> Tensor:
        """Occurrences of every source clip in every resample, (B, n_x); `resamples` is smaller for many clips."""
        return self.resamples.weights

    @property
    def x_directions(self) -> Cloud:
        """Sources of length one; where all rows are scaled, the sources themselves."""
        return self.both.x.unit.kept(self.reference.kept_bytes)

    @cached_property
    def fold_x(self) -> NDArray[np.int64]:
        return self.reference.folds if self.both.paired else self.reference.source_folds(self.both.x.n)

    @cached_property
    def probe(self) -> Probe:
        return self._probed(self.both)

    @cached_property
    def scores(self) -> tuple[Tensor, Tensor]:
        return self.probe.scores

    @cached_property
    def refits(self) -> Refits | None:
        return self._refits(self.both, self.probe)

    def _probed(self, both: Pair) -> Probe:
        return probe(both, self.fold_x, self.reference.folds, max_memory=2 * self.reference.kept_bytes)

    # The metrics.

    def separability(self) -> Drawn:
        return self._accuracy(self.both, self.probe, self.refits)

    def residual_separability(self) -> Drawn:
        squares = squared_residuals(self.both)
        found = self._probed(squares)
        return self._accuracy(squares, found, self._refits(squares, found))

    def separability_auc(self) -> Drawn:
        won, pairs = 0.0, 0.0
        drawn, total = (torch.zeros(len(self.resamples), dtype=torch.float64) for _ in range(2))
        resamples = self.resamples, self.reference.resamples
        for fold in fold_contests(self.both, *self.scores, self.fold_x, self.reference.folds):
            won, pairs = won + float(fold.wins().sum()), pairs + fold.pairs
            for some in slices(len(drawn), len(fold.clips_x) + len(fold.rows_y)):
                wx, wy = (
                    r.of(clips.to(r.counts.device), some).cpu()
                    for r, clips in zip(resamples, (fold.clips_x, fold.clips_y), strict=True)
                )
                drawn[some] += (fold.wins(wy) * wx).sum(dim=1)
                total[some] += wx.sum(dim=1).double() * wy.sum(dim=1)
                if self.both.paired:
                    # A clip drawn twice is not two clips: its comparison with itself counts w times, not w^2.
                    again = (wx * (wx - 1)).double()
                    drawn[some] -= again @ fold.own()
                    total[some] -= again.sum(dim=1)
        draws = drawn / total.clamp_min(1)
        return won / pairs, draws if self.refits is None else (draws + self.refits.of_auc()).clamp(0, 1)

    def effective_rank(self) -> Drawn:
        value, influence = rank_and_influence(self.both.x)
        return value, (value + self.resamples.sums(influence).double() / self.both.x.n).clamp_min(0)

    # Resampling.

    def _mean(self, values: Tensor) -> Drawn:
        return float(values.mean()), self.resamples.sums(values).double() / self.both.x.n

    def _accuracy(self, both: Pair, found: Probe, refits: Refits | None) -> Drawn:
        x, y = correctness(both, *found.scores)
        draws = (self.resamples.sums(x) / len(x) + self.reference.resamples.sums(y) / len(y)).double().cpu() / 2
        return float(x.mean() + y.mean()) / 2, draws if refits is None else (draws + refits.of_accuracy()).clamp(0, 1)

    def _refits(self, both: Pair, found: Probe) -> Refits | None:
        """How the classifiers move in each resample; None where there are no resamples."""
        if len(self.resamples) == 0:
            return None
        return Refits(both, found, self.fold_x, self.reference.folds, (self.resamples, self.reference.resamples))


ROW_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "separability": Row.separability,
    "separability-auc": Row.separability_auc,
    "residual-separability": Row.residual_separability,
    "effective-rank": Row.effective_rank,
}
"""Estimators of the metrics that this file holds."""
