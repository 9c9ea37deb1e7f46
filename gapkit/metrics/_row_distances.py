"""Distances of distributions inside a row: what belongs to the targets alone is worked out once for all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics.random_features import CHUNK, FEATURES, Features
from gapkit.metrics.resamples import Resamples, RunningSums
from gapkit.metrics.sinkhorn import REGULARISATION, Solver, divergence

Pushes = tuple[Tensor, Tensor]
"""How much each clip of the source and of the target moves a value, to first order."""


def sinkhorn_divergence(row: Row) -> Drawn:
    found = divergence(row.both, *sinkhorn_parts(row))
    return found.value, pushed(row, found.value, found.pushes).clamp_min(0)


def sinkhorn_parts(row: Row) -> tuple[Solver, Tensor, Tensor]:
    """The solver, and the potentials of the source and of the target against themselves."""
    solver = Solver(REGULARISATION * row.reference.bandwidth**2, row.reference.max_memory)
    target = row.reference.shared("sinkhorn", lambda: solver.own(row.reference.target))
    return solver, row.shared("sinkhorn", lambda: solver.own(row.both.x)), target


def mmd_random_features(row: Row) -> Drawn:
    reference = row.reference
    x, y = row.both.x, row.both.y
    features = reference.shared(
        "features", lambda: Features.draw(y.mean, reference.bandwidth, FEATURES, reference.seed)
    )
    fits = 4 * y.n * FEATURES <= reference.max_memory // 4
    known = reference.shared("target features", lambda: features.of(y) if fits else None)

    def parts(n: int, make: Callable[[int, int], Tensor]) -> Iterable[tuple[slice, Tensor]]:
        for start in range(0, n, CHUNK):
            stop = min(start + CHUNK, n)
            # Cosines beside sines; their mean product is the kernel.
            values = make(start, stop) / features.frequencies.shape[1] ** 0.5
            yield slice(start, stop), values.transpose(0, 1).flatten(1)

    def target(start: int, stop: int) -> Tensor:
        return features.of(y.clips(start, stop)) if known is None else known[:, start:stop]

    if row.both.paired:
        return _paired(row, parts(x.n, lambda i, j: features.of(x.clips(i, j)) - target(i, j)))
    own = reference.shared("feature sums", lambda: _sums(reference.resamples, parts(y.n, target)))
    return _unpaired(row, parts(x.n, lambda i, j: features.of(x.clips(i, j))), own)


@dataclass(frozen=True)
class _Sums:
    """Vectors of all clips, added up.

    Parameters
    ----------
    whole : Tensor of shape (k,), float64
    square : float
        Of their squared lengths.
    drawn : Tensor of shape (B, k), float32
        In each resample.
    repeated : Tensor of shape (B,), float64
        Of the squared lengths in each resample: what clips would add with themselves.
    n : int
    """

    whole: Tensor
    square: float
    drawn: Tensor
    repeated: Tensor
    n: int


def _sums(resamples: Resamples, blocks: Iterable[tuple[slice, Tensor]]) -> _Sums:
    whole: Tensor | None = None
    running: RunningSums | None = None
    lengths = torch.empty(resamples.n, dtype=torch.float64, device=resamples.counts.device)
    for part, values in blocks:
        running = running or RunningSums(resamples, values.shape[1])
        running.add(part, values)
        lengths[part] = values.square().sum(dim=1, dtype=torch.float64)
        total = values.sum(dim=0, dtype=torch.float64)
        whole = total if whole is None else whole + total
    assert whole is not None
    assert running is not None
    repeated = resamples.sums(lengths).double()
    return _Sums(whole, float(lengths.sum()), running.result(), repeated, resamples.n)


def _paired(row: Row, blocks: Iterable[tuple[slice, Tensor]]) -> Drawn:
    """Mean product of the differences of different clips."""
    z = _sums(row.resamples, blocks)
    value = (float(z.whole.square().sum()) - z.square) / (z.n * (z.n - 1))
    return value, value + 2 * _inside(z, value)


def _unpaired(row: Row, blocks: Iterable[tuple[slice, Tensor]], y: _Sums) -> Drawn:
    """Mean product inside each side, less that between them."""
    x = _sums(row.resamples, blocks)
    cross = float(x.whole @ y.whole) / (x.n * y.n)
    value, moved = -2 * cross, torch.zeros(len(row.resamples), dtype=torch.float64, device=x.whole.device)
    for side, other in ((x, y), (y, x)):
        inside = (float(side.whole.square().sum()) - side.square) / (side.n * (side.n - 1))
        value += inside
        moved += _inside(side, inside) - (side.drawn.double() @ other.whole / (x.n * y.n) - cross)
    return value, value + 2 * moved


def _inside(side: _Sums, value: float) -> Tensor:
    """Mean of what the drawn clips add to the mean product of different clips, (B,), less that mean."""
    return (side.drawn.double() @ side.whole - side.repeated) / (side.n * (side.n - 1)) - value


def pushed(row: Row, value: float, pushes: Pushes | None) -> Tensor:
    """Value in each resample, to first order."""
    if pushes is None:
        return torch.zeros(0, dtype=torch.float64)
    total = torch.full((len(row.resamples),), value, dtype=torch.float64, device=row.resamples.counts.device)
    for resamples, push in zip((row.resamples, row.reference.resamples), pushes, strict=True):
        # Squares of what float32 just holds are no float32, and sums are.
        unit = 2.0 ** math.frexp(float(push.abs().max()))[1]
        total += unit * resamples.sums(push / unit).double() / len(push)
    return total


DISTANCE_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "mmd-rff": mmd_random_features,
    "sinkhorn-divergence": sinkhorn_divergence,
}
"""Estimators of the distances that are still taken inside a row."""
