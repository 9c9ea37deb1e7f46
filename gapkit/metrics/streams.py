"""Two sides that are read piece by piece: files larger than the memory among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.memory_map import fetch, file_of, let_go
from gapkit.metrics.cloud import Cloud, checked_owner
from gapkit.metrics.pair import checked_pairing


@dataclass(frozen=True)
class Stream:
    """Rows of one side, in the order of their clips.

    Parameters
    ----------
    values : Tensor or memmap of shape (m, d)
        A tensor is checked; the rows of a file are checked as they are read.
    name : str
        What the user calls them.
    n : int
        Number of clips.
    ends : array of shape (n + 1,), int64, optional
        First row of each clip in that order; None where each row is a clip.
    order : array of shape (m,), int64, optional
        Row at each place; None where rows are in order already.
    """

    values: Tensor | np.memmap
    name: str
    n: int
    ends: NDArray[np.int64] | None = None
    order: NDArray[np.int64] | None = None

    @property
    def most(self) -> int:
        """Most rows of a clip."""
        return 1 if self.ends is None else int(np.diff(self.ends).max())

    def clips(self, start: int, stop: int) -> Cloud:
        """Clips `start` to `stop`, numbered from 0."""
        if self.ends is None:
            rows = self._rows(np.s_[start:stop])
            return Cloud(rows, torch.arange(stop - start, device=rows.device), stop - start)
        first, last = int(self.ends[start]), int(self.ends[stop])
        rows = self._rows(np.s_[first:last] if self.order is None else self.order[first:last])
        owner = np.repeat(np.arange(stop - start), np.diff(self.ends[start : stop + 1]))
        return Cloud(rows, torch.from_numpy(owner).to(rows.device), stop - start)

    def sample(self, size: int, seed: int) -> Tensor:
        """All rows, or `size` random ones where there are more."""
        m = len(self.values)
        if m <= size:
            return torch.cat([self._rows(np.s_[i : i + 4096]) for i in range(0, m, 4096)])
        chosen = np.sort(np.random.default_rng(seed).choice(m, size, replace=False))
        return torch.cat([self._rows(part) for part in np.array_split(chosen, max(1, size // 4096))])

    def _rows(self, which: slice | NDArray[np.int64]) -> Tensor:
        if isinstance(self.values, Tensor):
            return self.values[which if isinstance(which, slice) else torch.from_numpy(which)]
        file = file_of(self.values)
        if isinstance(which, slice):
            rows = torch.from_numpy(np.array(self.values[which], dtype=np.float32))
            let_go(file)
        else:
            rows = torch.empty(len(which), self.values.shape[1])
            fetch(rows.numpy(), self.values, which, file)
        if not bool(torch.isfinite(rows.sum(dtype=torch.float64))):
            places = np.arange(which.start, which.start + len(rows)) if isinstance(which, slice) else which
            bad = places[(~torch.isfinite(rows)).any(dim=1).numpy()]
            raise InputError(
                f"{self.name}: expected finite numbers, got NaN or infinity in row {bad[0]}; drop or recompute it"
            )
        return rows


def streams(
    source: ArrayLike, target: ArrayLike, owner: ArrayLike | None, paired: bool | None
) -> tuple[Stream, Stream, bool]:
    """Both sides, checked as `sides` does, and whether they are paired; memory-mapped files stay files."""
    x = _values(source, "source", None)
    y = _values(target, "target", x.shape[1])
    ends = order = None
    n = len(y)
    if owner is not None:
        order, clip, n = checked_owner(owner, len(y), name="target", n=len(x) if paired is not False else None)
        ends = np.searchsorted(clip, np.arange(n + 1))
        ends, order = None if n == len(y) else ends, None if bool((np.diff(order) > 0).all()) else order
    together = checked_pairing(len(x), n, owner is not None, paired)
    if ends is None and order is not None:
        ends = np.arange(n + 1)
    return Stream(x, "source", len(x)), Stream(y, "target", n, ends, order), together


def _values(values: ArrayLike, name: str, width: int | None) -> Tensor | np.memmap:
    if not isinstance(values, np.memmap):
        return as_matrix(values, name=name, n_features=width)
    # One row tells all but whether the numbers are finite.
    as_matrix(np.zeros_like(values[:1]) if values.ndim == 2 else values, name=name, n_features=width)
    return values
