"""Mixing: which modality the neighbours of a row are of, when both are thrown together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.neighbourhood import Neighbourhood, neighbourhood, pooled_labels
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.points import points
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Influence, Value

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
    return knn_mixing_of(pair_of(source, target, owner, max_memory=4 * memory_limit(max_memory)), k=k).value


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
    return cross_modal_share_of(pair_of(source, target, owner, max_memory=4 * memory_limit(max_memory)), k=k).value


@metric(
    "knn-mixing",
    label="kNN mixing",
    place=430,
    group="closure",
    better="higher",
    best=2.0,
    range=(1.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    reference="Korsunsky et al. (2019), Harmony",
    default=False,
    definition="Effective number of modalities among the 30 nearest of both modalities, other clips' rows only.",
    holds_rows=True,
    function=knn_mixing,
    residual=Residual(
        "Residual kNN mixing",
        "Effective number of modalities among the 30 nearest of other folds after each fold's mean is removed.",
        place=340,
        centring="folds",
    ),
)
def knn_mixing_of(pair: Pair, *, k: int = K) -> Value:
    """Mean effective number of modalities of the neighbourhoods."""
    seen = pooled(pair, k, pair.max_memory // 4)
    values = simpson(seen.x), simpson(seen.y)
    return mean_of_neighbourhoods(pair, seen, values, lambda: (_simpson_slope(seen.x), _simpson_slope(seen.y)))


@metric(
    "knn-cross-share",
    label="Cross-modal neighbours",
    place=440,
    group="closure",
    better="higher",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n^2 d",
    default=False,
    definition="Share of the other modality among the 30 nearest of both, other clips' rows only; 0.5 is mixed.",
    holds_rows=True,
    function=cross_modal_share,
    residual=Residual(
        "Residual cross-modal neighbours",
        "Share of the other modality among the 30 nearest of other folds after each fold's mean is removed.",
        place=350,
        centring="folds",
    ),
)
def cross_modal_share_of(pair: Pair, *, k: int = K) -> Value:
    """Mean share of the other side in the neighbourhoods."""
    seen = pooled(pair, k, pair.max_memory // 4)
    values = 1 - seen.x, seen.y
    return mean_of_neighbourhoods(pair, seen, values, lambda: (-torch.ones_like(seen.x), torch.ones_like(seen.y)))


@dataclass(frozen=True)
class Pooled:
    """Neighbourhoods in the pooled set, and the share of source rows in them.

    Parameters
    ----------
    x, y : Tensor of shape (n,), (m,), float64
        Share of source rows, seen from each source row and from each target row.
    found : Neighbourhood
        Of the source rows and then the target rows, among both in this order.
    k : int
    """

    x: Tensor
    y: Tensor
    found: Neighbourhood
    k: int


def pooled(both: Pair, k: int, max_memory: int) -> Pooled:
    """The neighbourhoods of all rows among both sides: found once for all metrics of a pair."""
    return both.shared(("pooled", k), lambda: _pooled(both, k, max_memory))


def _pooled(both: Pair, k: int, max_memory: int) -> Pooled:
    x, y = both.x, both.y
    # Of rows at the same distance those of clip 0 come first, its source before its targets, and so on: rows that are
    # all one point are mixed and not two modalities in a queue.
    place = torch.cat([x.owner / x.n, y.owner / y.n])
    fewer = min(x.n, y.n)
    weights = torch.cat([x.share * fewer / x.n, y.share * fewer / y.n])
    labels = torch.cat(pooled_labels(both))
    pool, _ = points(stacked(x, y))
    found = neighbourhood(pool, pool, k, weights=weights, clips=(labels, labels), priority=place, max_memory=max_memory)
    from_source = (found.mass * (found.rows < len(x.base))).sum(dim=1) / k
    return Pooled(from_source[: len(x.base)], from_source[len(x.base) :], found, k)


def pulls(both: Pair, seen: Pooled, slope_x: Tensor, slope_y: Tensor) -> tuple[Tensor, Tensor]:
    """What each clip adds to a mean over rows by being a neighbour, (n_x,) and (n_y,), float64.

    To first order: where a clip weighs more, its rows take more of a neighbourhood, and what they push out is like the
    rest of it. `slope_x` and `slope_y` are the derivatives of each row's value by its share of source rows.
    """
    x, y, found = both.x, both.y, seen.found
    share = torch.cat([seen.x, seen.y])
    weight = torch.cat([slope_x * x.share / x.n, slope_y * y.share / y.n]) / (2 * seen.k)
    source = (found.rows < len(x.base)).double()
    pull = torch.zeros_like(share)
    for rows, mass, of_source in zip(found.rows.T, found.mass.T, source.T, strict=True):
        # Where a neighbourhood needs fewer rows the mass is 0, whatever the row.
        pull.index_add_(0, rows.clamp_min(0), weight * mass * (of_source - share))
    return _per_clip_sum(x, pull[: len(x.base)]), _per_clip_sum(y, pull[len(x.base) :])


def stacked(x: Cloud, y: Cloud) -> Tensor:
    """The rows of both sides in one matrix, written block by block."""
    n = len(x.base)
    whole = x.base.new_empty(n + len(y.base), x.base.shape[1])
    for start, side in ((0, x), (n, y)):
        for part in row_blocks(side.base):
            whole[start + part.start : start + part.stop] = side.block(part)
    return whole


def _per_clip_sum(side: Cloud, values: Tensor) -> Tensor:
    return torch.zeros(side.n, dtype=values.dtype, device=values.device).index_add_(0, side.owner, values)


def mean_of_neighbourhoods(
    both: Pair, seen: Pooled, values: tuple[Tensor, Tensor], slopes: Callable[[], tuple[Tensor, Tensor]]
) -> Value:
    """Mean over items and sides of a value of each row; items count as those who look and as neighbours.

    `slopes` gives the derivatives of the values of the rows of each side by their share of source rows.
    """
    x, y = both.x.per_clip(values[0]), both.y.per_clip(values[1])

    def influence() -> Influence:
        pull_x, pull_y = pulls(both, seen, *slopes())
        return x / 2 + both.x.n * pull_x, y / 2 + both.y.n * pull_y

    return Value(float(x.mean() + y.mean()) / 2, influence=influence)


def simpson(share: Tensor) -> Tensor:
    """Effective number of modalities from the share of one of two."""
    return 1 / (share.square() + (1 - share).square())


def _simpson_slope(share: Tensor) -> Tensor:
    """Derivative of `simpson`."""
    return (2 - 4 * share) * simpson(share).square()
