"""One row of a table: every metric of one moved source against the reference, sharing what they can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import slices
from gapkit.metrics._kernels import ClipSums, clip_sums
from gapkit.metrics._pair_chance import pair_chance
from gapkit.metrics._refit import Refits
from gapkit.metrics._resamples import Resamples
from gapkit.metrics._sides import Cloud, Sides, directions, residual_directions
from gapkit.metrics._slope import SLOPE, Slope, slope_of
from gapkit.metrics.cosine import clip_cosines, stranger_cosine
from gapkit.metrics.mmd import squared_mmd
from gapkit.metrics.rank import rank_and_influence
from gapkit.metrics.residual import squared_residuals
from gapkit.metrics.retrieval import Ranking, precisions, ranking, recalls
from gapkit.metrics.retrieval_back import Places, places, precisions_back, recalls_back
from gapkit.metrics.rmg import clip_squares, inner_cosine, relative_gap
from gapkit.metrics.separability import Probe, correctness, fold_contests, probe

if TYPE_CHECKING:
    from gapkit.metrics.evaluation import Reference

Drawn = tuple[float, Tensor]
"""Value, and its bootstrap draws of shape (B,); no draws where there is no interval."""

T = TypeVar("T")

KERNEL_USERS = {
    "mmd": {"mmd", "residual-mmd"},
    "mmd-multi": {"mmd-multi", "residual-mmd-multi"},
    "mmd-imq": {"mmd-imq", "residual-mmd-imq"},
    "energy-distance": {"energy-distance", "residual-energy-distance"},
    "uniformity": {"uniformity", "uniformity-pooled"},
}
"""Metrics that need a kernel inside the source and inside the target."""

ACROSS = {"uniformity": "uniformity-pooled"}
"""The metric that needs a kernel between the sides, where it is not the one of the kernel's name."""

OF_DIRECTIONS = frozenset({"uniformity"})
"""Kernels of rows of length one: where all rows are scaled to that, they come from the same pass as the others."""

SLOPES = tuple(f"{name}{SLOPE}" for name in ("mmd-multi", "mmd-imq", "energy-distance"))
"""Kernels that tell how another changes under a shift, where it does not tell so itself."""


@dataclass(frozen=True)
class Row:
    """The source of one row beside the reference.

    Parameters
    ----------
    both : Sides
    reference : Reference
    resamples : Resamples
        Of the source clips; those of the reference where paired.
    names : frozenset of str
        Metrics that will be asked for: kernels that nobody needs are not computed.
    original : Cloud, optional
        The source before it was moved, row by row.
    about_original : dict
        What is known of it already: rows that were moved from one source share it.
    """

    both: Sides
    reference: Reference
    resamples: Resamples
    names: frozenset[str]
    original: Cloud | None = None
    about_original: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _memo: dict[Any, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """What several metrics of this row need: made at its first use. `Reference.shared` lasts for all rows."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    def of_original(self, key: str, make: Callable[[Cloud], T]) -> T:
        """What metrics need of the source before it was moved, for all rows that were moved from it."""
        assert self.original is not None
        if key not in self.about_original:
            self.about_original[key] = make(self.original)
        value: T = self.about_original[key]
        return value

    # What metrics share.

    @property
    def weights(self) -> Tensor:
        """Occurrences of every source clip in every resample, (B, n_x); `resamples` is smaller for many clips."""
        return self.resamples.weights

    @cached_property
    def x_directions(self) -> Cloud:
        """Sources of length one; where all rows are scaled, the sources themselves."""
        if self.reference.normalise:
            return self.both.x
        return directions(self.both.x, "source").kept(self.reference.kept_bytes)

    @cached_property
    def own_cosines(self) -> Tensor:
        return clip_cosines(self.x_directions, self.reference.directions)

    @cached_property
    def residual_cosines(self) -> Tensor:
        x, y = residual_directions(self.both.x, "source"), residual_directions(self.both.y, "target")
        return clip_cosines(x, y)

    @cached_property
    def pairs_drawn(self) -> Tensor:
        """Number of pairs of different clips in each resample, clips of the same number apart."""
        return self.both.x.n**2 - self.resamples.n_squares

    @cached_property
    def x_unit_sums(self) -> Tensor:
        return self.resamples.sums(self.x_directions)

    @cached_property
    def ranking(self) -> Ranking:
        return ranking(self.x_directions, self.reference.directions, max_memory=self.reference.kept_bytes)

    @cached_property
    def places(self) -> Places:
        return places(self.x_directions, self.reference.directions, max_memory=self.reference.kept_bytes)

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

    @cached_property
    def kernel_names(self) -> list[str]:
        """Kernels of the metrics asked for."""
        scaled = self.reference.normalise
        return [
            kernel
            for kernel, users in KERNEL_USERS.items()
            if not self.names.isdisjoint(users) and (scaled or kernel not in OF_DIRECTIONS)
        ]

    @cached_property
    def source_kernels(self) -> dict[str, ClipSums]:
        return self._kernels(self.both.x, None, self.kernel_names)

    @cached_property
    def cross_kernels(self) -> dict[str, ClipSums]:
        return self._kernels(self.both.x, self.both.y, [k for k in self.kernel_names if ACROSS.get(k, k) in self.names])

    @cached_property
    def residual_kernels(self) -> dict[str, ClipSums]:
        # Kernels inside one side do not notice a shift: only the cross part is computed again.
        names = [k for k in self.kernel_names if f"residual-{k}" in self.names]
        slopes = [k for k in SLOPES if k.removesuffix(SLOPE) in names and len(self.resamples)]
        return self._kernels(self.both.x.centred, self.both.y.centred, [*names, *slopes])

    @cached_property
    def residual_chance(self) -> dict[str, float]:
        """What first-order draws of each kernel's squared distance hold twice, once the means are taken off."""
        names = [k for k in self.kernel_names if f"residual-{k}" in self.names]
        centred = Sides(self.both.x.centred, self.both.y.centred, self.both.paired)
        kernels = [self.reference.kernels[name] for name in names]
        return dict(zip(names, pair_chance(centred, kernels, self.reference.max_memory // 4), strict=True))

    def _kernels(self, a: Cloud, b: Cloud | None, names: Iterable[str]) -> dict[str, ClipSums]:
        names = list(names)
        sums = clip_sums(
            a,
            b,
            [self.reference.kernels[name] for name in names],
            drop_same=b is None or self.both.paired,
            max_memory=self.reference.max_memory // 4,
        )
        return dict(zip(names, sums, strict=True))

    def _probed(self, both: Sides) -> Probe:
        return probe(both, self.fold_x, self.reference.folds, max_memory=2 * self.reference.kept_bytes)

    # The metrics.

    def cosine(self) -> Drawn:
        return self._mean(self.own_cosines)

    def unpaired_cosine(self) -> Drawn:
        x, y = self.x_directions, self.reference.directions
        everything = (self.x_unit_sums * self.reference.unit_sums).sum(dim=1).double()
        if not self.both.paired:
            return stranger_cosine(x, y, None), everything / (x.n * y.n)
        draws = (everything - self.resamples.square_sums(self.own_cosines)) / self.pairs_drawn
        return stranger_cosine(x, y, self.own_cosines), draws

    def cosine_margin(self) -> Drawn:
        (own, own_draws), (other, other_draws) = self.cosine(), self.unpaired_cosine()
        return own - other, own_draws - other_draws

    def centroid_distance(self) -> Drawn:
        x, y = self.both.x, self.both.y
        value = float(torch.linalg.vector_norm(x.mean - y.mean))
        # Along the offset only: whole resampled offsets are too long by the sampling noise, once more, and where the
        # means agree their length says how wide the clouds are.
        along = (x.mean - y.mean) / value if value else torch.zeros_like(x.mean)
        moved = self.resamples.sums(x.centred) / x.n - self.reference.centred_sums / y.n
        return value, (value + moved.double() @ along).clamp_min(0)

    def mmd(self) -> Drawn:
        return self.kernel_distance("mmd", self.cross_kernels)

    def mmd_multi(self) -> Drawn:
        return self.kernel_distance("mmd-multi", self.cross_kernels)

    def residual_mmd(self) -> Drawn:
        sums = self.residual_kernels
        return self.kernel_distance("mmd", sums, slope_of(self.both, self.reference.kernels["mmd"], sums["mmd"]))

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

    def rmg(self) -> Drawn:
        x, y = self.x_directions, self.reference.directions
        squares = clip_squares(x), self.reference.unit_squares
        return self.modality_gap((x, y), self.own_cosines, squares, (self.x_unit_sums, self.reference.unit_sums))

    def modality_gap(
        self, unit: tuple[Cloud, Cloud], cosines: Tensor, squares: tuple[Tensor, Tensor], sums: tuple[Tensor, Tensor]
    ) -> Drawn:
        """RMG of unit rows, from the cosines of pairs, the clips' own squares and the resampled sums of both sides."""
        inner = [inner_cosine(side, own) for side, own in zip(unit, squares, strict=True)]
        value = relative_gap(float(cosines.mean()), *inner)
        pair = (1 - self.resamples.sums(cosines).double() / len(cosines)) / 2
        drawn = self._inner(sums[0], squares[0]) + self._inner(sums[1], squares[1])
        inside = (1 - drawn / 2) / 2
        pair, inside = pair.clamp_min(0), inside.clamp_min(0)
        whole = inside + pair
        return value, torch.where(whole > 1e-12, pair / whole.clamp_min(1e-12), 0.0)

    def residual_cosine(self) -> Drawn:
        return self._mean(self.residual_cosines)

    def recall(self, k: int) -> Drawn:
        return self._mean(recalls(self.ranking, k))

    def average_precision(self, k: int) -> Drawn:
        return self._mean(precisions(self.ranking, k))

    def recall_back(self, k: int) -> Drawn:
        return self._mean(recalls_back(self.places, k))

    def average_precision_back(self, k: int) -> Drawn:
        return self._mean(precisions_back(self.places, k))

    def effective_rank(self) -> Drawn:
        value, influence = rank_and_influence(self.both.x)
        return value, (value + self.resamples.sums(influence).double() / self.both.x.n).clamp_min(0)

    # Resampling.

    def _mean(self, values: Tensor) -> Drawn:
        return float(values.mean()), self.resamples.sums(values).double() / self.both.x.n

    def _inner(self, sums: Tensor, squares: Tensor) -> Tensor:
        """Mean cosine of different clips in each resample, from the sums of unit rows and each clip's own square."""
        repeated = self.resamples.square_sums(squares)
        return (sums.square().sum(dim=1) - repeated).double() / self.pairs_drawn

    def _accuracy(self, both: Sides, found: Probe, refits: Refits | None) -> Drawn:
        x, y = correctness(both, *found.scores)
        draws = (self.resamples.sums(x) / len(x) + self.reference.resamples.sums(y) / len(y)).double().cpu() / 2
        return float(x.mean() + y.mean()) / 2, draws if refits is None else (draws + refits.of_accuracy()).clamp(0, 1)

    def _refits(self, both: Sides, found: Probe) -> Refits | None:
        """How the classifiers move in each resample; None where there are no resamples."""
        if len(self.resamples) == 0:
            return None
        return Refits(both, found, self.fold_x, self.reference.folds, (self.resamples, self.reference.resamples))

    def kernel_distance(self, name: str, cross: Mapping[str, ClipSums], slope: Slope | None = None) -> Drawn:
        """Squared distance of the two sides as the kernel of that name sees them.

        Draws follow the U-statistic to first order in what each clip adds to it (its Hoeffding projection). A resample
        of the pairs themselves would shake what only pairs add three times as much as another sample does, and where
        the sides hardly differ nothing else is there. What pairs add is in the draws twice even so. That makes up for
        the skew of a distance that can be nothing but positive; what is left without the means has none, and there it
        is taken off (`pair_chance`).
        """
        xx, yy, xy = self.source_kernels[name], self.reference.target_kernels(self.kernel_names)[name], cross[name]
        value = squared_mmd(xx, yy, xy, estimator="paired" if self.both.paired else "unbiased")
        if len(self.resamples) == 0:
            return value, torch.zeros(0, dtype=torch.float64)
        n, m, own = self.both.x.n, self.both.y.n, int(self.both.paired)
        push_x = xx.rows / (n - 1) - xy.rows / (m - own)
        push_y = yy.rows / (m - 1) - xy.columns / (n - own)
        if slope is not None:
            push_x, push_y = push_x + slope.x, push_y + slope.y
        moved = _centred_mean(self.resamples, push_x) + _centred_mean(self.reference.resamples, push_y)
        if slope is None:
            return value, value + 2 * moved
        spread = 4 * (float((push_x + push_y).var()) / n if own else float(push_x.var()) / n + float(push_y.var()) / m)
        # Where pairs are all there is, half of the variance is too much; of a part the square is taken, since the rest
        # is skewed again.
        pairs = min(1.0, 2 * self.residual_chance[name] / max(spread, 1e-300))
        return value, value + 2 * moved * (1 - pairs**2 / 2) ** 0.5


def _centred_mean(resamples: Resamples, values: Tensor) -> Tensor:
    return resamples.sums(values - values.mean()).double() / len(values)


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
    "recall-back@1": lambda row: row.recall_back(1),
    "recall-back@5": lambda row: row.recall_back(5),
    "recall-back@10": lambda row: row.recall_back(10),
    "map-back@10": lambda row: row.average_precision_back(10),
    "unpaired-cosine": Row.unpaired_cosine,
    "cosine-margin": Row.cosine_margin,
    "effective-rank": Row.effective_rank,
}
"""Estimators of the metrics that this file holds."""

CLIP_VALUES: dict[str, Callable[[Row], Tensor]] = {
    "cosine": lambda row: row.own_cosines,
    "residual-cosine": lambda row: row.residual_cosines,
    "recall@1": lambda row: recalls(row.ranking, 1),
    "recall@5": lambda row: recalls(row.ranking, 5),
    "recall@10": lambda row: recalls(row.ranking, 10),
    "map@10": lambda row: precisions(row.ranking, 10),
    "recall-back@1": lambda row: recalls_back(row.places, 1),
    "recall-back@5": lambda row: recalls_back(row.places, 5),
    "recall-back@10": lambda row: recalls_back(row.places, 10),
    "map-back@10": lambda row: precisions_back(row.places, 10),
}
"""What each clip has, (n,), for the metrics that are a mean over clips."""
