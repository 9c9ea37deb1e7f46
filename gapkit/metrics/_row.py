"""One row of a table: every metric of one moved source against the reference, sharing what they can."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.metrics._kernels import ClipSums, clip_sums
from gapkit.metrics._sides import Cloud, Sides, directions, residual_directions
from gapkit.metrics.cosine import clip_cosines, stranger_cosine
from gapkit.metrics.mmd import squared_mmd
from gapkit.metrics.rank import rank_and_influence
from gapkit.metrics.residual import squared_residuals
from gapkit.metrics.retrieval import Ranking, precisions, ranking, recalls
from gapkit.metrics.rmg import inner_cosine, relative_gap
from gapkit.metrics.separability import Probe, correctness, held_out_scores, probe, winning_blocks

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
    both : Sides
    reference : Reference
    weights : Tensor of shape (B, n_x)
        Resampling weights of the source clips; those of the reference where paired.
    names : frozenset of str
        Metrics that will be asked for: kernels that nobody needs are not computed.
    original : Cloud, optional
        The source before it was moved, row by row.
    """

    both: Sides
    reference: Reference
    weights: Tensor
    names: frozenset[str]
    original: Cloud | None = None
    _memo: dict[Any, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """What several metrics of this row need: made at its first use. `Reference.shared` lasts for all rows."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    # What metrics share.

    @cached_property
    def x_unit(self) -> Tensor:
        return directions(self.both.x, "source").rows

    @cached_property
    def own_cosines(self) -> Tensor:
        return clip_cosines(directions(self.both.x, "source"), self.reference.directions)

    @cached_property
    def pairs_drawn(self) -> Tensor:
        """Number of pairs of different clips in each resample, clips of the same number apart."""
        return self.both.x.n**2 - self.weights.square().sum(dim=1)

    @cached_property
    def x_unit_sums(self) -> Tensor:
        return self.weights @ self.x_unit

    @cached_property
    def ranking(self) -> Ranking:
        return ranking(directions(self.both.x, "source"), self.reference.directions)

    @cached_property
    def fold_x(self) -> NDArray[np.int64]:
        return self.reference.folds if self.both.paired else self.reference.source_folds(self.both.x.n)

    @cached_property
    def probe(self) -> Probe:
        return probe(self.both, self.fold_x, self.reference.folds)

    @cached_property
    def scores(self) -> tuple[Tensor, Tensor]:
        return self.probe.scores

    @cached_property
    def kernel_names(self) -> list[str]:
        mmd = not self.names.isdisjoint({"mmd", "residual-mmd"})
        return [name for name, used in (("mmd", mmd), ("mmd-multi", "mmd-multi" in self.names)) if used]

    @cached_property
    def source_kernels(self) -> dict[str, ClipSums]:
        return self._kernels(self.both.x, None, self.kernel_names)

    @cached_property
    def cross_kernels(self) -> dict[str, ClipSums]:
        return self._kernels(self.both.x, self.both.y, [k for k in self.kernel_names if k in self.names])

    def _kernels(self, a: Cloud, b: Cloud | None, names: Iterable[str]) -> dict[str, ClipSums]:
        names = list(names)
        sums = clip_sums(
            a,
            b,
            [self.reference.kernels[name] for name in names],
            drop_same=b is None or self.both.paired,
            dense=self.reference.dense and self.both.x.n <= self.reference.n_dense,
            max_memory=self.reference.max_memory // 4,
        )
        return dict(zip(names, sums, strict=True))

    # The metrics.

    def cosine(self) -> Drawn:
        return self._mean(self.own_cosines)

    def unpaired_cosine(self) -> Drawn:
        x, y = directions(self.both.x, "source"), self.reference.directions
        everything = (self.x_unit_sums * self.reference.unit_sums).sum(dim=1).double()
        if not self.both.paired:
            return stranger_cosine(x, y, None), everything / (x.n * y.n)
        draws = (everything - (self.weights.square() @ self.own_cosines.float())) / self.pairs_drawn
        return stranger_cosine(x, y, self.own_cosines), draws

    def cosine_margin(self) -> Drawn:
        (own, own_draws), (other, other_draws) = self.cosine(), self.unpaired_cosine()
        return own - other, own_draws - other_draws

    def centroid_distance(self) -> Drawn:
        x, y = self.both.x, self.both.y
        value = float(torch.linalg.vector_norm(x.mean - y.mean))
        # Seen from the target's mean: float32 then carries the difference and not the offset.
        rows = (x.rows - y.mean).float()
        if self.both.paired:
            shifts = self.weights @ (rows - y.centred.clip_means) / x.n
            noise = float((rows - y.centred.clip_means - (x.mean - y.mean).float()).square().sum()) / x.n**2
        else:
            shifts = self.weights @ rows / x.n - self.reference.weights @ y.centred.clip_means / y.n
            noise = sum(float(c.centred.clip_means.square().sum()) / c.n**2 for c in (x, y))
        # A resampled norm is too long by the sampling noise, once more: E|mean*|^2 = |mean|^2 + trace(cov) / n.
        return value, (shifts.square().sum(dim=1).double() - noise).clamp_min(0).sqrt()

    def mmd(self) -> Drawn:
        return self._squared_mmd("mmd", self.cross_kernels["mmd"])

    def mmd_multi(self) -> Drawn:
        return self._squared_mmd("mmd-multi", self.cross_kernels["mmd-multi"])

    def residual_mmd(self) -> Drawn:
        # Kernels inside one side do not notice a shift: only the cross part is computed again.
        return self._squared_mmd("mmd", self._kernels(self.both.x.centred, self.both.y.centred, ["mmd"])["mmd"])

    def separability(self) -> Drawn:
        return self._accuracy(self.both, self.scores)

    def residual_separability(self) -> Drawn:
        squares = squared_residuals(self.both)
        return self._accuracy(
            squares,
            held_out_scores(squares, self.fold_x, self.reference.folds),
        )

    def separability_auc(self) -> Drawn:
        wx, wy = self.weights.cpu(), self.reference.weights.cpu()
        won, drawn, pairs = 0.0, torch.zeros(len(wx), dtype=torch.float64), 0
        total = torch.zeros_like(drawn)
        for i, j, block in winning_blocks(self.both, *self.scores, self.fold_x, self.reference.folds):
            won, pairs = won + float(block.sum(dtype=torch.float64)), pairs + block.numel()
            drawn += ((wx[:, i] @ block) * wy[:, j]).sum(dim=1)
            total += wx[:, i].sum(dim=1) * wy[:, j].sum(dim=1)
            if self.both.paired:
                # A clip drawn twice is not two clips: its comparison with itself counts w times, not w^2.
                at = torch.searchsorted(j, i)
                w = wx[:, i]
                drawn -= (w * (w - 1)) @ block[torch.arange(len(i)), at]
                total -= (w * (w - 1)).sum(dim=1)
        return won / pairs, drawn / total.clamp_min(1)

    def rmg(self) -> Drawn:
        x, y = directions(self.both.x, "source"), self.reference.directions
        value = relative_gap(float(self.own_cosines.mean()), inner_cosine(x), inner_cosine(y))
        pair = (1 - (self.weights @ self.own_cosines.float()).double() / x.n) / 2
        inner = self._inner(self.x_unit_sums, self.x_unit) + self._inner(self.reference.unit_sums, y.clip_means)
        inside = (1 - inner / 2) / 2
        pair, inside = pair.clamp_min(0), inside.clamp_min(0)
        whole = inside + pair
        return value, torch.where(whole > 1e-12, pair / whole.clamp_min(1e-12), 0.0)

    def residual_cosine(self) -> Drawn:
        x, y = residual_directions(self.both.x, "source"), residual_directions(self.both.y, "target")
        return self._mean(clip_cosines(x, y))

    def recall(self, k: int) -> Drawn:
        return self._mean(recalls(self.ranking, k))

    def average_precision(self, k: int) -> Drawn:
        return self._mean(precisions(self.ranking, k))

    def effective_rank(self) -> Drawn:
        value, influence = rank_and_influence(self.both.x)
        return value, (value + (self.weights @ influence.float()).double() / self.both.x.n).clamp_min(0)

    # Resampling.

    def _mean(self, values: Tensor) -> Drawn:
        return float(values.mean()), (self.weights @ values.float()).double() / self.both.x.n

    def _inner(self, sums: Tensor, rows: Tensor) -> Tensor:
        """Mean cosine of different clips in each resample, from the sums of unit rows."""
        repeated = self.weights.square() @ rows.square().sum(dim=1)
        return (sums.square().sum(dim=1) - repeated).double() / self.pairs_drawn

    def _accuracy(self, both: Sides, scores: tuple[Tensor, Tensor]) -> Drawn:
        x, y = correctness(both, *scores)
        draws = self.weights.cpu() @ x.float() / len(x) + self.reference.weights.cpu() @ y.float() / len(y)
        return float(x.mean() + y.mean()) / 2, draws.double() / 2

    def _squared_mmd(self, name: str, xy: ClipSums) -> Drawn:
        xx, yy = self.source_kernels[name], self.reference.target_kernels[name]
        value = squared_mmd(xx, yy, xy, paired=self.both.paired)
        n, m, wx, wy = self.both.x.n, self.both.y.n, self.weights, self.reference.weights
        if xx.dense is not None and yy.dense is not None and xy.dense is not None:
            if self.both.paired:
                h = xx.dense + yy.dense - xy.dense - xy.dense.T
                return value, _quadratic(wx, h) / self.pairs_drawn
            pairs = self.pairs_drawn, m**2 - wy.square().sum(dim=1)
            inside = _quadratic(wx, xx.dense) / pairs[0] + _quadratic(wy, yy.dense) / pairs[1]
            return value, inside - 2 * ((wx @ xy.dense) * wy).sum(dim=1).double() / (n * m)
        # First-order (Hoeffding) projection: what each clip adds to the sum, O(n) memory.
        if self.both.paired:
            push = (xx.rows + yy.rows - xy.rows - xy.columns) / (n - 1)
            return value, value + 2 * _centred_mean(wx, push)
        push_x, push_y = xx.rows / (n - 1) - xy.rows / m, yy.rows / (m - 1) - xy.columns / n
        return value, value + 2 * _centred_mean(wx, push_x) + 2 * _centred_mean(wy, push_y)


def _quadratic(weights: Tensor, kernel: Tensor) -> Tensor:
    return ((weights @ kernel) * weights).sum(dim=1).double()


def _centred_mean(weights: Tensor, values: Tensor) -> Tensor:
    return (weights @ (values - values.mean()).float()).double() / len(values)


ROW_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "cosine": Row.cosine,
    "centroid-distance": Row.centroid_distance,
    "mmd": Row.mmd,
    "mmd-multi": Row.mmd_multi,
    "separability": Row.separability,
    "separability-auc": Row.separability_auc,
    "rmg": Row.rmg,
    "residual-cosine": Row.residual_cosine,
    "residual-mmd": Row.residual_mmd,
    "residual-separability": Row.residual_separability,
    "recall@1": lambda row: row.recall(1),
    "recall@5": lambda row: row.recall(5),
    "recall@10": lambda row: row.recall(10),
    "map@10": lambda row: row.average_precision(10),
    "unpaired-cosine": Row.unpaired_cosine,
    "cosine-margin": Row.cosine_margin,
    "effective-rank": Row.effective_rank,
}
"""Estimators of the metrics that this file holds."""
