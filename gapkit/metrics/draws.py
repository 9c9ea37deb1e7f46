"""Draws of every metric, made in one place: the number plus the influences of the items that a resample draws.

``draws = value + W @ influence``, W being how often each unit occurs in each resample, less once. `Resamples` alone
knows the units, items or groups of items that share an origin: it sums influences by unit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gapkit.metrics.pair import Pair
from gapkit.metrics.resamples import Resamples, Units
from gapkit.metrics.value import Influence, Value


def draws_of(found: Value, pair: Pair, units: Units, bounds: tuple[float, float]) -> Tensor:
    """The number in each resample, (B,), within its range; empty where the metric has no interval."""
    if found.influence is None or min(map(len, units)) == 0:
        return torch.empty(0, dtype=torch.float64)
    x, y = (
        None if side is None else (side - side.mean()).to(units[0].counts.device)
        for side in _without_offset(found, pair)
    )
    if pair.paired and x is not None and y is not None:
        sides: list[tuple[Resamples, Tensor | None]] = [(units[0], x + y)]
    else:
        sides = list(zip(units, (x, y), strict=True))
    moved = torch.zeros(len(units[0]), dtype=torch.float64, device=units[0].counts.device)
    for resamples, side in sides:
        if side is not None:
            # Squares of what float32 just holds are no float32, and sums are.
            unit = 2.0 ** math.frexp(float(side.abs().max()))[1]
            moved += unit * resamples.moved(side / unit).double() / len(side)
    if pair.is_centred and found.chance is not None:
        moved *= _without_chance(found.chance(), (x, y), pair)
    return found.of_draws(found.inner + moved).clamp(*bounds)


def _without_offset(found: Value, pair: Pair) -> Influence:
    """Influences; on a centred pair also what each item moves by moving the mean of its side."""
    assert found.influence is not None
    x, y = found.influence()
    if found.shift is None or not pair.is_centred:
        return x, y
    slope, given = found.shift(), pair.uncentred
    moved = -given.x.along(slope), given.y.along(slope)
    return moved[0] if x is None else x + moved[0], moved[1] if y is None else y + moved[1]


def _without_chance(chance: float, influence: Influence, pair: Pair) -> float:
    """Factor that takes off what draws of a centred distance hold twice: `Value.chance`.

    Where pairs of items are all there is, half of the variance is too much; of a part the square is taken, since the
    rest is skewed again.
    """
    x, y = influence
    if pair.paired and x is not None and y is not None:
        spread = float((x + y).var()) / len(x)
    else:
        spread = sum(float(side.var()) / len(side) for side in influence if side is not None)
    share = min(1.0, 2 * chance / max(spread, 1e-300))
    return math.sqrt(1 - share**2 / 2)
