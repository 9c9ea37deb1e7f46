"""PLS-SVD: the directions in which the two sides vary together."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.bridges.registry import register_bridge
from gapkit.bridges.spectral import Axes, SpectralBridge


@register_bridge("pls-svd")
class PLSSVD(SpectralBridge):
    """Keeps the directions in which source and target covary most, and turns one side's onto the other's.

    Definition: with ``Xc^T Yc / n = U S V^T`` of the centred pairs, ``f(x)`` lies from ``mean(target)`` in direction
    ``(x - mean(source)) U_k V_k^T``: coordinates along the first k source axes become coordinates along the paired
    target axes, unscaled. With all components this is a rotation close to `procrustes`. After COMET (Zhu et al., 2026,
    arXiv 2605.29628), of which the abstract names PLS-SVD and a training-free spectral truncation; recipe and way back
    are ours.

    Attributes
    ----------
    n_components_ : int
    source_axes_ : Tensor of shape (d, n_components_)
    target_axes_ : Tensor of shape (n_components_, d)
    spectrum_ : Tensor of shape (n_components_,)
        Covariances along the pairs of axes.
    source_centre_, target_centre_ : Tensor of shape (d,)
    """

    in_default = False

    def _axes(self, source: Tensor, target: Tensor) -> Axes:
        u, covariances, vt = torch.linalg.svd(source.T @ target / len(source))
        return Axes(u, vt, covariances)
