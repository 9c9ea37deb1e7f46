"""Retrieval in one pool of both modalities: whether an item is found wherever it stands, by its source or a target."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.retrieval import TIE, TILE, check_k, tile_of_cosines
from gapkit.metrics.value import Value

SHARES = tuple(tenths / 10 for tenths in range(11))
"""Shares of the items that stand in the pool by their source; a metric is the mean over them."""


def pooled_ndcg(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = 10,
    share: float | None = None,
    seed: int = 0,
) -> float:
    """NDCG within the first `k` of a pool in which each item stands by one of its modalities.

    An item stands in the pool by its source or by its first target. It is asked for by its other targets, which never
    stand there; an item without another target is asked for by the one of its two rows that does not stand there. Its
    gain is 1 / log2(1 + rank), 0 beyond the `k` nearest.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Row i belongs to item i.
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    k : int
        At least 1.
    share : float, optional
        Share of the items, in [0, 1], that stand in the pool by their source. Left out: mean over 0, .1, ... 1.
    seed : int
        Chooses those items. A larger share adds items to those of a smaller one.

    Returns
    -------
    float
        In [0, 1]; higher is better. Queries of one item count as their mean, ties with the chance that a random order
        gives. Cost n m d.

    Raises
    ------
    InputError

    References
    ----------
    Li et al. (2025), Closing the modality gap for mixed modality search, arXiv 2507.19054. There every query is a text.

    Examples
    --------
    >>> pooled_ndcg([[1, 0], [0, 1]], [[1, 0.1], [0.1, 1]], share=0.5)
    1.0
    """
    return float(gains(_pool_of_arrays(source, target, owner, share, seed), k).mean())


def pooled_recall_at_k(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int,
    share: float | None = None,
    seed: int = 0,
) -> float:
    """Share of queries with their item among the `k` nearest of a pool in which each item stands by one modality.

    Parameters
    ----------
    source, target, owner, k, share, seed
        See `pooled_ndcg`.

    Returns
    -------
    float
        In [0, 1]; higher is better. A cloud collapsed to one point scores k / n.

    Raises
    ------
    InputError

    Examples
    --------
    >>> pooled_recall_at_k([[1, 0], [0, 1]], [[1, 0.1], [0.1, 1]], k=1)
    1.0
    """
    return float(recalls_pooled(_pool_of_arrays(source, target, owner, share, seed), k).mean())


def ndcg_pooled_of(pair: Pair, *, k: int = 10) -> Value:
    """Mean over items of their gain within the first `k`, itself the mean over the shares."""
    return Value.mean_of(gains(pool_of(pair), k).mean(dim=1))


def recall_pooled_of(pair: Pair, *, k: int) -> Value:
    """Mean over items of their chance to be among the first `k`, itself the mean over the shares."""
    return Value.mean_of(recalls_pooled(pool_of(pair), k).mean(dim=1))


for _k in (1, 5, 10):
    _among = "the nearest" if _k == 1 else f"among the {_k} nearest"
    metric(
        f"recall-pooled@{_k}",
        label=f"R@{_k} pooled",
        place={1: 401, 5: 402, 10: 403}[_k],
        group="preservation",
        better="higher",
        best=1.0,
        range=(0.0, 1.0),
        cost="n m d",
        default=False,
        reference="Li et al. (2025), arXiv 2507.19054",
        definition=f"Share of queries with their item {_among} of a pool of both modalities, mean over their shares.",
    )(partial(recall_pooled_of, k=_k))

metric(
    "ndcg-pooled@10",
    label="NDCG@10 pooled",
    place=404,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n m d",
    default=False,
    reference="Li et al. (2025), arXiv 2507.19054",
    definition="NDCG@10 of a query's own item in a pool of both modalities, mean over their shares.",
    function=pooled_ndcg,
)(ndcg_pooled_of)


def pool_of(pair: Pair) -> Pool:
    """Places in the pool at all of `SHARES`: counted once for all k."""
    return pair.shared("pool", lambda: pool(pair, SHARES))


@dataclass(frozen=True)
class Pool:
    """Place of the own item in the pool, of each query and at each share.

    Parameters
    ----------
    ahead, tied : Tensor of shape (q, s), int32
        Other items that are strictly nearer, and as near.
    weight : Tensor of shape (q, s), float64
        What the query counts in the mean of its item; 0 at shares where it is not asked.
    owner : Tensor of shape (q,)
        Item of each query.
    n : int
        Number of items.
    """

    ahead: Tensor
    tied: Tensor
    weight: Tensor
    owner: Tensor
    n: int

    def per_item(self, values: Tensor) -> Tensor:
        """Mean over the queries of each item, (q, s) to (n, s)."""
        return values.new_zeros(self.n, values.shape[1]).index_add_(0, self.owner, values * self.weight)


def gains(found: Pool, k: int) -> Tensor:
    """Expected 1 / log2(1 + rank) within the first `k` of each item at each share, float64, (n, s)."""
    ranks = torch.arange(1, check_k(k) + 1, device=found.ahead.device, dtype=torch.float64)
    upto = torch.cat([ranks.new_zeros(1), (1 / (1 + ranks).log2()).cumsum(0)])
    first, last = found.ahead.clamp_max(k).long(), (found.ahead + found.tied + 1).clamp_max(k).long()
    return found.per_item((upto[last] - upto[first]) / (found.tied + 1))


def recalls_pooled(found: Pool, k: int) -> Tensor:
    """Chance of each item to be among the first `k` at each share, float64, (n, s)."""
    room = (check_k(k) - found.ahead).clamp_min(0).double()
    return found.per_item((room / (found.tied + 1)).clamp_max(1))


def pool(pair: Pair, shares: Sequence[float]) -> Pool:
    """Count the items ahead of each query's own at each share, without sorting.

    Items are put in a random order, and at share s the first s n of them stand by their source. So a cosine is computed
    once for all shares: the counts at a share are those of sources up to a place and of first targets after it.
    """
    x, y = pair.unit.x, pair.unit.y
    order = torch.from_numpy(np.random.default_rng([pair.seed, 4]).permutation(x.n)).to(x.base.device)
    place = order.argsort()
    cuts = torch.tensor([round(share * x.n) for share in shares], device=order.device)
    edges = sorted({0, x.n, *cuts.tolist()})
    asked = _Asked(x, y, place, cuts)
    side = max(16, min(TILE, math.isqrt(memory_limit(pair.max_memory // 8) // 12)))
    ahead, tied = (torch.zeros(len(asked.owner), len(cuts), dtype=torch.int32, device=order.device) for _ in range(2))
    for part, rows, own in asked.blocks(side):
        items = asked.owner[part]
        for start, stop in _tiles(edges, side):
            columns = order[start:stop]
            here = ((place[items] >= start) & (place[items] < stop)).nonzero().flatten()
            for of_source, gallery in ((True, x.take(columns)), (False, y.take(asked.first[columns]))):
                cosines = tile_of_cosines(rows, gallery)
                cosines[here, place[items[here]] - start] = -2
                nearer = (cosines > own + TIE).sum(dim=1, dtype=torch.int32)
                level = (cosines >= own - TIE).sum(dim=1, dtype=torch.int32) - nearer
                # A tile lies between two cuts: at each share all of it stands by source, or none of it.
                standing = ((cuts >= stop) if of_source else (cuts <= start)).int()
                ahead[part] += nearer[:, None] * standing
                tied[part] += level[:, None] * standing
    return Pool(ahead, tied, asked.weight, asked.owner, x.n)


class _Asked:
    """Queries, each with the row of its item that it is to find.

    Parameters
    ----------
    x, y : Cloud
        Unit rows.
    place : Tensor of shape (n,)
        Of each item in the random order.
    cuts : Tensor of shape (s,)
        Number of items that stand by their source, at each share.
    """

    def __init__(self, x: Cloud, y: Cloud, place: Tensor, cuts: Tensor) -> None:
        self.x, self.y = x, y
        items = torch.arange(x.n, device=place.device)
        self.first = y.ends[:-1].to(place.device)
        others = _others(y, self.first)
        counts = torch.bincount(y.owner[others], minlength=x.n)
        alone = items[counts == 0]
        # The rows that ask: numbers of targets, and of sources after all of them.
        rows = torch.cat([others, others, self.first[alone], len(y.owner) + alone])
        self.owner = torch.cat([y.owner[others], y.owner[others], alone, alone])
        finds_source = torch.zeros(len(rows), dtype=torch.bool, device=place.device)
        finds_source[: len(others)] = True
        finds_source[2 * len(others) : 2 * len(others) + len(alone)] = True
        stands_by_source = place[self.owner, None] < cuts
        live = stands_by_source == finds_source[:, None]
        self.weight = live.double() / counts.clamp_min(1)[self.owner, None]
        self.rows, self.finds_source = rows, finds_source

    def blocks(self, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Some queries, their rows, (b, d), and the cosines of those to the rows they are to find, (b, 1)."""
        for part in torch.split(torch.arange(len(self.rows), device=self.rows.device), size):
            rows = self._rows(self.rows[part])
            item = self.owner[part]
            wanted = torch.where(self.finds_source[part], len(self.y.owner) + item, self.first[item])
            yield part, rows, (rows * self._rows(wanted)).sum(dim=1, keepdim=True)

    def _rows(self, numbers: Tensor) -> Tensor:
        m = len(self.y.owner)
        out = self.x.base.new_empty(len(numbers), self.x.base.shape[1])
        source = numbers >= m
        if bool(source.any()):
            out[source] = self.x.take(numbers[source] - m)
        if not bool(source.all()):
            out[~source] = self.y.take(numbers[~source])
        return out


def _others(y: Cloud, first: Tensor) -> Tensor:
    """Targets that differ from the first target of their item: a copy of it would find itself."""
    rows = torch.arange(len(y.owner), device=first.device)
    rows = rows[rows != first[y.owner]]
    kept = [part[(y.take(part) != y.take(first[y.owner[part]])).any(dim=1)] for part in torch.split(rows, TILE)]
    return torch.cat(kept) if kept else rows


def _tiles(edges: Sequence[int], side: int) -> Iterator[tuple[int, int]]:
    """Pieces of at most `side` columns, none of which crosses an edge."""
    for start, stop in pairwise(edges):
        yield from ((at, min(at + side, stop)) for at in range(start, stop, side))


def checked_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """Shares of the items, in [0, 1].

    Raises
    ------
    InputError
    """
    for share in shares:
        if not 0 <= share <= 1:
            raise InputError(f"share: expected a number in [0, 1], got {share!r}")
    return tuple(map(float, shares))


def _pool_of_arrays(
    source: ArrayLike, target: ArrayLike, owner: ArrayLike | None, share: float | None, seed: int
) -> Pool:
    shares = SHARES if share is None else checked_shares([share])
    return pool(pair_of(source, target, owner, paired=True, seed=whole("seed", seed)), shares)
