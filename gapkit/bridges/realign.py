"""ReAlign: centroid and spread of the source made those of the target."""

from __future__ import annotations

import math

from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.covariance import centred
from gapkit.bridges.registry import register_bridge


@register_bridge("realign")
class ReAlign(Bridge):
    """Shifts to the target's mean, scales to the target's spread, then corrects what the sphere moved.

    Definition: with ``s = sqrt(trace(cov(target)) / trace(cov(source)))`` and
    ``g(x) = unit(mean(target) + s (x - mean(source)))``, the answer is ``unit(g(x) - mean(g(source)) + mean(target))``:
    projecting onto the sphere moves the centroid, and the last step takes it back. ReVision (2026, arXiv 2602.07026).

    Attributes
    ----------
    source_centre_, target_centre_ : Tensor of shape (d,)
    scale_ : float
        ``s``.
    correction_ : Tensor of shape (d,)
        What the last step adds.
    """

    needs_pairs = False

    source_centre_: Tensor
    target_centre_: Tensor
    scale_: float
    correction_: Tensor

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        x, source_centre = centred(source, title=self._title, side="source")
        y, target_centre = centred(target, title=self._title, side="target")
        self.scale_ = math.sqrt(float(y.square().sum()) / len(y) / (float(x.square().sum()) / len(x)))
        self.correction_ = (target_centre - unit_rows(target_centre + self.scale_ * x).mean(dim=0)).float()
        self.source_centre_, self.target_centre_ = source_centre.float(), target_centre.float()

    def _transform(self, source: Tensor) -> Tensor:
        device = source.device
        moved = self.target_centre_.to(device) + self.scale_ * (source - self.source_centre_.to(device))
        return unit_rows(unit_rows(moved) + self.correction_.to(device))
