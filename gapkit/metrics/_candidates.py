"""The few rows that may be nearest, chosen by lower bounds of their distances, block by block."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gapkit.metrics._points import Points, lower_bounds

BLOCK = 2**24
"""Bytes of a block of bounds: larger ones are no faster."""


class SameClip:
    """Finds the pairs of rows of one clip without looking at all pairs.

    Parameters
    ----------
    queries, gallery : Tensor of shape (n,), (m,)
        Clip of each row.
    """

    def __init__(self, queries: Tensor, gallery: Tensor) -> None:
        self.sorted, self.order = gallery.sort(stable=True)
        self.queries = queries

    def pairs(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """(place in `at`, row of the gallery) of every pair of one clip."""
        mine = self.queries[at]
        first = torch.searchsorted(self.sorted, mine)
        counts = torch.searchsorted(self.sorted, mine, right=True) - first
        place = torch.repeat_interleave(torch.arange(len(at), device=at.device), counts)
        before = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        return place, self.order[first[place] + torch.arange(len(place), device=at.device) - before]


def bounds_of(queries: Points, at: Tensor, gallery: Points, same: SameClip | None) -> Tensor:
    """`lower_bounds`, infinite between rows of one clip."""
    bounds = lower_bounds(queries, at, gallery)
    if same is not None:
        bounds[same.pairs(at)] = torch.inf
    return bounds


def candidates(
    queries: Points, gallery: Points, taken: int, same: SameClip | None, max_memory: int
) -> tuple[Tensor, Tensor]:
    """The `taken` lowest bounds of each query, ascending, and their rows; bounds less the query's own ``floor``."""
    n, device = len(queries), queries.rows.device
    low = torch.full((n, taken), torch.inf, device=device)
    rows = torch.zeros((n, taken), dtype=torch.int64, device=device)
    room = min(max_memory, BLOCK) // 4
    if queries is not gallery:
        for at in torch.split(torch.arange(n, device=device), max(1, room // len(gallery))):
            low[at], rows[at] = bounds_of(queries, at, gallery, same).topk(taken, dim=1, largest=False)
        return low, rows
    # Rows among themselves: each product serves both ways.
    side, floor = max(1, math.isqrt(room)), queries.floor.float()
    blocks = torch.split(torch.arange(n, device=device), side)
    for number, i in enumerate(blocks):
        place, others = (None, None) if same is None else same.pairs(i)
        for j in blocks[number:]:
            tile = torch.mm(queries.near[i], queries.near[j].T).mul_(-2)
            if place is not None and others is not None:
                here = (others >= j[0]) & (others <= j[-1])
                tile[place[here], others[here] - j[0]] = torch.inf
            if i[0] != j[0]:
                turned = tile.T.clone(memory_format=torch.contiguous_format)
                _keep_lowest(low, rows, j, turned.add_(floor[i]), i)
            _keep_lowest(low, rows, i, tile.add_(floor[j]), j)
    return low, rows


def _keep_lowest(low: Tensor, rows: Tensor, at: Tensor, tile: Tensor, columns: Tensor) -> None:
    """Bring the bounds of a tile into the lists of the queries `at`."""
    found, place = tile.topk(min(low.shape[1], tile.shape[1]), dim=1, largest=False, sorted=False)
    whole, whole_rows = torch.cat([low[at], found], dim=1), torch.cat([rows[at], columns[place]], dim=1)
    low[at], order = whole.topk(low.shape[1], dim=1, largest=False)
    rows[at] = whole_rows.gather(1, order)
