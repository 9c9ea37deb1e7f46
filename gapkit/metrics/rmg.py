"""Relative modality gap: the distance of pairs in units of the distances inside each modality."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics._sides import Cloud, directions, sides
from gapkit.metrics.cosine import clip_cosines


def rmg(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Relative modality gap, P / ((Oxx + Oyy) / 2 + P) with the distance D = (1 - cosine) / 2.

    P is the mean D of a clip and its own targets; Oxx and Oyy are the mean D between different clips inside the
    source and inside the target. Several targets of one clip never count as different clips. Computed from means,
    without a matrix of pairs.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        In [0, 1]; lower is nearer: 0 where pairs coincide, 0.5 where a pair is as far apart as two clips of one
        modality, 1 where each modality is one point and the two differ. Good pairs that are not equal never
        reach 0: the floor is what their captions leave open. 0 where everything is one point.

    Raises
    ------
    InputError

    References
    ----------
    Schrodi et al. (2025), Two effects, one trigger, ICLR. Their code drops only the diagonal of Oxx and Oyy, and so
    counts captions of one clip as different; here they are left out.

    Examples
    --------
    >>> rmg([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    0.0
    >>> rmg([[1, 0], [0, 1]], [[0, 1], [1, 0]])
    0.5
    """
    both = sides(source, target, owner, paired=True)
    x, y = directions(both.x, "source"), directions(both.y, "target")
    return relative_gap(float(clip_cosines(x, y).mean()), inner_cosine(x), inner_cosine(y))


def clip_squares(side: Cloud) -> Tensor:
    """Squared length of each clip's mean row, float64, shape (n,)."""
    squares = torch.empty(side.n, dtype=torch.float64, device=side.base.device)
    for clips, rows in side.clip_blocks():
        squares[clips] = rows.double().square().sum(dim=1)
    return squares


def inner_cosine(side: Cloud, squares: Tensor | None = None) -> float:
    """Mean cosine between the unit rows of different clips of one side; `squares` as `clip_squares` has them."""
    n, own = side.n, float((clip_squares(side) if squares is None else squares).sum())
    return (n * n * float(side.mean @ side.mean) - own) / (n * (n - 1))


def relative_gap(pair: float, inner_x: float, inner_y: float) -> float:
    """RMG from the three mean cosines."""
    # Rounding may leave a distance of equal rows just below 0.
    p, inside = max(0.0, (1 - pair) / 2), max(0.0, (1 - (inner_x + inner_y) / 2) / 2)
    return p / (inside + p) if inside + p > 1e-12 else 0.0
