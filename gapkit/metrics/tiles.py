"""Squared distances between all rows of two sides, a tile at a time: nothing of size n x m."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.metrics.cloud import Cloud, Place
from gapkit.products import product

TILE = 512
"""Rows and columns of a tile: three float32 tiles stay in a processor's cache."""


@dataclass(frozen=True)
class Tile:
    """Some rows of one side and some of the other.

    Parameters
    ----------
    rows, columns : slice or Tensor
        Which rows of the first and of the second side.
    folds : (int, int)
        Their folds; 0 where sides have none.
    minus : Tensor
        -|a_i - b_j|^2 / (2 base^2); the next tile overwrites it.
    """

    rows: Place
    columns: Place
    folds: tuple[int, int]
    minus: Tensor


@dataclass(frozen=True)
class _Panel:
    """Rows that are held at a time, and where in them each tile lies, with its fold."""

    place: Place
    tiles: list[tuple[slice, int]]

    def rows(self, part: slice) -> Place:
        if isinstance(self.place, Tensor):
            return self.place[part]
        return slice(self.place.start + part.start, self.place.start + part.stop)


def tiles(a: Cloud, b: Cloud | None, base: float, side: int, panel_bytes: int, buffer: Tensor) -> Iterator[Tile]:
    """All tiles of `side` rows and columns; without `b` only from the diagonal upwards.

    Where sides have folds, tiles keep to a fold on either side, and those of one and the same fold are left out.
    """
    other = a if b is None else b
    # A distance does not change with a common shift, and near the mean float32 loses least.
    shift = other.mean.to(other.base.dtype)

    def load(cloud: Cloud, panel: _Panel) -> tuple[Tensor, Tensor]:
        given = cloud.take(panel.place) if isinstance(panel.place, Tensor) else cloud.block(panel.place)
        rows = (given - shift).div_(base * math.sqrt(2))
        return rows, torch.linalg.vecdot(rows, rows)

    # Two panels of scaled rows at a time, each a whole number of tiles.
    size = max(1, panel_bytes // (2 * 4 * a.base.shape[1] * side)) * side
    panels_a = _panels(a, side, size)
    panels_b = panels_a if b is None else _panels(b, side, size)
    for number, outer in enumerate(panels_a):
        left, square_left = load(a, outer)
        for inner in panels_b[number if b is None else 0 :]:
            same = b is None and inner is outer
            right, square_right = (left, square_left) if same else load(other, inner)
            for place, (ii, fold_i) in enumerate(outer.tiles):
                twice = left[ii] * 2
                for jj, fold_j in inner.tiles[place if same else 0 :]:
                    if a.fold is not None and fold_i == fold_j:
                        continue
                    minus = buffer[: (ii.stop - ii.start) * (jj.stop - jj.start)].view(ii.stop - ii.start, -1)
                    minus = product(twice, right[jj], -square_right[jj], out=minus)
                    minus.sub_(square_left[ii, None]).clamp_max_(0)
                    if same and jj == ii:
                        minus.fill_diagonal_(0)
                    yield Tile(outer.rows(ii), inner.rows(jj), (fold_i, fold_j), minus)


def _panels(cloud: Cloud, side: int, size: int) -> list[_Panel]:
    """Rows cut into panels of `size`, as they lie or, where they have folds, fold by fold."""
    m = len(cloud.base)
    if cloud.fold is None:
        starts = range(0, m, size)
        return [_Panel(slice(at, min(at + size, m)), _cut(min(size, m - at), side)) for at in starts]
    label, order = cloud.label.sort(stable=True)
    panels = []
    for rows, labels in zip(torch.split(order, size), torch.split(label, size), strict=True):
        folds, counts = torch.unique(labels, return_counts=True)
        panel, start = list[tuple[slice, int]](), 0
        for fold, count in zip(folds.tolist(), counts.tolist(), strict=True):
            panel += _cut(count, side, start, fold)
            start += count
        panels.append(_Panel(rows, panel))
    return panels


def _cut(rows: int, side: int, start: int = 0, fold: int = 0) -> list[tuple[slice, int]]:
    """Tiles of `rows` rows of a fold, from `start` on."""
    return [(slice(start + at, start + min(at + side, rows)), fold) for at in range(0, rows, side)]
