"""Mutual nearest neighbours: whether two clouds agree on who is near whom, whatever lies between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, generator
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.neighbours import Neighbours, search
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.points import points
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

K = 10
"""Neighbours."""

HUH = "Huh et al. (2024), The Platonic representation hypothesis"


def mutual_knn(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Share of the `k` nearest clips in the source that are also among the `k` nearest in the target.

    Neighbours are found by cosine inside each modality; a clip with several targets stands at the mean of their
    directions. Ties are broken by a random order of its own on each side, so that they agree by chance only.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.
    k : int
        At least 1, at most n - 1.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        In [0, 1]; higher is better; k / (n - 1) for unrelated clouds, and exactly that where one side is a single
        point. It does not change when one side is rotated or scaled, and does not see the gap. Cost n^2 d.

    Raises
    ------
    InputError
        n <= k.

    References
    ----------
    Huh et al. (2024), The Platonic representation hypothesis, ICML, arXiv 2405.07987.

    Examples
    --------
    >>> mutual_knn([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], [[0, 1], [0.2, 1], [1, 0], [1, 0.1]], k=1)
    1.0
    """
    pair = pair_of(source, target, owner, paired=True, max_memory=4 * memory_limit(max_memory))
    return mutual_knn_of(pair, k=k).value


def mutual_knn_kept(
    source: ArrayLike,
    target: Any = None,
    *,
    original: ArrayLike,
    owner: Any = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Share of the `k` nearest clips of the source before it was moved that are still among its `k` nearest.

    Parameters
    ----------
    source : array-like of shape (n, d)
        After it was moved.
    target, owner
        Not looked at; all metrics are called alike.
    original : array-like of shape (n, d)
        Before it was moved, row by row.
    k : int
        At least 1, at most n - 1.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        In [0, 1]; higher is better: 1 where nothing was moved, k / (n - 1) where one of the two is a single point.
        Ties are broken by one random order for both. Cost n^2 d.

    Raises
    ------
    InputError
        n <= k.

    References
    ----------
    As `mutual_knn`.

    Examples
    --------
    >>> rows = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]
    >>> mutual_knn_kept([[0, 1], [0.1, 1], [-1, 0], [-1, 0.1]], original=rows, k=1)
    1.0
    """
    pair = pair_of(source, source, paired=True, original=original, max_memory=4 * memory_limit(max_memory))
    return mutual_knn_kept_of(pair, k=k).value


@metric(
    "mutual-knn",
    label="Mutual kNN",
    place=520,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n^2 d",
    reference=HUH,
    default=False,
    definition="Share of a clip's 10 nearest in the source that are among its 10 nearest in the target.",
    holds_rows=True,
    function=mutual_knn,
)
def mutual_knn_of(pair: Pair, *, k: int = K) -> Value:
    """Mean overlap of the lists of nearest items inside the source and inside the target."""
    x, y = nearest_of_both(pair, k)
    return _mean_overlap(x.indices, y.indices)


@metric(
    "mutual-knn-kept",
    label="Neighbours kept",
    place=540,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n^2 d",
    reference=HUH,
    default=False,
    needs=("original",),
    definition="Share of a clip's 10 nearest in the source before it was moved that are among its 10 nearest after.",
    holds_rows=True,
    function=mutual_knn_kept,
)
def mutual_knn_kept_of(pair: Pair, *, k: int = K) -> Value:
    """Mean overlap of the lists of nearest items inside the source after and before it was moved."""
    assert pair.original is not None
    after, before = (nearest_items(side.unit, k, 0, pair.max_memory // 4) for side in (pair.x, pair.original))
    return _mean_overlap(after.indices, before.indices)


def nearest_of_both(pair: Pair, k: int) -> tuple[Neighbours, Neighbours]:
    """Nearest items inside the source and inside the target."""
    unit, room = pair.unit, pair.max_memory // 4
    return nearest_items(unit.x, k, 0, room), nearest_items(unit.y, k, 1, room)


def nearest_items(unit: Cloud, k: int, order: int, max_memory: int) -> Neighbours:
    """The k nearest other items of each item and their Euclidean distances, searched once for all metrics.

    Parameters
    ----------
    unit : Cloud
        Directions; an item stands at its `item_directions`.
    k : int
    order : int
        Number of the random order by which ties are broken.
    max_memory : int

    Returns
    -------
    Neighbours
        Where all items are one point and none is nearer, indices of -1 and distances of 0.

    Raises
    ------
    InputError
        Not more than `k` items.
    """
    k = whole("neighbours: k", k, 1)
    if unit.n <= k:
        raise InputError(f"neighbours: expected more than {k} clips, got {unit.n}; give more clips or a smaller k")

    def found() -> Neighbours:
        side = item_directions(unit)
        own = torch.arange(side.n, device=side.base.device)
        if side.flat:
            return Neighbours(own.new_full((side.n, k), -1), own.new_zeros(side.n, k, dtype=torch.float64))
        priority = torch.randperm(side.n, generator=generator(order)).to(own.device)
        ready, _ = points(side.rows)
        return search(ready, ready, k, clips=(own, own), priority=priority, from_own=True, max_memory=max_memory)

    return unit.shared(("nearest items", k, order), found)


def item_directions(unit: Cloud) -> Cloud:
    """Direction of the mean direction of each item's rows; a mean of zero stays zero."""

    def made() -> Cloud:
        means = unit.clip_means()
        length = torch.linalg.vector_norm(means, dim=1, keepdim=True)
        rows = torch.where(length > 0, means / length.clamp_min(torch.finfo(means.dtype).tiny), 0.0)
        return Cloud(rows, torch.arange(unit.n, device=rows.device), unit.n)

    return unit if unit.single else unit.shared("item directions", made)


def _mean_overlap(left: Tensor, right: Tensor) -> Value:
    """Mean of what the lists of nearest items share; an item counts as one that has neighbours and as a neighbour."""
    shares = overlap(left, right)
    return Value(float(shares.mean()), influence=lambda: (shares + len(shares) * pull(left, right), None))


def overlap(left: Tensor, right: Tensor) -> Tensor:
    """Share of each clip's neighbours that are in both lists, float64, shape (n,); chance where a list is empty."""
    n, k = left.shape
    if _empty(left, right):
        return torch.full((n,), k / (n - 1), dtype=torch.float64, device=left.device)
    return _common(left, right).double().mean(dim=1)


def pull(left: Tensor, right: Tensor) -> Tensor:
    """What each clip adds to the mean overlap by being a neighbour, float64, shape (n,), sum 0.

    To first order: where a clip weighs more it takes more of a list, and what it pushes out is like the rest of it.
    """
    n, k = left.shape
    added = torch.zeros(n, dtype=torch.float64, device=left.device)
    if _empty(left, right):
        return added
    common = _common(left, right).double()
    half = common.mean(dim=1, keepdim=True) / 2
    added.index_add_(0, left.flatten(), (common - half).flatten())
    added.index_add_(0, right.flatten(), -half.expand(n, k).flatten())
    return added / (n * k)


def _empty(left: Tensor, right: Tensor) -> bool:
    return bool(left[0, 0] < 0) or bool(right[0, 0] < 0)


def _common(left: Tensor, right: Tensor) -> Tensor:
    """Which entries of the left lists are in the right ones too."""
    return torch.stack([(right == column[:, None]).any(dim=1) for column in left.T], dim=1)
