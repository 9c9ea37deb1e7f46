"""Variance ratio: whether the moved source is as wide as the target."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value


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
    return variance_ratio_of(pair_of(source, target, owner)).value


@metric(
    "variance-ratio",
    label="Variance ratio",
    place=640,
    group="preservation",
    better="none",
    range=(0.0, math.inf),
    needs_pairs=False,
    default=False,
    definition="Trace of the covariance of the source over that of the target; 1 is equally wide.",
    function=variance_ratio,
)
def variance_ratio_of(pair: Pair) -> Value:
    """Spread of the source over that of the target; a moved mean changes neither, to first order.

    Raises
    ------
    InputError
        The target is a single point.
    """
    x = _spread(pair.x)
    y = pair.y.shared("spread", lambda: _spread(pair.y))
    width = float(y.mean())
    if not width > 0:
        raise InputError("target: all rows are the same, so that nothing can be measured in units of its variance")
    ratio = float(x.mean()) / width
    return Value(ratio, influence=lambda: (x / width, -ratio * y / width))


def _spread(side: Cloud) -> Tensor:
    """Mean squared distance of each clip's rows from the mean of the side, float64, shape (n,); 0 at one point."""
    if side.flat:
        return torch.zeros(side.n, dtype=torch.float64, device=side.base.device)
    away = torch.empty(len(side.base), dtype=torch.float64, device=side.base.device)
    for part in row_blocks(side.base):
        away[part] = (side.block(part) - side.mean).square().sum(dim=1)
    return side.per_clip(away)
