"""Sliced Wasserstein distance: optimal transport along many lines, where it is a matter of sorting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, generator
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.quantiles import Quantiles, coupling, potential
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Value
from gapkit.products import product

PROJECTIONS = 512
"""Directions that a table's value is the mean over."""


def sliced_wasserstein(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    n_projections: int = PROJECTIONS,
    seed: int = 0,
    max_memory: int = 2**28,
) -> float:
    """Sliced 2-Wasserstein distance: root of the mean over directions t of W2^2 between the projections x.t and y.t.

    Along one line the optimal transport pairs quantiles. Clips count alike: with several targets a clip each carries
    its share, and sides of different size are matched exactly, quantile by quantile.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    n_projections : int
        Number of directions.
    seed : int
        Draws the directions, uniform on the sphere: the same for every source of this width.
    max_memory : int
        Bytes that projections may take; directions are worked through in blocks that fit. Work grows as
        n_projections (n d + n log n).

    Returns
    -------
    float
        The root, in the units of the rows; at least 0, lower is nearer. A shift by s moves it by about
        |s| / sqrt(d). Two samples of one distribution do not reach 0.

    Raises
    ------
    InputError

    References
    ----------
    Bonneel et al. (2015), Sliced and Radon Wasserstein barycenters of measures.

    Examples
    --------
    >>> round(sliced_wasserstein([[0.0], [1.0]], [[3.0], [4.0]]), 6)
    3.0
    """
    pair = pair_of(source, target, owner, seed=seed, max_memory=2 * memory_limit(max_memory))
    return sliced_wasserstein_of(pair, n_projections=n_projections, keep_target=False).value


@metric(
    "sliced-wasserstein",
    label="Sliced W2",
    place=230,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, math.inf),
    needs_pairs=False,
    cost="lines (n d + n log n)",
    digits=4,
    reference="Bonneel et al. (2015), Sliced and Radon Wasserstein barycenters of measures",
    default=False,
    definition="Root of the mean squared 2-Wasserstein distance of the projections on 512 random directions.",
    function=sliced_wasserstein,
    residual=Residual(
        "Residual sliced W2", "Sliced 2-Wasserstein distance after each side's mean is removed.", place=270
    ),
)
def sliced_wasserstein_of(pair: Pair, *, n_projections: int = PROJECTIONS, keep_target: bool = True) -> Value:
    """Root of the mean square over the lines; one pass serves the pair and the pair without its means.

    `keep_target` keeps the projections of the target for other sources, where they fit.
    """
    whole, y = pair.uncentred, pair.uncentred.y
    along = y.shared(("lines", n_projections, pair.seed), lambda: lines(y, n_projections, pair.seed))
    fits = keep_target and 8 * len(along) * len(y.base) <= pair.max_memory // 4
    known = (
        y.shared(("projected", n_projections, pair.seed), lambda: project(seen_from(y.mean, y), along, order=True))
        if fits
        else None
    )
    found = whole.shared(
        ("sliced", n_projections),
        lambda: sliced(whole, along, pushes=whole.draws, known=known, max_memory=whole.max_memory // 2),
    )
    square, pushes = (found.residual, found.residual_pushes) if pair.is_centred else (found.square, found.pushes)
    return Value(square, influence=None if pushes is None else lambda: pushes, through="root")


@dataclass(frozen=True)
class Projected:
    """One side along some lines.

    Parameters
    ----------
    values : Tensor of shape (l, m), float32
        Increasing along each line.
    order : Tensor of shape (l, m), int32, optional
        Row of each value.
    """

    values: Tensor
    order: Tensor | None


@dataclass(frozen=True)
class Sliced:
    """Means over the lines.

    Parameters
    ----------
    square, residual : float
        Squared distance, as it is and after each side's mean is removed.
    pushes, residual_pushes : (Tensor of shape (n_x,), Tensor of shape (n_y,)), optional
        How much each clip pushes them, to first order: float64, mean 0.
    """

    square: float
    residual: float
    pushes: tuple[Tensor, Tensor] | None = None
    residual_pushes: tuple[Tensor, Tensor] | None = None


def lines(target: Cloud, n_projections: int, seed: int) -> Tensor:
    """Random directions for rows of this width, length one, shape (l, d)."""
    n_projections = whole("sliced Wasserstein: n_projections", n_projections, 1)
    drawn = torch.randn(n_projections, target.base.shape[1], generator=generator(seed), dtype=torch.float64)
    drawn /= torch.linalg.vector_norm(drawn, dim=1, keepdim=True)
    return drawn.float().to(target.base.device)


def seen_from(origin: Tensor, side: Cloud) -> Cloud:
    """The rows as differences from a point near them: float32 then carries these and not the offset."""
    return side.changed(lambda rows: (rows - origin).to(rows.dtype))


def project(side: Cloud, along: Tensor, *, order: bool) -> Projected:
    """Sorted projections of all rows."""
    return ordered(projections(side, along), order=order)


def projections(side: Cloud, along: Tensor) -> Tensor:
    """Where all rows lie along each line, (l, m)."""
    values = along.new_empty(len(along), len(side.base))
    for part in row_blocks(side.base):
        values[:, part] = product(along, side.block(part))
    return values


def ordered(values: Tensor, *, order: bool) -> Projected:
    """Projections in order; without their rows they are sorted in place."""
    if not bool(torch.isfinite(values.sum(dtype=torch.float64))):
        raise InputError("source, target: rows are too far apart for float32; scale both by one number")
    if values.device.type != "cpu":
        ordered, index = values.sort(dim=1)
        return Projected(ordered, index.int() if order else None)
    # numpy sorts several times as fast as torch does.
    array = values.numpy()
    if not order:
        array.sort(axis=1)
        return Projected(values, None)
    places = np.argsort(array, axis=1)
    return Projected(
        torch.from_numpy(np.take_along_axis(array, places, axis=1)), torch.from_numpy(places.astype(np.int32))
    )


def sliced(
    both: Pair,
    along: Tensor,
    *,
    pushes: bool = False,
    known: Projected | None = None,
    max_memory: int = 2**28,
) -> Sliced:
    """Sliced distance of two sides, in blocks of lines.

    Parameters
    ----------
    both : Pair
    along : Tensor of shape (l, d)
        Directions.
    pushes : bool
        Also find what each clip adds.
    known : Projected, optional
        The target, seen from its mean, along all lines, with its order.
    max_memory : int
        Bytes that the blocks may take.
    """
    x, y = (seen_from(both.y.mean, side) for side in (both.x, both.y))
    uneven = not (_even(x) and _even(y))
    # Values, order, levels and the union of both sides, most of them in 8 bytes.
    device, rows = x.base.device, len(x.base) + len(y.base)
    max_memory = memory_limit(max_memory)
    width = max(1, max_memory // (100 * rows))
    # Lines that one pass over the rows serves: their places alone take little.
    wide = max(1, max_memory // (16 * rows) // width) * width
    sums = torch.zeros(2, dtype=torch.float64, device=device)
    totals = [[torch.zeros(len(c.base), dtype=torch.float64, device=device) for c in (x, y)] for _ in range(2)]
    for start in range(0, len(along), width):
        if start % wide == 0:
            at_x = projections(x, along[start : start + wide])
            at_y = at_x if known is not None else projections(y, along[start : start + wide])
        part, here = slice(start, start + width), slice(start % wide, start % wide + width)
        left = ordered(at_x[here], order=pushes or uneven)
        right = ordered(at_y[here], order=pushes or uneven) if known is None else _part(known, part)
        a, b = _quantiles(x, left), _quantiles(y, right)
        gap, mass = coupling(a, b)
        offset = (gap * mass).sum(dim=1, keepdim=True)
        sums[0] += (gap.square() * mass).sum()
        sums[1] += ((gap - offset).square() * mass).sum()
        if pushes:
            for total, moved in ((totals[0], b), (totals[1], Quantiles(b.values + offset, b.upto))):
                _add_rows(total[0], left, potential(a, moved))
                _add_rows(total[1], right, potential(moved, a))
    square, residual = (float(value) / len(along) for value in sums)
    if not pushes:
        return Sliced(square, residual)
    means = [tuple(c.per_clip(t) / len(along) for c, t in zip((x, y), ts, strict=True)) for ts in totals]
    (px, py), (rx, ry) = means
    return Sliced(square, residual, (px - px.mean(), py - py.mean()), (rx - rx.mean(), ry - ry.mean()))


def _even(side: Cloud) -> bool:
    """Every row weighs the same."""
    return side.single or bool((side.share == side.share[0]).all())


def _part(side: Projected, part: slice) -> Projected:
    return Projected(side.values[part], None if side.order is None else side.order[part])


def _quantiles(side: Cloud, projected: Projected) -> Quantiles:
    if _even(side):
        return Quantiles(projected.values.double(), None)
    assert projected.order is not None
    upto = (side.share / side.n)[projected.order].cumsum(dim=1)
    upto[:, -1] = 1
    return Quantiles(projected.values.double(), upto)


def _add_rows(total: Tensor, projected: Projected, values: Tensor) -> None:
    assert projected.order is not None
    # Constants differ by line, and only the sum over the lines is centred: no line may outweigh the others.
    values = values - values.mean(dim=1, keepdim=True)
    total.index_add_(0, projected.order.flatten(), values.flatten())
