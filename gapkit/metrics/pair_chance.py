"""How much of the spread of a U-statistic's first-order draws is there twice.

A squared MMD of n clips, the mean of h_ij over pairs, has variance 4 z_1 / n + 2 z_2 / n^2 to second order, z_1 that of
what a clip adds by itself and z_2 that of what only pairs add (Hoeffding 1948). Draws of what each clip adds, estimated
from the same n clips, vary by 4 z_1 / n + 4 z_2 / n^2: the last part counts twice. Where the two sides are one
distribution z_1 is 0, and the draws are the root of two too wide.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gapkit.metrics.cloud import Cloud
from gapkit.metrics.kernels import Kernel, clip_sums
from gapkit.metrics.pair import Pair

LOOKED_AT = 256
"""Most clips of a side whose pairs tell z_2, spread evenly over all: 32,640 pairs know it to a few per cent."""
LEAST = 4
"""Clips below which nothing is told."""


def pair_chance(both: Pair, kernels: Sequence[Kernel], max_memory: int) -> list[float]:
    """Variance that the draws of a squared distance hold too much, one number a kernel."""
    n, m = both.x.n, both.y.n
    if min(n, m) < LEAST:
        return [0.0 for _ in kernels]
    x, y = (_some(side) for side in (both.x, both.y))
    inside, across = (
        clip_sums(a, b, kernels, drop_same=False, dense=True, max_memory=max_memory) for a, b in ((x, None), (x, y))
    )
    found = []
    for xx, yy, xy in zip(inside, clip_sums(y, None, kernels, drop_same=False, dense=True), across, strict=True):
        one, two, both_sides = (part.dense for part in (xx, yy, xy))
        assert one is not None
        assert two is not None
        assert both_sides is not None
        if both.paired:
            found.append(2 * _of_pairs(one + two - both_sides - both_sides.T) / n**2)
        else:
            mixed = _centred(both_sides.double(), torch.ones_like(both_sides, dtype=torch.bool))
            rows, columns = both_sides.shape
            of_mixed = float(mixed.square().sum()) / ((rows - 1) * (columns - 1))
            found.append(2 * _of_pairs(one) / n**2 + 2 * _of_pairs(two) / m**2 + 4 * of_mixed / (n * m))
    return found


def _some(side: Cloud) -> Cloud:
    """At most `LOOKED_AT` clips, evenly spread."""
    if side.n <= LOOKED_AT:
        return side
    clips = torch.linspace(0, side.n - 1, LOOKED_AT, device=side.owner.device).round().long()
    number = torch.full((side.n,), -1, device=side.owner.device)
    number[clips] = torch.arange(LOOKED_AT, device=side.owner.device)
    rows = (number[side.owner] >= 0).nonzero().flatten()
    return Cloud(side.take(rows), number[side.owner[rows]], LOOKED_AT)


def _of_pairs(kernel: Tensor) -> float:
    """Variance of what only pairs add, from the kernel of different clips."""
    n = len(kernel)
    different = ~torch.eye(n, dtype=torch.bool, device=kernel.device)
    return float(_centred(kernel.double(), different).square().sum()) / (n * (n - 3))


def _centred(kernel: Tensor, counted: Tensor) -> Tensor:
    """The kernel without what its rows and its columns add by themselves; 0 where it does not count."""
    kernel = kernel.masked_fill(~counted, 0)
    rows, columns = kernel.sum(dim=1), kernel.sum(dim=0)
    whole = rows.sum()
    if bool(counted.all()):
        n, m = kernel.shape
        return kernel - rows[:, None] / m - columns / n + whole / (n * m)
    n = len(kernel)
    # Least squares without a diagonal: (sum of a row - the mean of all) / (n - 2) is what a row adds.
    mean = whole / (n * (n - 1))
    adds = (rows - (n - 1) * mean) / (n - 2)
    return (kernel - mean - adds[:, None] - adds).masked_fill(~counted, 0)
