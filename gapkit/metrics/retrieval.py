"""Retrieval: how well the moved source still finds its own targets among all targets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value
from gapkit.products import product

TIE = 1e-6
"""Cosines nearer than this are equal: float32 cannot order them, and their order must not depend on the tile."""

TILE = 1024
"""Clips and targets of a tile: its cosines stay in a processor's cache while they are counted."""

COLUMNS = 256
"""Columns of a product: over 512 of them oneDNN, which adds them up one by one, rounds by as much as `TIE`."""


@dataclass(frozen=True)
class Ranking:
    """Where the targets of each clip stand when all targets are ordered by cosine to its source.

    One entry a target row. Ties are groups of rows whose cosines are equal; their order is taken as random.

    Parameters
    ----------
    clip : Tensor of shape (m,)
        The clip that each entry belongs to.
    order : Tensor of shape (m,)
        1 for the clip's best target, 2 for its second.
    ahead : Tensor of shape (m,)
        Targets of other clips that are strictly nearer.
    tied : Tensor of shape (m,)
        Targets of other clips with the same cosine.
    tie_order, tie_own : Tensor of shape (m,)
        Place among, and number of, the clip's own targets of that cosine.
    n : int
        Number of clips.
    """

    clip: Tensor
    order: Tensor
    ahead: Tensor
    tied: Tensor
    tie_order: Tensor
    tie_own: Tensor
    n: int


def recall_at_k(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, k: int) -> float:
    """Share of clips with one of their own targets among the `k` targets nearest to their source.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
        The gallery: all rows, ordered by cosine.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]; higher is better. Ties count with the chance that a random order gives, so a cloud collapsed to
        one point scores exactly chance (k / n with one target a clip).

    Raises
    ------
    InputError

    Examples
    --------
    >>> recall_at_k([[1, 0], [0, 1]], [[1, 0], [1, 0]], k=1)
    0.5
    """
    return recall_of(pair_of(source, target, owner, paired=True), k=k).value


def mean_average_precision(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, k: int = 10
) -> float:
    """Mean over clips of the average precision within the `k` targets nearest to their source.

    A clip with c targets gets the sum, over its targets at a rank r <= k, of the precision at r, divided by
    min(c, k).

    Parameters
    ----------
    source, target, owner
        See `recall_at_k`.
    k : int
        At least 1.

    Returns
    -------
    float
        In [0, 1]; higher is better; ties as in `recall_at_k`.

    Raises
    ------
    InputError

    Examples
    --------
    >>> mean_average_precision([[1, 0], [0, 1]], [[1, 0.1], [1, 0]])
    0.5
    """
    return average_precision_of(pair_of(source, target, owner, paired=True), k=k).value


def recall_of(pair: Pair, *, k: int) -> Value:
    """Mean over items of the chance of an own target among the first `k`."""
    return Value.mean_of(recalls(ranking_of(pair), k))


for _k in (1, 5, 10):
    metric(
        f"recall@{_k}",
        label=f"R@{_k}",
        place={1: 120, 5: 130, 10: 140}[_k],
        group="preservation",
        better="higher",
        best=1.0,
        range=(0.0, 1.0),
        cost="n m d",
        default=_k != 5,
        definition=f"Share of clips with one of their own targets among the {_k} nearest of all targets.",
    )(partial(recall_of, k=_k))


@metric(
    "map@10",
    label="mAP@10",
    place=150,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n m d",
    default=False,
    definition="Mean average precision of a clip's own targets among the 10 nearest of all targets.",
    function=mean_average_precision,
)
def average_precision_of(pair: Pair, *, k: int = 10) -> Value:
    """Mean over items of their average precision within the first `k`."""
    return Value.mean_of(precisions(ranking_of(pair), k))


def ranking_of(pair: Pair) -> Ranking:
    """Where the own targets of each item stand: counted once for all k."""
    return pair.shared("ranking", lambda: ranking(pair.unit.x, pair.unit.y, max_memory=pair.max_memory // 8))


def ranking(x: Cloud, y: Cloud, *, max_memory: int = 2**26) -> Ranking:
    """Rank the own targets of each clip by counting, without sorting; both sides hold unit rows, `x` one a clip.

    `max_memory` bounds the bytes of the cosines held at a time.
    """
    counts = torch.bincount(y.owner, minlength=x.n)
    place = torch.arange(len(y.owner), device=y.owner.device) - (counts.cumsum(0) - counts)[y.owner]
    own = own_cosines(x, y)
    ahead, tied = _strangers(x, y, own, place, max_memory)
    own_ahead, own_tied, tie_order = _siblings(y.owner, own, place, counts)
    return Ranking(y.owner, own_ahead + tie_order, ahead, tied, tie_order, own_tied, x.n)


def own_cosines(x: Cloud, y: Cloud) -> Tensor:
    """Cosine of each target row with its own clip, (m,)."""
    cosines = torch.empty(len(y.owner), device=y.base.device)
    for part in row_blocks(y.base):
        owner = y.owner[part]
        clips = x.block(slice(int(owner[0]), int(owner[-1]) + 1))
        cosines[part] = (clips[owner - owner[0]] * y.block(part)).sum(dim=1)
    return cosines


def tile_of_cosines(left: Tensor, right: Tensor) -> Tensor:
    """Cosines of two blocks of unit rows, to well below `TIE`."""
    pieces = zip(torch.split(left, COLUMNS, dim=1), torch.split(right, COLUMNS, dim=1), strict=True)
    cosines = product(*next(pieces))
    for piece in pieces:
        cosines += product(*piece)
    return cosines


def _strangers(x: Cloud, y: Cloud, own: Tensor, place: Tensor, max_memory: int) -> tuple[Tensor, Tensor]:
    """Number of targets of other clips that are nearer than each target, and of those that are as near, (m,) each."""
    ahead, tied = (torch.zeros(len(y.owner), dtype=torch.int64, device=y.base.device) for _ in range(2))
    max_memory = memory_limit(max_memory)
    side = max(16, min(TILE, math.isqrt(max_memory // 12)))
    panel = max(1, max_memory // (2 * 4 * y.base.shape[1] * side)) * side
    for i in range(0, x.n, side):
        clips = slice(i, min(i + side, x.n))
        left = x.block(clips)
        mine = torch.arange(int(y.ends[clips.start]), int(y.ends[clips.stop]), device=y.base.device)
        # The first target of every clip, the second of those that have one, ...: one comparison of the tile each.
        rounds = [mine[place[mine] == k] for k in range(int(place[mine].max()) + 1)]
        for j in range(0, len(y.owner), side):
            if j % panel == 0:
                right = y.block(slice(j, j + panel))
            cosines = tile_of_cosines(left, right[j % panel : j % panel + side])
            # The clip's own targets are no strangers: below every cosine they are never counted.
            own_here = mine[(mine >= j) & (mine < j + side)]
            cosines[y.owner[own_here] - i, own_here - j] = -2
            for rows in rounds:
                block = cosines if len(rows) == len(cosines) else cosines[y.owner[rows] - i]
                mark = own[rows, None]
                nearer = (block > mark + TIE).sum(dim=1)
                ahead[rows] += nearer
                tied[rows] += (block >= mark - TIE).sum(dim=1) - nearer
    return ahead, tied


def _siblings(owner: Tensor, own: Tensor, place: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Among the targets of one clip: how many are nearer, how many as near (itself too), its place among those."""
    ahead, tied, order = (torch.zeros_like(owner) for _ in range(3))
    for k in range(int(counts.max())):
        a = (counts[owner] > k).nonzero().flatten()
        other = own[a - place[a] + k]
        same = (other <= own[a] + TIE) & (other >= own[a] - TIE)
        ahead[a] += other > own[a] + TIE
        tied[a] += same
        order[a] += same & (k <= place[a])
    return ahead, tied, order


def recalls(ranked: Ranking, k: int) -> Tensor:
    """Chance that one of the clip's own targets is among the first `k`, float64, shape (n,)."""
    check_k(k)
    best = ranked.order == 1
    out = torch.zeros(ranked.n, dtype=torch.float64, device=ranked.clip.device)
    room = (torch.arange(k, device=out.device) + ranked.ahead[best, None]) < k
    out[ranked.clip[best]] = (_tied_ahead(ranked, k)[best] * room).sum(dim=1)
    return out


def precisions(ranked: Ranking, k: int) -> Tensor:
    """Expected average precision within the first `k`, float64, shape (n,)."""
    check_k(k)
    rank = ranked.order[:, None] + ranked.ahead[:, None] + torch.arange(k, device=ranked.clip.device)
    gain = torch.where(rank <= k, ranked.order[:, None].double() / rank, 0.0)
    gained = (_tied_ahead(ranked, k) * gain).sum(dim=1)
    total = torch.zeros(ranked.n, dtype=torch.float64, device=gained.device).index_add_(0, ranked.clip, gained)
    return total / torch.bincount(ranked.clip, minlength=ranked.n).clamp_max(k)


def _tied_ahead(ranked: Ranking, k: int) -> Tensor:
    """Probability that 0, 1, ... k - 1 of the tied strangers come first in a random order, shape (m, k).

    Negative hypergeometric: the r-th of c own rows has l of t strangers before it with probability
    C(l + r - 1, l) C(t - l + c - r, t - l) / C(t + c, t).
    """
    t, c, r = (v.double()[:, None] for v in (ranked.tied, ranked.tie_own, ranked.tie_order))
    before = torch.arange(k, device=t.device, dtype=torch.float64)
    left = (t - before).clamp_min(0)
    chance = (_log_choose(before + r - 1, before) + _log_choose(left + c - r, left) - _log_choose(t + c, t)).exp()
    # Without a tie it is certain: no rounding of the logarithms then.
    return torch.where(t == 0, (before == 0).double(), torch.where(before <= t, chance, 0.0))


def _log_choose(n: Tensor, k: Tensor) -> Tensor:
    return torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)


def check_k(k: int) -> int:
    """The length of a list of results."""
    return whole("retrieval: k", k, 1)
