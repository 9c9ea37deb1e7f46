"""Captions as token ids that stay in memory beside their embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import generator, unit_rows
from gapkit.captioning.decoders.prefix_model import IGNORED

SORTED_TOGETHER = 32
"""Batches whose captions are sorted by length together: short ones are not padded to the longest of all."""


@dataclass(frozen=True)
class TokenTable:
    """Embeddings and token ids, row by row.

    Parameters
    ----------
    x : Tensor (m, d)
    ids : Tensor (m, t) of int32
        `IGNORED` after the end of a caption.
    lengths : Tensor (m,)
    """

    x: Tensor
    ids: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, x: Tensor, tokens: Sequence[Sequence[int]]) -> TokenTable:
        """The table of embeddings and their tokens."""
        lengths = torch.tensor([len(row) for row in tokens])
        ids = torch.full((len(tokens), int(lengths.max())), IGNORED, dtype=torch.int32)
        ids[torch.arange(ids.shape[1]) < lengths[:, None]] = torch.tensor(
            [token for row in tokens for token in row], dtype=torch.int32
        )
        return cls(x, ids, lengths)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_tokens(self) -> int:
        """Tokens of all captions, their ends included."""
        return int(self.lengths.sum())

    def batches(self, size: int, *, seed: int | None) -> list[Tensor]:
        """Rows of each batch of one pass; a seed shuffles, None sorts by length."""
        if seed is None:
            return list(torch.argsort(self.lengths, stable=True).split(size))
        draw = generator(seed)
        groups = torch.randperm(len(self), generator=draw).split(size * SORTED_TOGETHER)
        batches = [b for g in groups for b in g[torch.argsort(self.lengths[g], stable=True)].split(size)]
        return [batches[int(i)] for i in torch.randperm(len(batches), generator=draw)]

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (b, d) and token ids (b, t) of these rows, no wider than their longest caption."""
        return self.x[rows], self.ids[rows, : int(self.lengths[rows].max())].long()


def noisy(x: Tensor, variance: float, draw: torch.Generator) -> Tensor:
    """Rows of length one with Gaussian noise, of length one again (CapDec)."""
    if not variance:
        return x
    return unit_rows(x + variance**0.5 * torch.randn(x.shape, generator=draw).to(x.device))
