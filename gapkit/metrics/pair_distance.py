"""Distances of pairs: as they are, and squared on the unit sphere."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import positive
from gapkit.metrics.cloud import row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Value


def l2i(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Mean over clips of the mean Euclidean distance between a clip and its own targets.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Taken as given: scale rows to length one first to compare with published numbers.
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.

    Returns
    -------
    float
        At least 0, at most 2 for unit rows; lower is nearer. A cloud that shrinks to a point lowers it too. Cost n d.

    Raises
    ------
    InputError

    References
    ----------
    Schrodi et al. (2025), Two effects, one trigger, ICLR (L2I, beside L2M, which is `centroid_distance`).

    Examples
    --------
    >>> l2i([[0, 0], [0, 0]], [[3, 4], [0, 1]])
    3.0
    """
    return l2i_of(pair_of(source, target, owner, paired=True, least=1)).value


def alignment(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, alpha: float = 2.0) -> float:
    """Mean over clips of the mean distance to the power `alpha` between the directions of a clip and of its targets.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.
    alpha : float
        Above 0. With 2 the alignment is 2 - 2 `cosine`.

    Returns
    -------
    float
        In [0, 2^alpha]; lower is nearer. Read it beside `uniformity`: a cloud at one point is aligned. Cost n d.

    Raises
    ------
    InputError

    References
    ----------
    Wang & Isola (2020), Understanding contrastive representation learning through alignment and uniformity on the
    hypersphere, ICML.

    Examples
    --------
    >>> round(alignment([[1, 0], [0, 2]], [[1, 0], [3, 0]]), 6)
    1.0
    """
    alpha = positive("alpha", alpha)
    return alignment_of(pair_of(source, target, owner, paired=True, least=1), alpha=alpha).value


@metric(
    "l2i",
    label="Pair distance",
    place=410,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, math.inf),
    reference="Schrodi et al. (2025), Two effects, one trigger",
    default=False,
    definition="Mean over clips of the mean Euclidean distance between a clip and its own targets.",
    function=l2i,
    residual=Residual("Residual pair distance", "Pair distance after each side's mean is removed.", place=290),
)
def l2i_of(pair: Pair) -> Value:
    """Mean distance of pairs."""
    return Value.mean_of(pair_distances(pair))


@metric(
    "alignment",
    label="Alignment",
    place=420,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, 4.0),
    reference="Wang & Isola (2020), Alignment and uniformity on the hypersphere",
    default=False,
    definition="Mean over clips of the mean squared distance between the directions of a clip and of its targets.",
    function=alignment,
)
def alignment_of(pair: Pair, *, alpha: float = 2.0) -> Value:
    """Mean distance of the directions of pairs, to a power."""
    return Value.mean_of(pair_distances(pair.unit, alpha))


def pair_distances(both: Pair, power: float = 1.0) -> Tensor:
    """Mean distance, to a power, of each clip and its targets, float64, shape (n,)."""
    y = both.y
    away = torch.empty(len(y.owner), dtype=torch.float64, device=y.base.device)
    for part in row_blocks(y.base):
        owner = y.owner[part]
        clips = both.x.block(slice(int(owner[0]), int(owner[-1]) + 1))
        away[part] = torch.linalg.vector_norm(clips[owner - owner[0]] - y.block(part), dim=1, dtype=torch.float64)
    return y.per_clip(away.pow(power))
