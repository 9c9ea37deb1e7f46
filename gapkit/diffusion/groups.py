"""Which pairs belong to one clip: those with the same source row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Pairs by clip.

    Attributes
    ----------
    of : Tensor of shape (n,)
        Clip of each pair.
    members : Tensor of shape (n,)
        Pairs sorted by clip.
    first, count : Tensor of shape (k,)
        Where the pairs of each clip start in `members`, and how many they are.
    """

    of: Tensor
    members: Tensor
    first: Tensor
    count: Tensor

    @classmethod
    def by_source(cls, source: Tensor) -> Self:
        """Pairs with equal source rows (n, d) are one clip."""
        of, count = torch.unique(source, dim=0, return_inverse=True, return_counts=True)[1:]
        return cls(of, torch.argsort(of, stable=True), count.cumsum(0) - count, count)

    def any_of(self, pairs: Tensor, draw: torch.Generator) -> Tensor:
        """For each pair (b,) a random one of its clip, itself included."""
        clip = self.of[pairs]
        share = torch.rand(len(pairs), generator=draw, device=pairs.device, dtype=torch.float32)
        step = (share * self.count[clip]).long().clamp(max=self.count[clip] - 1)
        return self.members[self.first[clip] + step]

    def means(self, target: Tensor) -> Tensor:
        """Mean target row of its clip for each pair, (n, d)."""
        sums = target.new_zeros(len(self.count), target.shape[1]).index_add_(0, self.of, target)
        return (sums / self.count.unsqueeze(1))[self.of]
