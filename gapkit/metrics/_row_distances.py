"""Distances of distributions inside a row: what belongs to the targets alone is worked out once for all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.metrics._kernels import ClipSums
from gapkit.metrics._resamples import Resamples, RunningSums
from gapkit.metrics._row import Drawn, Row
from gapkit.metrics._sides import Cloud
from gapkit.metrics._slope import SLOPE, Slope, slope_of
from gapkit.metrics.frechet import Gaussian, bures, gaussian, influences
from gapkit.metrics.mmd import linear_mmd
from gapkit.metrics.random_features import CHUNK, FEATURES, Features
from gapkit.metrics.sinkhorn import REGULARISATION, Solver, divergence
from gapkit.metrics.sliced_wasserstein import PROJECTIONS, Projected, Sliced, lines, project, seen_from, sliced

Pushes = tuple[Tensor, Tensor]
"""How much each clip of the source and of the target moves a value, to first order."""


def _energy(row: Row, cross: Mapping[str, ClipSums], slope: Slope | None = None) -> Drawn:
    # The kernel is in units of the width.
    value, draws = row.kernel_distance("energy-distance", cross, slope)
    return row.reference.bandwidth * value, row.reference.bandwidth * draws


def _residual_energy(row: Row) -> Drawn:
    sums, name = row.residual_kernels, f"energy-distance{SLOPE}"
    slope = slope_of(row.both, row.reference.kernels[name], sums[name]) if name in sums else None
    return _energy(row, sums, slope)


def frechet_distance(row: Row) -> Drawn:
    value, pushes = _bures(row)
    x, y = _gaussians(row)
    offset = x.mean - y.mean
    ends = (_along(row.both.x, x.mean, offset), _along(row.both.y, y.mean, offset))
    px, py = (push + sign * 2 * end for push, sign, end in zip(pushes, (1, -1), ends, strict=True))
    value += float(offset.square().sum())
    return value, pushed(row, value, (px, py)).clamp_min(0)


def _along(side: Cloud, origin: Tensor, direction: Tensor) -> Tensor:
    """Inner product of each clip, seen from `origin`, with a direction; float64, (n,)."""
    return torch.cat([(rows - origin) @ direction for _, rows in side.clip_blocks()])


def residual_frechet_distance(row: Row) -> Drawn:
    value, pushes = _bures(row)
    return value, pushed(row, value, pushes).clamp_min(0)


def _gaussians(row: Row) -> tuple[Gaussian, Gaussian]:
    x = row.shared("gaussian", lambda: gaussian(row.both.x, "source"))
    return x, row.reference.shared("gaussian", lambda: gaussian(row.both.y, "target"))


def _bures(row: Row) -> tuple[float, Pushes]:
    x, y = _gaussians(row)
    return row.shared("bures", lambda: (bures(x, y), influences(row.both, x, y)))


def sliced_wasserstein(row: Row) -> Drawn:
    found = _sliced(row)
    return found.square**0.5, pushed(row, found.square, found.pushes).clamp_min(0).sqrt()


def residual_sliced_wasserstein(row: Row) -> Drawn:
    found = _sliced(row)
    return found.residual**0.5, pushed(row, found.residual, found.residual_pushes).clamp_min(0).sqrt()


def _sliced(row: Row) -> Sliced:
    reference = row.reference
    along = reference.shared("lines", lambda: lines(reference.target, PROJECTIONS, reference.seed))

    def known() -> Projected | None:
        fits = 8 * len(along) * len(reference.target.base) <= reference.max_memory // 4
        return project(seen_from(reference.target.mean, reference.target), along, order=True) if fits else None

    target = reference.shared("projected", known)
    draws, memory = len(row.resamples) > 0, reference.max_memory // 2
    return row.shared("sliced", lambda: sliced(row.both, along, pushes=draws, known=target, max_memory=memory))


def sinkhorn_divergence(row: Row) -> Drawn:
    found = divergence(row.both, *sinkhorn_parts(row))
    return found.value, pushed(row, found.value, found.pushes).clamp_min(0)


def sinkhorn_parts(row: Row) -> tuple[Solver, Tensor, Tensor]:
    """The solver, and the potentials of the source and of the target against themselves."""
    solver = Solver(REGULARISATION * row.reference.bandwidth**2, row.reference.max_memory)
    target = row.reference.shared("sinkhorn", lambda: solver.own(row.reference.target))
    return solver, row.shared("sinkhorn", lambda: solver.own(row.both.x)), target


def mmd_linear(row: Row) -> Drawn:
    x, y = row.both.x, row.both.y

    # Seen from the target's mean: float32 then carries the difference and not the offset; in a unit in which the
    # squares are float32 too.
    exponent = math.frexp(max(c.reach(y.mean) for c in (x, y)))[1]
    unit = 1.0 if abs(exponent) < 32 else 2.0**exponent
    left, right = (c.changed(lambda rows: ((rows - y.mean) / unit).float()) for c in (x, y))
    value = linear_mmd(row.both, "paired" if row.both.paired else "unbiased")
    if row.both.paired:
        apart = ((clips, left.clip_block(clips) - rows) for clips, rows in right.clip_blocks())
        return value, unit**2 * _paired(row, apart)[1]
    own = _sums(row.reference.resamples, right.clip_blocks())
    return value, unit**2 * _unpaired(row, left.clip_blocks(), own)[1]


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
    "mmd-imq": lambda row: row.kernel_distance("mmd-imq", row.cross_kernels),
    "mmd-linear": mmd_linear,
    "mmd-rff": mmd_random_features,
    "frechet": frechet_distance,
    "sliced-wasserstein": sliced_wasserstein,
    "energy-distance": lambda row: _energy(row, row.cross_kernels),
    "sinkhorn-divergence": sinkhorn_divergence,
    "residual-frechet": residual_frechet_distance,
    "residual-sliced-wasserstein": residual_sliced_wasserstein,
    "residual-energy-distance": _residual_energy,
}
"""Estimators of the metrics in `catalogue_distances`."""
