"""Exact nearest neighbours: one search that every measure of neighbourhoods shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.candidates import SameLabel, bounds_of, candidates
from gapkit.metrics.cloud import cloud, directions
from gapkit.metrics.points import Points, apart, apart_where, points

Distance = Literal["cosine", "euclidean"]

SPARE = 6
"""Candidates beyond k: with them hardly any row needs a second look."""

LOOK = 2**21
"""Entries of a block of second looks."""


@dataclass(frozen=True)
class Neighbours:
    """The k nearest rows of a gallery, seen from each query.

    Parameters
    ----------
    indices : Tensor of shape (n, k), int64
        Rows of the gallery, nearest first; of rows at the same distance the first in the gallery comes first.
    distances : Tensor of shape (n, k), float64
        Euclidean, or one minus the cosine.
    """

    indices: Tensor
    distances: Tensor


def nearest_neighbours(
    queries: ArrayLike,
    gallery: ArrayLike | None = None,
    *,
    k: int,
    metric: Distance = "cosine",
    owner: ArrayLike | None = None,
    gallery_owner: ArrayLike | None = None,
    drop_self: bool = True,
    max_memory: int = 2**27,
) -> Neighbours:
    """The `k` nearest rows of the gallery for each query, by looking at all of them.

    Neither the block size nor the number of threads changes the result: products of blocks only choose the
    candidates, with a margin for their rounding, and distances are computed from the differences of rows.

    Parameters
    ----------
    queries : array-like of shape (n, d)
    gallery : array-like of shape (m, d), optional
        Left out: the queries themselves.
    k : int
        At least 1.
    metric : {"cosine", "euclidean"}
    owner, gallery_owner : array-like of int, shapes (n,) and (m,), optional
        Clip of each row: rows of one clip are never neighbours. With a gallery both, without one `owner` alone.
    drop_self : bool
        Without a gallery, a row is not its own neighbour. False gives what UMAP expects as ``precomputed_knn``.
    max_memory : int
        Bytes that a block of distances may take; nothing of size n x m is held.

    Returns
    -------
    Neighbours
        Tensors on the device of `queries`.

    Raises
    ------
    InputError
        A query has fewer than `k` rows to choose from, or a row of length zero has no cosine.

    Notes
    -----
    Cost n m d, half of it without a gallery.

    Examples
    --------
    >>> nearest_neighbours([[0.0], [1.0], [3.0]], k=1, metric="euclidean").indices.flatten()
    tensor([1, 0, 1])
    """
    if metric not in ("cosine", "euclidean"):
        raise InputError(f"metric: expected cosine or euclidean, got {metric!r}")
    k = whole("neighbours: k", k, 1)
    a = as_matrix(queries, name="queries")
    b = None if gallery is None else as_matrix(gallery, name="gallery", n_features=a.shape[1], device=a.device)
    same = (_owners(owner, len(a), "owner"), _owners(gallery_owner, len(a if b is None else b), "gallery_owner"))
    if b is not None and (same[0] is None) != (same[1] is None):
        raise InputError("owner, gallery_owner: expected both with a gallery, or neither, got one of them")
    if b is None:
        if same[1] is not None:
            raise InputError("gallery_owner: expected none without a gallery; give `owner` alone")
        mine = torch.arange(len(a)) if same[0] is None and drop_self else same[0]
        same = (mine, mine)
    if metric == "cosine":
        a = directions(cloud(a, name="queries"), "queries").rows
        b = None if b is None else directions(cloud(b, name="gallery"), "gallery").rows
    left, right = same
    clips = None if left is None or right is None else (left.to(a.device), right.to(a.device))
    found = search(*points(a, b), k, clips=clips, max_memory=max_memory)
    short = (found.indices[:, -1] < 0).sum()
    if short:
        raise InputError(
            f"neighbours: expected at least {k} rows to choose from, got fewer for {int(short)} of {len(a)} queries; "
            "give a smaller k or more rows"
        )
    return as_cosine(found) if metric == "cosine" else found


def search(
    queries: Points,
    gallery: Points,
    k: int,
    *,
    clips: tuple[Tensor, Tensor] | None = None,
    priority: Tensor | None = None,
    from_own: bool = False,
    max_memory: int = 2**27,
) -> Neighbours:
    """`nearest_neighbours` for those who have checked their rows.

    Parameters
    ----------
    queries, gallery : Points
    k : int
    clips : (Tensor of shape (n,), Tensor of shape (m,)), optional
        Rows of one clip, or of one fold, are never neighbours.
    priority : Tensor of shape (m,), optional
        Of rows at the same distance the one with the lowest number comes first; left out, the first.
    from_own : bool
        Rows among themselves: each query counts the priorities onwards from its own, and after the last from the
        first, so that queries whose neighbours are all level do not all get the same ones.
    max_memory : int

    Returns
    -------
    Neighbours
        Euclidean. Where a query has fewer than `k` rows to choose from the rest is -1, at infinity.
    """
    device, n, m = queries.rows.device, len(queries), len(gallery)
    order = torch.arange(m, device=device) if priority is None else priority.argsort(stable=True)
    place = order.argsort()
    start = place if from_own else torch.zeros(n, dtype=torch.int64, device=device)
    same = None if clips is None else SameLabel(*clips)
    taken = min(k + SPARE, m)
    low, chosen = candidates(queries, gallery, taken, same, max_memory)
    kept = min(k, taken)
    near = low.new_full(low.shape, torch.inf)
    near[:, :kept] = apart(queries, gallery, torch.arange(n, device=device), chosen[:, :kept])
    near.masked_fill_(low == torch.inf, torch.inf)
    # Of the spare ones only those count whose bound is within the farthest of the first k.
    within = low[:, kept:] <= _reach(queries, near[:, :kept].amax(dim=1))[:, None]
    i, j = within.masked_fill_(low[:, kept:] == torch.inf, False).nonzero(as_tuple=True)
    near[i, kept + j] = apart(queries, gallery, i, chosen[i, kept + j, None])[:, 0]
    by_place = ((place[chosen] - start[:, None]) % m).argsort(dim=1)
    near, first = near.gather(1, by_place).sort(dim=1, stable=True)
    chosen = chosen.gather(1, by_place.gather(1, first))
    indices = torch.full((n, k), -1, dtype=torch.int64, device=device)
    distances = torch.full((n, k), torch.inf, device=device)
    distances[:, :kept], indices[:, :kept] = near[:, :kept], chosen[:, :kept]
    # Whatever is not a candidate is at least as far as the last bound. Where that is not beyond the k-th distance
    # found, every row that may be as near is looked at.
    reach = _reach(queries, distances[:, -1])
    unsure = (low[:, -1] <= reach) & (low[:, -1] < torch.inf) & (taken < m)
    above = torch.nextafter(reach.float(), low.new_tensor(torch.inf))
    for at in torch.split(unsure.nonzero().flatten(), max(1, LOOK // m)) if bool(unsure.any()) else ():
        may_be = bounds_of(queries, at, gallery, same) <= above[at, None]
        i, j, far = apart_where(queries, at, gallery, may_be)
        every = near.new_full(may_be.shape, torch.inf)
        every[i, (place[j] - start[at][i]) % m] = far
        distances[at], columns = _first_smallest(every, k)
        indices[at] = order[(columns + start[at, None]) % m]
    indices.masked_fill_(distances == torch.inf, -1)
    return Neighbours(indices, distances.double() * queries.unit)


def _reach(queries: Points, farthest: Tensor) -> Tensor:
    """Bounds above this belong to rows that are farther from each query than a distance; float64, (n,)."""
    return farthest.double().square() * (1 + 4 * queries.doubt) - queries.floor


def as_cosine(found: Neighbours) -> Neighbours:
    """Distances between rows of length one as one minus their cosine."""
    return Neighbours(found.indices, found.distances.square() / 2)


def _first_smallest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest entries of each row and where they are, equal ones in the order of the columns."""
    last = values.kthvalue(k, dim=1, keepdim=True).values
    level = values == last
    room = k - (values < last).sum(dim=1, keepdim=True)
    taken = (values < last) | (level & (level.cumsum(dim=1) <= room))
    columns = taken.nonzero()[:, 1].view(-1, k)
    smallest, order = values.gather(1, columns).sort(dim=1, stable=True)
    return smallest, columns.gather(1, order)


def _owners(values: ArrayLike | None, n: int, name: str) -> Tensor | None:
    if values is None:
        return None
    given = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise InputError(f"{name}: expected one integer a row ({n}), got shape {given.shape} of {given.dtype}")
    return torch.from_numpy(given.astype(np.int64))
