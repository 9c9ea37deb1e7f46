"""Mixing: which modality the neighbours of a row are of, when both are thrown together."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics._neighbourhood import neighbourhood, pooled_clips
from gapkit.metrics._points import points
from gapkit.metrics._sides import Sides, sides

K = 30
"""Neighbours, as many as keep the ceiling of the index (about 2 - 2 / k in one distribution) near 2."""


def knn_mixing(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Local inverse Simpson index: how many modalities a neighbourhood of `k` of both holds, effectively.

    1 / (p^2 + q^2) with p and q the shares of source and target among the `k` nearest rows (Euclidean) of the pooled
    set, averaged over clips and over the two sides. Rows of a row's own clip are never its neighbours: a pair says
    nothing about the clouds, and captions of one clip would crowd each other's neighbourhood. A target row weighs one
    over the number of its clip's targets, and a neighbourhood holds `k` clips' worth of rows.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Without it and with m != n the rows are unrelated; both sides weigh the same.
    k : int
        At least 1.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        In [1, 2]; higher is better mixed: 1 where every neighbourhood is of one modality. One distribution gives
        about 2 - 2 / k, for neighbourhoods differ by chance. Cost (n + m)^2 d.

    Raises
    ------
    InputError
        Fewer than `k` rows besides a clip's own.

    References
    ----------
    Korsunsky et al. (2019), Harmony, Nature Methods 16 (LISI; there with weights that fall with the distance).

    Examples
    --------
    >>> knn_mixing([[0.0], [1.0], [2.0]], [[10.0], [11.0], [12.0]], k=2)
    1.0
    >>> knn_mixing([[0.0], [1.0], [2.0]], [[0.0], [1.0], [2.0]], k=2)
    2.0
    """
    both = sides(source, target, owner)
    return balanced(both, *(simpson(share) for share in source_shares(both, k, max_memory)))


def cross_modal_share(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Share of the other modality among the `k` nearest rows of the pooled set, mean over clips and sides.

    Parameters
    ----------
    source, target, owner, k, max_memory
        See `knn_mixing`, whose neighbourhoods these are.

    Returns
    -------
    float
        In [0, 1]; 0.5 in expectation where the modalities are exchangeable, 0 where they are apart; higher is better
        up to 0.5. Unlike the index it has no bias, but a mixture of pure neighbourhoods of either kind looks mixed.

    Raises
    ------
    InputError

    Examples
    --------
    >>> cross_modal_share([[0.0], [1.0], [2.0]], [[0.0], [1.0], [2.0]], k=2)
    0.5
    """
    both = sides(source, target, owner)
    x, y = source_shares(both, k, max_memory)
    return balanced(both, 1 - x, y)


def source_shares(both: Sides, k: int, max_memory: int) -> tuple[Tensor, Tensor]:
    """Share of source rows in the pooled neighbourhood of each source row and of each target row, float64."""
    x, y = both.x, both.y
    # Of rows at the same distance those of clip 0 come first, its source before its targets, and so on: rows that are
    # all one point are mixed and not two modalities in a queue.
    place = torch.cat([x.owner / x.n, y.owner / y.n])
    fewer = min(x.n, y.n)
    weights = torch.cat([x.share * fewer / x.n, y.share * fewer / y.n])
    clips = torch.cat(pooled_clips(both))
    pool, _ = points(torch.cat([x.rows, y.rows]))
    found = neighbourhood(pool, pool, k, weights=weights, clips=(clips, clips), priority=place, max_memory=max_memory)
    from_source = (found.mass * (found.rows < len(x.rows))).sum(dim=1) / k
    return from_source[: len(x.rows)], from_source[len(x.rows) :]


def simpson(share: Tensor) -> Tensor:
    """Effective number of modalities from the share of one of two."""
    return 1 / (share.square() + (1 - share).square())


def balanced(both: Sides, values_x: Tensor, values_y: Tensor) -> float:
    """Mean over clips on each side, and of the two sides."""
    return float(both.x.per_clip(values_x).mean() + both.y.per_clip(values_y).mean()) / 2
