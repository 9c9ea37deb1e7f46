"""One pass over the rows of a side: lengths, broken rows, sums, fingerprints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.memory_map import fetch, file_of, let_go

BLOCK = 8192
"""Rows that are looked at together: memory-mapped arrays never come into memory whole."""


@dataclass(frozen=True)
class Scan:
    """What one pass keeps of a side with n rows and d dimensions.

    Parameters
    ----------
    norms : array of shape (n,)
        Length of each row; NaN or infinite where the row is.
    finite : array of shape (n,) of bool
    usable : array of shape (n,) of bool
        Finite and not zero.
    unit_sum : array of shape (d,)
        Sum of the usable rows, each scaled to length one.
    constant : int
        Dimensions with one value in all usable rows.
    prints : array of shape (n,) of uint64
        Equal rows have equal fingerprints; different rows do not, but for a chance of about 2**-64 a pair.
    """

    norms: NDArray[np.float64]
    finite: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    unit_sum: NDArray[np.float64]
    constant: int
    prints: NDArray[np.uint64]

    @property
    def zero(self) -> NDArray[np.bool_]:
        """Rows of zeros."""
        return self.finite & ~self.usable


def scan(array: NDArray[np.float32], seen: Callable[[int], None] = lambda _rows: None) -> Scan:
    """Look at every row of `array` once, a block at a time; `seen` is told the number of rows of each."""
    n, d = len(array), int(array.shape[1])
    norms, prints = np.empty(n), np.empty(n, dtype=np.uint64)
    finite = np.empty(n, dtype=np.bool_)
    unit_sum = np.zeros(d)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)
    keys = np.random.default_rng(0).integers(1, 2**63, size=d, dtype=np.uint64)
    keys |= np.uint64(1)  # odd: no bit is lost
    file = file_of(array)
    for rows in blocks(n):
        let_go(file)
        seen(rows.stop - rows.start)
        x = np.ascontiguousarray(array[rows])
        prints[rows] = _fingerprints(x, keys)
        finite[rows] = np.isfinite(x).all(axis=1)
        x64 = np.where(finite[rows, None], x, 0).astype(np.float64)
        norms[rows] = np.sqrt(np.einsum("ij,ij->i", x64, x64))
        good = norms[rows] > 0
        if good.any():
            unit_sum += (x64[good] / norms[rows][good, None]).sum(axis=0)
            low, high = np.minimum(low, x64[good].min(axis=0)), np.maximum(high, x64[good].max(axis=0))
    usable = finite & (norms > 0)
    norms[~finite] = np.nan
    constant = int((low == high).sum()) if usable.sum() > 1 else 0
    return Scan(norms, finite, usable, unit_sum, constant, prints)


def unit(array: NDArray[np.float32], found: Scan, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The given usable rows at length one, in float64."""
    chosen = np.empty((len(rows), array.shape[1]))
    fetch(chosen, array, rows, file_of(array))
    chosen /= found.norms[rows, None]
    return chosen


def blocks(n: int) -> Iterator[slice]:
    """Slices that cover ``range(n)``."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def _fingerprints(x: NDArray[np.float32], keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (x + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0 makes -0 and 0 the same
    mixed *= keys
    # Without this step, rows whose low bits are all zero (stored as float16) would collide more often.
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    total: NDArray[np.uint64] = mixed.sum(axis=1, dtype=np.uint64)
    return total
