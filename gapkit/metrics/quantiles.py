"""Optimal transport between points on lines: quantiles meet quantiles. Many lines at once, sides of any size."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SAME = 1e-12
"""Levels this near are one level."""


@dataclass(frozen=True)
class Quantiles:
    """One side along each of l lines.

    Parameters
    ----------
    values : Tensor of shape (l, m), float64
        Increasing along each line.
    upto : Tensor of shape (l, m), float64, optional
        Mass up to and with each value, the last one 1; None where all values weigh the same.
    """

    values: Tensor
    upto: Tensor | None

    @property
    def levels(self) -> Tensor:
        """Mass up to and with each value, shape (l, m)."""
        if self.upto is not None:
            return self.upto
        m = self.values.shape[1]
        return (torch.arange(1, m + 1, device=self.values.device, dtype=torch.float64) / m).expand_as(self.values)


def coupling(a: Quantiles, b: Quantiles) -> tuple[Tensor, Tensor]:
    """Differences of the values that meet, (l, k), and their masses, (l, k) or (k,)."""
    n, m = a.values.shape[1], b.values.shape[1]
    if a.upto is None and b.upto is None:
        if n == m:
            return a.values - b.values, a.values.new_full((n,), 1 / n)
        # In units of 1 / (n m) all levels are whole numbers.
        steps = [torch.arange(1, own + 1, device=a.values.device) * other for own, other in ((n, m), (m, n))]
        edges = torch.unique(torch.cat(steps))
        mass = torch.diff(edges, prepend=edges.new_zeros(1)).double() / (n * m)
        return a.values[:, (edges - 1) // m] - b.values[:, (edges - 1) // n], mass
    edges = torch.cat([a.levels, b.levels], dim=1).sort(dim=1).values
    mass = torch.diff(edges, dim=1, prepend=edges.new_zeros(len(edges), 1))
    return _at(a, edges) - _at(b, edges), mass


def potential(a: Quantiles, b: Quantiles) -> Tensor:
    """What one more unit of mass at each value of `a` adds to the squared distance, up to a constant, (l, n).

    Mass that moves from one value of `a` to the next meets another value of `b` than before: the one at the level
    between them, or the mean of two where a step of `b` lies at that very level.
    """
    n, m = a.values.shape[1], b.values.shape[1]
    if a.upto is None and b.upto is None:
        k = torch.arange(1, n, device=a.values.device) * m
        met = (b.values[:, (k + n - 1) // n - 1] + b.values[:, k // n]) / 2
    else:
        between = a.levels[:, :-1]
        met = (_at(b, between - SAME) + _at(b, between + SAME)) / 2
    low, high = a.values[:, :-1], a.values[:, 1:]
    steps = (high - low) * (high + low - 2 * met)
    return torch.nn.functional.pad(steps.cumsum(dim=1), (1, 0))


def _at(side: Quantiles, levels: Tensor) -> Tensor:
    """Value at each level."""
    index = torch.searchsorted(side.levels.contiguous(), levels.contiguous()).clamp_max_(side.values.shape[1] - 1)
    return side.values.gather(1, index)
