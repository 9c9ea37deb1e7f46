"""Distances that can be trusted: a fast bound from one product, and the distance itself where the bound is open.

A float32 product tells |a - b|^2 up to an error that grows with the lengths of a and b and changes with the size of
the block that it was computed in. So it serves as a lower bound only, and what it cannot decide is computed again from
the differences of the rows, pair by pair: results then depend neither on blocks nor on threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import slices
from gapkit.products import product

PAIRS = 2**16
"""Where more pairs than this are asked for, equal rows are looked for first."""

GATHERED = 512
"""Pairs whose rows are fetched at a time: they stay in a processor's cache."""


@dataclass(frozen=True)
class Points:
    """Rows of one side, in a unit in which float32 neither overflows nor loses digits.

    Parameters
    ----------
    rows : Tensor of shape (n, d), float32
        Divided by `unit`.
    near : Tensor of shape (n, d), float32
        The same minus a centre common to both sides.
    squares : Tensor of shape (n,), float64
        Squared lengths of `near`.
    unit : float
        A power of two: dividing by it rounds nothing.
    """

    rows: Tensor
    near: Tensor
    squares: Tensor
    unit: float

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def doubt(self) -> float:
        """Bound on the error of a computed |a - b|^2, relative to |a|^2 + |b|^2: d products and a few roundings."""
        return 1.01 * (self.rows.shape[1] + 24) * 2.0**-24

    @cached_property
    def floor(self) -> Tensor:
        """What a row adds to the lower bounds of its squared distances, float64, shape (n,)."""
        return self.squares * (1 - self.doubt)

    @cached_property
    def kinds(self) -> tuple[Tensor, Tensor]:
        """Where each different row first occurs, and which of them each row is."""
        rows = np.ascontiguousarray(self.rows.cpu().numpy())
        whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
        _, first, kind = np.unique(whole, return_index=True, return_inverse=True)
        device = self.rows.device
        return torch.from_numpy(first).to(device), torch.from_numpy(kind.astype(np.int64)).to(device)


def points(a: Tensor, b: Tensor | None = None) -> tuple[Points, Points]:
    """Both sides of a search, float32 rows; `b` None stands for `a` itself."""
    given = [a] if b is None else [a, b]
    exponent = math.frexp(max(abs(float(end)) for side in given for end in side.aminmax()))[1]
    unit = 1.0 if abs(exponent) < 32 else 2.0**exponent
    scaled = given if unit == 1.0 else [(side.double() / unit).float() for side in given]
    total = torch.zeros(scaled[-1].shape[1], dtype=torch.float64, device=scaled[-1].device)
    for part in slices(*scaled[-1].shape):
        total += scaled[-1][part].sum(dim=0, dtype=torch.float64)
    centre = (total / len(scaled[-1])).float()
    made = []
    for rows in scaled:
        near = rows - centre
        squares = near.new_empty(len(near), dtype=torch.float64)
        for part in slices(*near.shape):
            squares[part] = torch.linalg.vector_norm(near[part], dim=1, dtype=torch.float64).square()
        made.append(Points(rows, near, squares, unit))
    return made[0], made[-1]


def lower_bounds(queries: Points, at: Tensor, gallery: Points) -> Tensor:
    """Lower bounds of squared distances, (queries, gallery), each row less its query's own ``floor``."""
    return product(queries.near[at] * -2, gallery.near, gallery.floor.float())


def apart(queries: Points, gallery: Points, i: Tensor, j: Tensor) -> Tensor:
    """Distances of the queries `i` to their rows `j` of the gallery, from the differences; shape of `j`, (n, c).

    In `unit`, float32. Each pair is taken by itself: its rounding depends on nothing but the two rows.
    """
    out = queries.rows.new_empty(j.shape)
    for part in torch.split(torch.arange(len(i), device=i.device), max(1, GATHERED // j.shape[1])):
        right = gallery.rows.index_select(0, j[part].flatten()).view(len(part), j.shape[1], gallery.rows.shape[1])
        right -= queries.rows.index_select(0, i[part])[:, None]
        out[part] = torch.linalg.vector_norm(right, dim=2)
    return out


def apart_where(queries: Points, at: Tensor, gallery: Points, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`apart` for the entries of a mask of shape (len(at), m), as (row, column, distance)."""
    i, j = mask.nonzero(as_tuple=True)
    if len(i) > PAIRS:
        # Many open questions at once come from rows that are equal: ask each of them once.
        (first_i, kind_i), (first_j, kind_j) = queries.kinds, gallery.kinds
        used, row = torch.unique(kind_i[at], return_inverse=True)
        asked = mask.new_zeros(len(used), len(first_j))
        asked[row[i], kind_j[j]] = True
        a, b = asked.nonzero(as_tuple=True)
        if 2 * len(a) < len(i):
            table = queries.rows.new_empty(asked.shape)
            table[a, b] = apart(queries, gallery, first_i[used[a]], first_j[b, None])[:, 0]
            return i, j, table[row[i], kind_j[j]]
    return i, j, apart(queries, gallery, at[i], j[:, None])[:, 0]
