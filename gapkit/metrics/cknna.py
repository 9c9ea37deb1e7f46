"""Centred kernel alignment of nearest neighbours only."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, slices
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.mutual_knn import HUH, K, item_directions, nearest_of_both
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value


def cknna(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Centred kernel nearest-neighbour alignment: `cka` that looks only at pairs which are near in both clouds.

    With K and L the cosines inside source and target, K' and L' are K and L at (i, j) where j is among the `k`
    nearest of i in both, and 0 elsewhere; the value is h(K', L') / sqrt(h(K'', K'') h(L'', L'')), where K'' and L'' are
    masked by their own side's neighbours alone and h is the unbiased HSIC. A clip with several targets stands at the
    mean of their directions.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.
    k : int
        At least 2, at most n - 1. With n - 1 it is the debiased `cka` of the directions.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        About 0 (unrelated) to 1 (equal but for a rotation); higher is better; 0 where one side is a single point or
        no two of its clips are each other's neighbours. It does not see the gap. Cost n^2 d.

    Raises
    ------
    InputError
        n <= k, or n < 4.

    References
    ----------
    Huh et al. (2024), The Platonic representation hypothesis, ICML, arXiv 2405.07987; as their released code computes
    it.

    Examples
    --------
    >>> rows = [[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 1]]
    >>> round(cknna(rows, rows, k=2), 6)
    1.0
    """
    pair = pair_of(source, target, owner, paired=True, max_memory=4 * memory_limit(max_memory))
    return cknna_of(pair, k=k).value


@metric(
    "cknna",
    label="CKNNA",
    place=600,
    group="preservation",
    better="higher",
    best=1.0,
    cost="n^2 d",
    reference=HUH,
    default=False,
    definition="Centred kernel alignment of the cosines between clips that are among the 10 nearest on both sides.",
    holds_rows=True,
    function=cknna,
)
def cknna_of(pair: Pair, *, k: int = K) -> Value:
    """Alignment of the cosines between items that are near; it has no interval."""
    unit, n = pair.unit, pair.x.n
    whole("cknna: k", k, 2)
    if n < 4:
        raise InputError(f"cknna: expected at least 4 clips, got {n}")
    near_x, near_y = (found.indices for found in nearest_of_both(pair, k))
    return Value(_aligned(unit.x, item_directions(unit.y), near_x, near_y))


def _aligned(x: Cloud, y: Cloud, near_x: Tensor, near_y: Tensor) -> float:
    """`cknna` from directions, one an item, and the lists of nearest items."""
    n = x.n
    if bool(near_x[0, 0] < 0) or bool(near_y[0, 0] < 0):
        return 0.0
    edges_x, edges_y = (_edges(near) for near in (near_x, near_y))
    common = edges_x[torch.isin(edges_x, edges_y)]
    across = _hsic(_cosines(x, common), _cosines(y, common), common, n)
    inside = [
        _hsic(cosines, cosines, edges, n)
        for edges, cosines in ((edges_x, _cosines(x, edges_x)), (edges_y, _cosines(y, edges_y)))
    ]
    product = max(inside[0], 0.0) ** 0.5 * max(inside[1], 0.0) ** 0.5
    return across / product if product > 0 else 0.0


def _edges(near: Tensor) -> Tensor:
    """Each (clip, neighbour) as one number, ascending."""
    n = len(near)
    return (torch.arange(n, device=near.device)[:, None] * n + near).flatten().sort().values


def _cosines(side: Cloud, edges: Tensor) -> Tensor:
    """Cosine at each edge, float64."""
    out = torch.empty(len(edges), dtype=torch.float64, device=edges.device)
    for part in slices(len(edges), side.base.shape[1]):
        i, j = edges[part] // side.n, edges[part] % side.n
        out[part] = (side.take(i).double() * side.take(j).double()).sum(dim=1)
    return out


def _hsic(left: Tensor, right: Tensor, edges: Tensor, n: int) -> float:
    """Unbiased HSIC, times n (n - 3), of two sparse matrices with entries at the same edges and no diagonal."""
    i, j = edges // n, edges % n
    back = torch.searchsorted(edges, j * n + i).clamp_max(max(len(edges) - 1, 0))
    mutual = edges[back] == j * n + i
    trace = float((left * right[back])[mutual].sum())
    zeros = torch.zeros(n, dtype=torch.float64, device=edges.device)
    through = float(zeros.index_add(0, j, left) @ zeros.index_add(0, i, right))
    return trace + float(left.sum() * right.sum()) / ((n - 1) * (n - 2)) - 2 * through / (n - 2)
