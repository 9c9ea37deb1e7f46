"""Noise that belongs to a row: a function of what the row holds and of the seed, not of its place in the batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

MASK = (1 << 32) - 1
GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
"""2^64 divided by the golden ratio, as a signed number: the step of SplitMix64 (Steele et al., 2014)."""
MIX = (0xBF58476D1CE4E5B9 - (1 << 64), 0x94D049BB133111EB - (1 << 64))


def row_noise(rows: Tensor, seed: int, *, stream: int | Tensor = 0) -> Tensor:
    """Standard normal numbers for each row, drawn by hashing the row itself.

    A row gets the same noise alone, among others, and in any order; equal rows get equal noise. So a bridge that draws
    noise is still a function of one row.

    Parameters
    ----------
    rows : Tensor of shape (n, d), float32
    seed : int
    stream : int, or Tensor of shape (), int64
        Independent draws for the same rows: the step of a sampler, the number of a sample.

    Returns
    -------
    Tensor of shape (n, d), float32
        On the device of `rows`.

    References
    ----------
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators (SplitMix64); Box & Muller (1958).

    Examples
    --------
    >>> rows = torch.eye(3)
    >>> torch.equal(row_noise(rows, 0)[1:2], row_noise(rows[1:2], 0))
    True
    """
    d = rows.shape[1]
    half = (d + 1) // 2
    # The sum wraps at 2^64, and a wrapped sum does not depend on its order.
    bits = (rows.float() + 0.0).contiguous().view(torch.int32).to(torch.int64) & MASK
    places = _mix(GOLDEN * torch.arange(1, d + 1, device=rows.device)) | 1
    key = _mix((_mix(bits + places) * places).sum(dim=1))
    start = torch.full((), seed, dtype=torch.int64, device=rows.device)
    key = _mix(key ^ _mix(_mix(start * GOLDEN) + stream))
    counter = GOLDEN * torch.arange(1, half + 1, device=rows.device)
    random = _mix(key.unsqueeze(1) + counter)
    # Upper and lower half of 64 bits: a radius in (0, 1] and an angle in [0, 1).
    radius = ((random >> 32) & MASK).to(torch.float64).add_(1).div_(MASK + 1)
    angle = (random & MASK).to(torch.float64).mul_(2 * math.pi / (MASK + 1))
    length = radius.log_().mul_(-2).sqrt_()
    return torch.cat([length * angle.cos(), length * angle.sin()], dim=1)[:, :d].float()


def _mix(x: Tensor) -> Tensor:
    """The finaliser of SplitMix64: every input bit changes half of the output bits."""
    for shift, factor in zip((30, 27), MIX, strict=True):
        x = (x ^ _shift(x, shift)) * factor
    return x ^ _shift(x, 31)


def _shift(x: Tensor, by: int) -> Tensor:
    """Logical shift to the right of signed numbers."""
    return (x >> by) & ((1 << (64 - by)) - 1)
