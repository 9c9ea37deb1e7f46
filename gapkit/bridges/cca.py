"""Canonical correlation analysis: the directions that predict each other."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gapkit.bridges.base import FitContext
from gapkit.bridges.covariance import LEDOIT_WOLF, check_shrinkage, covariance, square_roots
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.space import Choice, Space
from gapkit.bridges.spectral import Axes, SpectralBridge


@register_bridge("cca")
class CCA(SpectralBridge):
    """Predicts the target from the source through the first canonical pairs.

    Definition: with ``Sx^-1/2 Sxy Sy^-1/2 = U R V^T`` (Hotelling, 1936), ``f(x)`` lies from ``mean(target)`` in
    direction ``(x - mean(source)) Sx^-1/2 U_k R_k V_k^T Sy^1/2``: the regression on the k best correlated pairs
    (reduced-rank regression weighted by ``Sy^-1``). With all components and no shrinkage it is least squares.

    Parameters
    ----------
    n_components : int, optional
        Canonical pairs that are kept. Left out: chosen on held-out pairs among 1, 2, 4, ... and all
        (`gapkit.bridges.spectral`).
    shrinkage : float in [0, 1], or "ledoit-wolf"
        How far ``Sx`` and ``Sy`` are pulled to a multiple of the identity. At 1 the directions are those of `pls-svd`,
        weighted by their covariance. At 0 few pairs (n < d) correlate perfectly and nothing is learned of new ones.

    Attributes
    ----------
    n_components_ : int
    source_axes_ : Tensor of shape (d, n_components_)
    target_axes_ : Tensor of shape (n_components_, d)
    spectrum_ : Tensor of shape (n_components_,)
        Canonical correlations, under the shrunk covariances.
    source_centre_, target_centre_ : Tensor of shape (d,)
    source_shrinkage_, target_shrinkage_ : float
        The shrinkage used.
    """

    space: ClassVar[Space] = {"shrinkage": Choice((LEDOIT_WOLF, 0.03, 0.1, 0.3))}
    defaults_from = "gapkit tune, soundscapes validation split, 4 settings: the defaults were chosen"

    source_shrinkage_: float
    target_shrinkage_: float

    def __init__(self, *, n_components: int | None = None, shrinkage: float | str = LEDOIT_WOLF) -> None:
        self.n_components = n_components
        self.shrinkage = shrinkage

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        check_shrinkage(self.shrinkage, title=self._title)
        super()._fit(source, target, context)

    def _axes(self, source: Tensor, target: Tensor) -> Axes:
        source_covariance, self.source_shrinkage_ = covariance(source, self.shrinkage)
        target_covariance, self.target_shrinkage_ = covariance(target, self.shrinkage)
        whiten_source = square_roots(source_covariance)[1]
        colour, whiten_target = square_roots(target_covariance)
        u, correlations, vt = torch.linalg.svd(whiten_source @ (source.T @ target / len(source)) @ whiten_target)
        return Axes(whiten_source @ u, correlations.unsqueeze(1) * (vt @ colour), correlations)
