"""Mutual nearest neighbours: whether two clouds agree on who is near whom, whatever lies between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, generator
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.cloud import Cloud, cloud, directions
from gapkit.metrics.neighbours import Neighbours, search
from gapkit.metrics.pair import pair_of
from gapkit.metrics.points import points

K = 10
"""Neighbours."""


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
    both = pair_of(source, target, owner, paired=True)
    x, y = directions(both.x, "source"), clip_directions(both.y)
    found = (nearest_clips(side, k, order, max_memory) for side, order in ((x, 0), (y, 1)))
    return float(overlap(*found).mean())


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
    moved, before = moved_and_original(source, original)
    found = (
        nearest_clips(directions(side, name), k, 0, max_memory)
        for side, name in ((moved, "source"), (before, "original"))
    )
    return float(overlap(*found).mean())


def moved_and_original(source: ArrayLike, original: ArrayLike) -> tuple[Cloud, Cloud]:
    """Both checked: as many rows and columns."""
    moved = cloud(source, name="source")
    width, device = moved.base.shape[1], moved.base.device
    before = cloud(as_matrix(original, name="original", n_features=width, device=device), name="original")
    if moved.n != before.n:
        raise InputError(f"original: expected one row a source row ({moved.n}), got {before.n}")
    if moved.n < 2:
        raise InputError(f"source: expected at least 2 clips, got {moved.n}; a metric compares clouds")
    return moved, before


def clip_directions(y: Cloud) -> Cloud:
    """Direction of the mean direction of each clip's targets; a mean of zero stays zero."""
    unit = directions(y, "target")
    if unit.single:
        return unit
    means = unit.clip_means()
    length = torch.linalg.vector_norm(means, dim=1, keepdim=True)
    rows = torch.where(length > 0, means / length.clamp_min(torch.finfo(means.dtype).tiny), 0.0)
    return Cloud(rows, torch.arange(y.n, device=rows.device), y.n)


def nearest_clips(side: Cloud, k: int, order: int, max_memory: int = 2**27) -> Tensor:
    """The k nearest other rows of each of the unit rows, (n, k); -1 where all are one point and none is nearer.

    `order` numbers the random order by which ties are broken.
    """
    return nearest_found(side, k, order, max_memory).indices


def nearest_found(side: Cloud, k: int, order: int, max_memory: int = 2**27) -> Neighbours:
    """`nearest_clips` with their Euclidean distances, 0 where all are one point."""
    k = whole("neighbours: k", k, 1)
    if side.n <= k:
        raise InputError(f"neighbours: expected more than {k} clips, got {side.n}; give more clips or a smaller k")
    device = side.base.device
    if side.flat:
        return Neighbours(
            torch.full((side.n, k), -1, device=device), torch.zeros(side.n, k, dtype=torch.float64, device=device)
        )
    own = torch.arange(side.n, device=device)
    priority = torch.randperm(side.n, generator=generator(order)).to(device)
    ready, _ = points(side.rows)
    return search(ready, ready, k, clips=(own, own), priority=priority, from_own=True, max_memory=max_memory)


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
