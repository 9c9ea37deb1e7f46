"""Draws of every metric, made in one place: the number plus the influences of the items that a resample draws.

``draws = value + W @ influence``, W being how often each unit occurs in each resample, less once. `Resamples` alone
knows the units, items or groups of items that share an origin: it sums influences by unit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gapkit.metrics.resamples import Resamples, Units
from gapkit.metrics.value import Value


def draws_of(found: Value, units: Units, bounds: tuple[float, float]) -> Tensor:
    """The number in each resample, (B,), within its range; empty where the metric has no interval."""
    if found.influence is None or min(map(len, units)) == 0:
        return torch.empty(0, dtype=torch.float64)
    x, y = (None if side is None else (side - side.mean()).to(units[0].counts.device) for side in found.influence())
    if units[0] is units[1] and x is not None and y is not None:
        sides: list[tuple[Resamples, Tensor | None]] = [(units[0], x + y)]
    else:
        sides = list(zip(units, (x, y), strict=True))
    moved = torch.zeros(len(units[0]), dtype=torch.float64, device=units[0].counts.device)
    for resamples, side in sides:
        if side is not None:
            # Squares of what float32 just holds are no float32, and sums are.
            unit = 2.0 ** math.frexp(float(side.abs().max()))[1]
            moved += unit * resamples.moved(side / unit).double() / len(side)
    if found.chance is not None:
        # What only pairs of items make is in the variance of the influences twice.
        moved *= math.sqrt(1 - found.chance() / 2)
    return found.of_draws(found.inner + moved).clamp(*bounds)
