"""The best rotation from centred source to centred target."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.bridges.registry import register_bridge


@register_bridge("procrustes")
class Procrustes(Bridge):
    """Rotates centred source directions onto centred target directions, pair by pair.

    Definition: with ``X`` and ``Y`` the centred unit rows and ``X^T Y = U S V^T``, the orthogonal ``R = U V^T``
    minimises ``|X R - Y|`` (Schönemann, 1966). An isometry: distances within the source stay what they are.

    Attributes
    ----------
    source_centre_, target_centre_ : Tensor of shape (d,)
    rotation_ : Tensor of shape (d, d)
    """

    source_centre_: Tensor
    target_centre_: Tensor
    rotation_: Tensor

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        self.source_centre_ = source.mean(dim=0)
        self.target_centre_ = target.mean(dim=0)
        x = to_frame(source, self.source_centre_).double()
        y = to_frame(target, self.target_centre_).double()
        u, _, vt = torch.linalg.svd(x.T @ y)
        self.rotation_ = (u @ vt).float()

    def _transform(self, source: Tensor) -> Tensor:
        directions = to_frame(source, self.source_centre_.to(source.device)) @ self.rotation_.to(source.device)
        return from_frame(directions, self.target_centre_.to(source.device))
