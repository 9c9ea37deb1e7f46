"""Bootstrap resamples of the clips: the same for every metric and every row, kept as one small matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gapkit.metrics.cloud import Cloud
from gapkit.products import product
from gapkit.statistics import bootstrap_weights

UNITS = 8192
"""Most units that are resampled: the matrix of 1,000 resamples then takes 33 MB however many clips there are."""


@dataclass(frozen=True)
class Resamples:
    """How often each clip occurs in each resample.

    Up to `UNITS` clips, clips are drawn. Above, clips are put into groups of one size at random, and groups are drawn:
    as clips are independent and groups random, the variance of a mean is the same, and 8,192 units tell it to 2 %. The
    few clips that are left over when groups are filled are drawn once each time, so that every resample has n clips.

    Parameters
    ----------
    counts : Tensor of shape (B, g), float32
        Whole numbers, how often each unit is drawn.
    unit : Tensor of shape (n,), optional
        Unit of each clip, g for those left over; None where each clip is a unit.
    n : int
        Number of clips.
    """

    counts: Tensor
    unit: Tensor | None
    n: int

    @classmethod
    def draw(cls, n: int, n_resamples: int, seed: Sequence[int], device: torch.device) -> Resamples:
        """Resamples of `n` clips; the same seed gives the same."""
        if n <= UNITS:
            return cls(torch.from_numpy(bootstrap_weights(n, n_resamples, seed)).to(device), None, n)
        size = -(-n // UNITS)
        unit = np.empty(n, dtype=np.int64)
        unit[np.random.default_rng([*seed, 1]).permutation(n)] = np.arange(n) // size
        counts = bootstrap_weights(n // size, n_resamples, seed)
        return cls(torch.from_numpy(counts).to(device), torch.from_numpy(unit).to(device), n)

    def __len__(self) -> int:
        """Number of resamples, B."""
        return len(self.counts)

    def sums(self, values: Tensor | Cloud) -> Tensor:
        """Sum over the clips of each resample: (n, ...) to (B, ...), float32; of a cloud, that of its clips' means."""
        if isinstance(values, Tensor):
            totals, rest = self._totals(values)
            return self.counts @ totals + rest
        running = RunningSums(self, values.base.shape[1])
        for clips, rows in values.clip_blocks():
            running.add(clips, rows)
        return running.result()

    def square_sums(self, values: Tensor) -> Tensor:
        """The same with the square of how often each clip occurs."""
        totals, rest = self._totals(values)
        return torch.cat([counts.square() @ totals for counts in self._slices()]) + rest

    @property
    def n_squares(self) -> Tensor:
        """Sum of the squared occurrences of all clips, (B,)."""
        return self.square_sums(torch.ones(self.n, device=self.counts.device))

    @property
    def weights(self) -> Tensor:
        """Occurrences of every single clip, (B, n): large where there are many clips."""
        return self.counts if self.unit is None else self.of(slice(None))

    def of(self, clips: Tensor | slice, some: slice = slice(None)) -> Tensor:
        """Occurrences of some clips in all resamples or some, (B, len(clips))."""
        counts = self.counts[some]
        if self.unit is None:
            return counts[:, clips]
        unit, g = self.unit[clips], counts.shape[1]
        return counts[:, unit.clamp_max(g - 1)].masked_fill_(unit == g, 1)

    def first(self, n_resamples: int) -> Resamples:
        """Only the first resamples."""
        return Resamples(self.counts[:n_resamples], self.unit, self.n)

    def _slices(self) -> Iterator[Tensor]:
        return (self.counts[start : start + 64] for start in range(0, max(1, len(self)), 64))

    def _totals(self, values: Tensor) -> tuple[Tensor, Tensor | float]:
        """Values summed over the clips of each unit, (g, ...), and over the clips left over, (...)."""
        own = values.to(self.counts.device, torch.float32)
        if self.unit is None:
            return own, 0.0
        totals = own.new_zeros(self.counts.shape[1] + 1, *own.shape[1:]).index_add_(0, self.unit, own)
        return totals[:-1], totals[-1]


class RunningSums:
    """`Resamples.sums` of rows that come block by block."""

    def __init__(self, resamples: Resamples, width: int) -> None:
        self.resamples = resamples
        b, g = resamples.counts.shape
        # One row a resample, or one a unit and one for the clips left over.
        self.total = torch.zeros(b if resamples.unit is None else g + 1, width, device=resamples.counts.device)

    def add(self, clips: slice | Tensor, rows: Tensor) -> None:
        """Take in the rows of some clips, (k, width)."""
        if self.resamples.unit is None:
            self.total += product(self.resamples.counts[:, clips], rows.float().T)
        else:
            self.total.index_add_(0, self.resamples.unit[clips], rows.float())

    def result(self) -> Tensor:
        """Sums of all rows so far, (B, width)."""
        if self.resamples.unit is None:
            return self.total
        return self.resamples.counts @ self.total[:-1] + self.total[-1]
