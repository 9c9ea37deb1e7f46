"""Canonical correlation analysis: the directions that predict each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.bridges.covariance import LEDOIT_WOLF, covariance, square_roots
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.spectral import Axes, SpectralBridge
from gapkit.options import fitted, option
from gapkit.space import Choice


@register_bridge("cca")
@dataclass(kw_only=True, eq=False, repr=False)
class CCA(SpectralBridge):
    """Predicts the target from the source through the first canonical pairs.

    Definition: with ``Sx^-1/2 Sxy Sy^-1/2 = U R V^T`` (Hotelling, 1936), ``f(x)`` lies from ``mean(target)`` in
    direction ``(x - mean(source)) Sx^-1/2 U_k R_k V_k^T Sy^1/2``: the regression on the k best correlated pairs
    (reduced-rank regression weighted by ``Sy^-1``). With all components and no shrinkage it is least squares.

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

    defaults_from = "gapkit tune, soundscapes validation split, 4 settings: the defaults were chosen"

    shrinkage: float | str = option(
        LEDOIT_WOLF,
        kind="number",
        at_least=0,
        at_most=1,
        also=(LEDOIT_WOLF,),
        search=Choice((LEDOIT_WOLF, 0.03, 0.1, 0.3)),
        doc="How far the covariances of both sides are pulled to a multiple of the identity. At 1 the directions "
        "are those of pls-svd, weighted by their covariance. At 0 few pairs (n < d) correlate perfectly and "
        "nothing is learned of new ones.",
    )

    source_shrinkage_: float = fitted()
    target_shrinkage_: float = fitted()

    def _axes(self, source: Tensor, target: Tensor) -> Axes:
        source_covariance, self.source_shrinkage_ = covariance(source, self.shrinkage)
        target_covariance, self.target_shrinkage_ = covariance(target, self.shrinkage)
        whiten_source = square_roots(source_covariance)[1]
        colour, whiten_target = square_roots(target_covariance)
        u, correlations, vt = torch.linalg.svd(whiten_source @ (source.T @ target / len(source)) @ whiten_target)
        return Axes(whiten_source @ u, correlations.unsqueeze(1) * (vt @ colour), correlations)
