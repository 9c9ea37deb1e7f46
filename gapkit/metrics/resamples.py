"""Bootstrap resamples of items, or of groups of items: the same for every metric and every row, as one small matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gapkit.statistics import GroupDraws, Groups


@dataclass(frozen=True)
class Resamples:
    """Counts of each unit in each resample; a unit is an item, a group of items, or some of either: see `GroupDraws`.

    Parameters
    ----------
    counts : Tensor of shape (B, u), float32
        Whole numbers, each row sums to u.
    groups : Groups
        Of the items; each its own where nothing is known of origins.
    unit : Tensor of shape (k,), optional
        Unit of each membership of an item in a group, u for those in every resample once; None: item i is unit i.
    item : Tensor of shape (k,), optional
        Item of each membership; None: membership i is that of item i.
    widening : float
        Factor of what the draws move: see `GroupDraws`.
    no_interval : str
        Reason why the groups are too few for any resample; empty where there are some.
    """

    counts: Tensor
    groups: Groups
    unit: Tensor | None = None
    item: Tensor | None = None
    widening: float = 1.0
    no_interval: str = ""

    @classmethod
    def draw(
        cls, n: int, n_resamples: int, seed: Sequence[int], device: torch.device, *, groups: Groups | None = None
    ) -> Resamples:
        """Resamples of `n` items; the same seed gives the same, and items that are their own groups those of items."""
        groups = Groups.from_labels(np.arange(n)) if groups is None else groups
        if groups.no_interval:
            return cls(torch.empty(0, 0, device=device), groups, no_interval=groups.no_interval)
        drawn = GroupDraws.draw(groups, n_resamples, seed)
        counts = torch.from_numpy(drawn.counts).to(device)
        if groups.apart and counts.shape[1] == n:
            return cls(counts, groups)
        unit = torch.from_numpy(drawn.unit[groups.number]).to(device)
        item = None
        if not groups.single:
            item = torch.from_numpy(np.repeat(np.arange(n), groups.per_item)).to(device)
        return cls(counts, groups, unit, item, drawn.widening)

    @classmethod
    def each(cls, n: int) -> Resamples:
        """Every item a unit of its own, none drawn."""
        return cls(torch.empty(0, n), Groups.from_labels(np.arange(n)))

    def __len__(self) -> int:
        """Number of resamples, B."""
        return len(self.counts)

    def moved(self, values: Tensor) -> Tensor:
        """Shift of a sum over the items by each resample, (n,) to (B,), float32; values are centred."""
        totals = self.totals(values.to(self.counts.device, torch.float32))
        return self.widening * (self.counts @ totals - totals.sum())

    def totals(self, values: Tensor) -> Tensor:
        """Values summed over each unit, (n, ...) to (u, ...); those of units in every resample are left out."""
        if self.unit is None:
            return values
        own = values if self.item is None else values[self.item]
        totals = own.new_zeros(self.counts.shape[1] + 1, *own.shape[1:]).index_add_(0, self.unit.to(own.device), own)
        return totals[:-1]

    @property
    def weights(self) -> Tensor:
        """Occurrences of every item in every resample, (B, n), whole numbers: large where there are many items.

        An item of several groups occurs with each of them.
        """
        if self.unit is None:
            return self.counts
        of_all = torch.nn.functional.pad(self.counts, (0, 1), value=1.0)[:, self.unit]
        if self.item is None:
            return of_all
        return of_all.new_zeros(len(self), len(self.groups)).index_add_(1, self.item, of_all)

    def of_items(self, values: Tensor) -> Tensor:
        """Multiplier of each item from values of the units, (u, ...) to (n, ...): the sum over its units, widened."""
        if self.unit is None:
            return values
        of_all = self.widening * torch.cat([values, values.new_zeros(1, *values.shape[1:])])[self.unit.cpu()]
        if self.item is None:
            return of_all
        return of_all.new_zeros(len(self.groups), *values.shape[1:]).index_add_(0, self.item.cpu(), of_all)

    def first(self, n_resamples: int) -> Resamples:
        """Only the first resamples."""
        return replace(self, counts=self.counts[:n_resamples])


Units = tuple[Resamples, Resamples]
"""Of the source and of the target; one and the same where items are paired."""
