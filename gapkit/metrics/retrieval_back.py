"""Retrieval the other way: whether a target finds the source that it describes among all sources."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.retrieval import TIE, TILE, check_k, own_cosines, tile_of_cosines
from gapkit.metrics.value import Value


def recall_back_at_k(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, k: int) -> float:
    """Chance that a target has its own source among the `k` sources nearest to it.

    Parameters
    ----------
    source : array-like of shape (n, d)
        The gallery: all rows, ordered by cosine.
    target : array-like of shape (m, d)
        The queries. Those of one clip count as their mean, so that every clip counts the same.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]; higher is better. Ties count with the chance that a random order gives: a cloud collapsed to one
        point scores k / n. Cost n m d.

    Raises
    ------
    InputError

    Examples
    --------
    >>> recall_back_at_k([[1, 0], [0, 1]], [[1, 0], [1, 0.1]], k=1)
    0.5
    """
    return recall_back_of(pair_of(source, target, owner, paired=True), k=k).value


def mean_average_precision_back(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, k: int = 10
) -> float:
    """Mean over targets of one over the rank of their own source, 0 beyond the `k` nearest.

    Each target has one source, and so its average precision is its reciprocal rank.

    Parameters
    ----------
    source, target, owner, k
        See `recall_back_at_k`.

    Returns
    -------
    float
        In [0, 1]; higher is better; clips and ties as in `recall_back_at_k`.

    Raises
    ------
    InputError

    Examples
    --------
    >>> mean_average_precision_back([[1, 0], [0, 1]], [[1, 0], [1, 0.1]])
    0.75
    """
    return average_precision_back_of(pair_of(source, target, owner, paired=True), k=k).value


def recall_back_of(pair: Pair, *, k: int) -> Value:
    """Mean over items of the chance of their targets to find them among the first `k`."""
    return Value.mean_of(recalls_back(places_of(pair), k))


for _k in (1, 5, 10):
    _among = "the nearest" if _k == 1 else f"among the {_k} nearest"
    metric(
        f"recall-back@{_k}",
        label=f"R@{_k} back",
        place={1: 370, 5: 380, 10: 390}[_k],
        group="preservation",
        better="higher",
        best=1.0,
        range=(0.0, 1.0),
        cost="n m d",
        default=False,
        definition=f"Share of targets, mean over clips, with their own source {_among} of all sources.",
    )(partial(recall_back_of, k=_k))


@metric(
    "map-back@10",
    label="mAP@10 back",
    place=400,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n m d",
    default=False,
    definition="One over the rank of a target's own source among the 10 nearest of all sources, mean over clips.",
    function=mean_average_precision_back,
)
def average_precision_back_of(pair: Pair, *, k: int = 10) -> Value:
    """Mean over items of their targets' expected reciprocal rank within the first `k`."""
    return Value.mean_of(precisions_back(places_of(pair), k))


def places_of(pair: Pair) -> Places:
    """Where each target's own source stands: counted once for all k."""
    return pair.shared("places", lambda: places(pair.unit.x, pair.unit.y, max_memory=pair.max_memory // 8))


@dataclass(frozen=True)
class Places:
    """Where each target's own source stands.

    Parameters
    ----------
    ahead : Tensor of shape (m,)
        Sources that are strictly nearer.
    tied : Tensor of shape (m,)
        Other sources that are as near.
    target : Cloud
        Whose rows these are.
    """

    ahead: Tensor
    tied: Tensor
    target: Cloud


def places(x: Cloud, y: Cloud, *, max_memory: int = 2**26) -> Places:
    """Place of the own source by counting, without sorting; both sides hold unit rows, `x` one a clip."""
    m, own = len(y.base), own_cosines(x, y)
    ahead, tied = (torch.zeros(m, dtype=torch.int64, device=y.base.device) for _ in range(2))
    side = max(16, min(TILE, math.isqrt(memory_limit(max_memory) // 12)))
    for start in range(0, m, side):
        part = slice(start, min(start + side, m))
        rows, owner, mark = y.block(part), y.owner[part], own[part, None]
        for first in range(0, x.n, side):
            cosines = tile_of_cosines(rows, x.block(slice(first, min(first + side, x.n))))
            # The own source is no stranger: below every cosine it is never counted.
            here = ((owner >= first) & (owner < first + side)).nonzero().flatten()
            cosines[here, owner[here] - first] = -2
            nearer = (cosines > mark + TIE).sum(dim=1)
            ahead[part] += nearer
            tied[part] += (cosines >= mark - TIE).sum(dim=1) - nearer
    return Places(ahead, tied, y)


def recalls_back(found: Places, k: int) -> Tensor:
    """Chance that the own source is among the first `k`, mean of each clip's targets, float64, shape (n,)."""
    check_k(k)
    room = (k - found.ahead).clamp_min(0).double()
    return found.target.per_clip((room / (found.tied + 1)).clamp_max(1))


def precisions_back(found: Places, k: int) -> Tensor:
    """Expected reciprocal rank within the first `k`, mean of each clip's targets, float64, shape (n,)."""
    check_k(k)
    ranks = torch.arange(1, k + 1, device=found.ahead.device, dtype=torch.float64)
    upto = torch.cat([ranks.new_zeros(1), (1 / ranks).cumsum(0)])
    first, last = found.ahead.clamp_max(k), (found.ahead + found.tied + 1).clamp_max(k)
    return found.target.per_clip((upto[last] - upto[first]) / (found.tied + 1))
