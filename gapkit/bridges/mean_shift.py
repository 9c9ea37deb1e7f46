"""Move the source by the gap vector."""

from __future__ import annotations

from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import register_bridge


@register_bridge("mean-shift")
class MeanShift(Bridge):
    """Adds the difference of the two centroids to every source embedding.

    Definition: ``f(x) = unit(x + mean(target) - mean(source))``. The gap vector is that of Liang et al. (2022),
    "Mind the Gap", arXiv 2203.02053; moved by its whole length here.

    Attributes
    ----------
    shift_ : Tensor of shape (d,)
        The gap vector.
    """

    needs_pairs = False

    shift_: Tensor

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        self.shift_ = target.mean(dim=0) - source.mean(dim=0)

    def _transform(self, source: Tensor) -> Tensor:
        return unit_rows(source + self.shift_.to(source.device))
