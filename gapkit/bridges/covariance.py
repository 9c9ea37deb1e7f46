"""Covariances of a side: shrunk so that they can be inverted, and their square roots."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.errors import InputError

LEDOIT_WOLF = "ledoit-wolf"

NO_SPREAD = 1e-12
"""Total variance of unit rows below which they differ by rounding alone."""


def centred(rows: Tensor, *, title: str, side: str) -> tuple[Tensor, Tensor]:
    """Rows minus their mean, (n, d), and the mean, (d,), in float64.

    Raises
    ------
    InputError
        The rows are all the same.
    """
    rows = rows.double()
    centre = rows.mean(dim=0)
    residuals = rows - centre
    if float(residuals.square().sum()) <= NO_SPREAD * len(rows):
        raise InputError(
            f"{title}: {side}: expected rows that differ, got {len(rows)} equal ones; check what they were made from"
        )
    return residuals, centre


def covariance(residuals: Tensor, shrinkage: float | str) -> tuple[Tensor, float]:
    """Covariance pulled towards a multiple of the identity: ``(1 - a) S + a tr(S)/d I``.

    Parameters
    ----------
    residuals : Tensor of shape (n, d), float64
        Centred rows.
    shrinkage : float in [0, 1], or "ledoit-wolf"
        ``a``; Ledoit-Wolf estimates the one of the least expected squared error.

    Returns
    -------
    Tensor of shape (d, d), float
        The covariance (divided by n) and ``a``.
    """
    n, d = residuals.shape
    plain = residuals.T @ residuals / n
    amount = ledoit_wolf(residuals) if isinstance(shrinkage, str) else float(shrinkage)
    identity = torch.eye(d, dtype=plain.dtype, device=plain.device)
    return (1 - amount) * plain + amount * plain.trace() / d * identity, amount


def ledoit_wolf(residuals: Tensor) -> float:
    """Shrinkage of Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices".

    Parameters
    ----------
    residuals : Tensor of shape (n, d), float64
        Centred rows.

    Returns
    -------
    float in [0, 1]
    """
    n, d = residuals.shape
    plain = residuals.T @ residuals / n
    squared = float(plain.square().sum())
    distance = squared - float(plain.trace()) ** 2 / d
    error = (float(residuals.square().sum(dim=1).square().sum()) / n - squared) / n
    return min(max(error / distance, 0.0), 1.0) if distance > 0 else 1.0


def square_roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric square root and its inverse, of a covariance of shape (d, d), float64.

    Directions without variance stay without in the inverse. The bound is the precision of the float32 rows that
    the covariance was made of: below it there is only rounding, which an inverse would blow up.
    """
    variances, axes = torch.linalg.eigh(matrix)
    bound = variances[-1] * (len(matrix) * torch.finfo(torch.float32).eps) ** 2
    deviations = variances.clamp_min(0).sqrt()
    inverse = torch.where(variances > bound, 1 / deviations, 0.0)
    return (axes * deviations) @ axes.T, (axes * inverse) @ axes.T
