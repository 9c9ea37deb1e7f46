"""The few rows that may be nearest, chosen by lower bounds of their distances, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gapkit.given import memory_limit
from gapkit.metrics.points import Points, lower_bounds
from gapkit.products import product

BLOCK = 2**24
"""Bytes of a block of bounds: larger ones are no faster."""

SIDE = 1280
"""Rows and columns of a tile of rows among themselves: it stays in a processor's cache."""


GROUP = 8
"""Columns of which only the smallest is compared at first."""

CROWD = 64
"""Rows of one label from which on all pairs of a block are looked at."""


class SameLabel:
    """Takes out pairs of rows that are never compared: those of one clip, or of one fold.

    Parameters
    ----------
    queries, gallery : Tensor of shape (n,), (m,)
        Clip or fold of each row.
    """

    def __init__(self, queries: Tensor, gallery: Tensor) -> None:
        self.sorted, self.order = gallery.sort(stable=True)
        self.queries, self.gallery = queries, gallery
        self.crowded = len(gallery) > 0 and int(torch.unique(gallery, return_counts=True)[1].max()) > CROWD

    def take_out(self, bounds: Tensor, at: Tensor) -> None:
        """Make the bounds between some queries and the whole gallery infinite where labels are the same."""
        if self.crowded:
            bounds.masked_fill_(self.queries[at, None] == self.gallery, torch.inf)
        else:
            bounds[self.pairs(at)] = torch.inf

    def of_tiles(self, rows: slice) -> Callable[[Tensor, slice], None]:
        """The same for the tiles of some queries, one after the other: each is given with its columns."""
        if self.crowded:
            return lambda tile, columns: _fill(tile, self.queries[rows, None] == self.gallery[columns])
        place, others = self.pairs(torch.arange(rows.start, rows.stop, device=self.queries.device))

        def take_out(tile: Tensor, columns: slice) -> None:
            here = (others >= columns.start) & (others < columns.stop)
            tile[place[here], others[here] - columns.start] = torch.inf

        return take_out

    def pairs(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """(place in `at`, row of the gallery) of every pair of one clip."""
        mine = self.queries[at]
        first = torch.searchsorted(self.sorted, mine)
        counts = torch.searchsorted(self.sorted, mine, right=True) - first
        place = torch.repeat_interleave(torch.arange(len(at), device=at.device), counts)
        before = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        return place, self.order[first[place] + torch.arange(len(place), device=at.device) - before]


def _fill(tile: Tensor, where: Tensor) -> None:
    tile.masked_fill_(where, torch.inf)


def bounds_of(queries: Points, at: Tensor, gallery: Points, same: SameLabel | None) -> Tensor:
    """`lower_bounds`, infinite between rows that are never compared."""
    bounds = lower_bounds(queries, at, gallery)
    if same is not None:
        same.take_out(bounds, at)
    return bounds


def candidates(
    queries: Points, gallery: Points, taken: int, same: SameLabel | None, max_memory: int
) -> tuple[Tensor, Tensor]:
    """The `taken` lowest bounds of each query, ascending, and their rows; bounds less the query's own ``floor``."""
    n, device = len(queries), queries.rows.device
    low = torch.full((n, taken), torch.inf, device=device)
    rows = torch.zeros((n, taken), dtype=torch.int64, device=device)
    room = min(memory_limit(max_memory), BLOCK) // 4
    if queries is not gallery:
        for at in torch.split(torch.arange(n, device=device), max(1, room // len(gallery))):
            found, rows[at] = lowest(bounds_of(queries, at, gallery, same), taken)
            low[at], order = found.sort(dim=1)
            rows[at] = rows[at].gather(1, order)
        return low, rows
    # Rows among themselves: a tile with the floors of both its rows and its columns serves both ways.
    side, floor = max(1, min(SIDE, math.isqrt(room))), queries.floor.float()
    buffer = floor.new_empty(min(side, n) ** 2)
    for i0 in range(0, n, side):
        i = slice(i0, min(i0 + side, n))
        take_out = None if same is None else same.of_tiles(i)
        left = queries.near[i] * -2
        for j0 in range(i0, n, side):
            j = slice(j0, min(j0 + side, n))
            tile = buffer[: len(left) * (j.stop - j0)].view(len(left), -1)
            tile = product(left, queries.near[j], floor[j], out=tile).add_(floor[i, None])
            if take_out is not None:
                take_out(tile, j)
            _keep_lowest(low, rows, i, tile, j)
            if i0 != j0:
                _keep_lowest(low, rows, j, tile.T, i)
    low, order = low.sort(dim=1)
    return low.sub_(floor[:, None]), rows.gather(1, order)


def lowest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` smallest entries of each row, in any order, and their columns."""
    found, columns = _shortlist(values, count)
    smallest, place = found.topk(count, dim=1, largest=False, sorted=False)
    return smallest, columns.gather(1, place)


def _shortlist(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Entries of each row with the `count` smallest among them, and their columns.

    Each of those lies in one of the `count` groups of columns with the smallest minima, and minima are quick to find.
    """
    width = values.shape[1]
    size = math.isqrt(width // count)
    if size < 2:
        return values, torch.arange(width, device=values.device).expand_as(values)
    groups = width // size
    # A group holds every groups-th column.
    # `reshape` would copy where columns are left over.
    least = values[:, : groups * size].view(len(values), size, groups).amin(dim=1)
    group = least.topk(count, dim=1, largest=False, sorted=False).indices
    member = torch.arange(0, groups * size, groups, device=values.device)
    over = torch.arange(groups * size, width, device=values.device).expand(len(values), -1)
    columns = torch.cat([(group[:, None] + member[:, None]).flatten(1), over], dim=1)
    return values.gather(1, columns), columns


def _keep_lowest(low: Tensor, rows: Tensor, part: slice, tile: Tensor, columns: slice) -> None:
    """Bring the bounds of a tile into the lists of some queries; `tile` may be a transpose."""
    taken = low.shape[1]
    worst = low[part].amax(dim=1)
    news = _below(tile, worst, 4 * taken) if bool((worst < torch.inf).all()) else None
    if news is None:
        # A list that is not full yet, or too much that is new.
        news = _shortlist(tile.contiguous(), min(taken, tile.shape[1]))
    found, place = news
    if found.shape[1] == 0:
        return
    whole, whole_rows = torch.cat([low[part], found], dim=1), torch.cat([rows[part], place.add(columns.start)], dim=1)
    low[part], order = whole.topk(taken, dim=1, largest=False, sorted=False)
    rows[part] = whole_rows.gather(1, order)


def _below(tile: Tensor, worst: Tensor, most: int) -> tuple[Tensor, Tensor] | None:
    """Entries of each row of a tile below a number of its own, and their columns; infinite where a row has fewer.

    Few are, once lists are full: groups of columns whose minimum is not below are passed over. None where a row has
    more than `most`, or the tile is too narrow for groups.
    """
    n, width = tile.shape
    if width < GROUP**2:
        return None
    groups = -(-width // GROUP)
    whole = groups * (GROUP - 1)
    # A group holds every groups-th column, the last ones of some are missing. Reduced in the order of the memory.
    if tile.is_contiguous():
        least = tile[:, :whole].view(n, GROUP - 1, groups).amin(dim=1)
        least[:, : width - whole] = torch.minimum(least[:, : width - whole], tile[:, whole:])
        row, group = (least < worst[:, None]).nonzero(as_tuple=True)
    else:
        least = tile.T[:whole].view(GROUP - 1, groups, n).amin(dim=0)
        least[: width - whole] = torch.minimum(least[: width - whole], tile.T[whole:])
        group, row = (least < worst).nonzero(as_tuple=True)
        row, order = row.sort(stable=True)
        group = group[order]
    column = group[:, None] + torch.arange(0, GROUP * groups, groups, device=tile.device)
    value = tile[row[:, None], column.clamp_max(width - 1)]
    entry, member = ((value < worst[row, None]) & (column < width)).nonzero(as_tuple=True)
    row, column, value = row[entry], column[entry, member], value[entry, member]
    counts = torch.bincount(row, minlength=n)
    longest = int(counts.max())
    if longest > most:
        return None
    place = torch.arange(len(row), device=tile.device) - (counts.cumsum(0) - counts)[row]
    found, columns = tile.new_full((n, longest), torch.inf), column.new_zeros(n, longest)
    found[row, place], columns[row, place] = value, column
    return found, columns
