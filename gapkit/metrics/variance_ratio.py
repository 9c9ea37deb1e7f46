"""Variance ratio: whether the moved source is as wide as the target."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import pair_of


def variance_ratio(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Trace of the covariance of the source over that of the target, every clip counting the same.

    Several targets of one clip spread the target as they are: what they differ by is part of its variance.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        At least 0; 1 where both are equally wide, 0 for a single point. Neither direction is better by itself.
        Cost n d.

    Raises
    ------
    InputError
        The target is a single point.

    Examples
    --------
    >>> variance_ratio([[0.0], [1.0]], [[0.0], [2.0]])
    0.25
    """
    both = pair_of(source, target, owner)
    return float(spread(both.x).mean()) / checked_width(both.y)


def spread(side: Cloud) -> Tensor:
    """Mean squared distance of each clip's rows from the mean of the side, float64, shape (n,); 0 at one point."""
    if side.flat:
        return torch.zeros(side.n, dtype=torch.float64, device=side.base.device)
    away = torch.empty(len(side.base), dtype=torch.float64, device=side.base.device)
    for part in row_blocks(side.base):
        away[part] = (side.block(part) - side.mean).square().sum(dim=1)
    return side.per_clip(away)


def checked_width(y: Cloud) -> float:
    """Trace of the target's covariance.

    Raises
    ------
    InputError
        It is 0.
    """
    width = float(spread(y).mean())
    if not width > 0:
        raise InputError("target: all rows are the same, so that nothing can be measured in units of its variance")
    return width
