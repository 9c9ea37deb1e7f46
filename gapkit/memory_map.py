"""Memory-mapped files: what was read of them need not stay in memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPREAD = 64
"""Rows from all over a file that are fetched together: with each may come the 2 MB of the file around it."""


def file_of(values: Any) -> mmap.mmap | None:
    """The open file behind a memory-mapped array, a part of one too; None where there is none."""
    base = values
    while isinstance(base, np.ndarray):
        # A private map ("c") may hold changes that the file does not.
        if isinstance(base, np.memmap) and base.mode == "c":
            return None
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def let_go(file: mmap.mmap | None) -> None:
    """Unmap the pages of a file that were read: they count as memory of this process until the whole file does.

    Whoever still looks at them reads them again.
    """
    if file is not None and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def fetch(into: Any, values: Any, rows: Any, file: mmap.mmap | None) -> None:
    """Write rows from anywhere in `values` into the array or tensor `into`; what was read of a file is let go."""
    if file is None:
        into[:] = values[rows]
        return
    for start in range(0, len(rows), SPREAD):
        into[start : start + SPREAD] = values[rows[start : start + SPREAD]]
        let_go(file)


def rows_of(values: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows by their numbers: a view where they follow each other, else a copy that is read in pieces."""
    if len(rows) and rows[0] >= 0 and bool((np.diff(rows) == 1).all()):
        return values[rows[0] : rows[-1] + 1]
    if file_of(values) is None:
        return values[rows]
    taken = np.empty((len(rows), values.shape[1]), dtype=values.dtype)
    fetch(taken, values, rows, file_of(values))
    return taken
