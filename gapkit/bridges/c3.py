"""Each modality centred on its own mean."""

from __future__ import annotations

from torch import Tensor

from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.bridges.registry import register_bridge


@register_bridge("c3")
class C3(Bridge):
    """Takes the direction from the source's mean and follows it from the target's mean.

    Definition: ``u = unit(x - mean(source))``, then the unit vector that lies from ``mean(target)`` in direction
    ``u``. The first half is the "collapse" step of C3 (Zhang et al., ICLR 2024, arXiv 2401.08567), which then works
    on centred vectors; the way back into the target space is ours, so that all bridges are measured alike. C3's
    third step, noise, belongs to the training of a decoder.

    Attributes
    ----------
    source_centre_, target_centre_ : Tensor of shape (d,)
    """

    needs_pairs = False

    source_centre_: Tensor
    target_centre_: Tensor

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        self.source_centre_ = source.mean(dim=0)
        self.target_centre_ = target.mean(dim=0)

    def _transform(self, source: Tensor) -> Tensor:
        directions = to_frame(source, self.source_centre_.to(source.device))
        return from_frame(directions, self.target_centre_.to(source.device))
