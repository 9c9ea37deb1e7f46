"""Memory-mapped files: what was read of them need not stay in memory."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np


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
