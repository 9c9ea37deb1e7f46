"""How a distance of two centred sides follows their means, which are estimates as well.

A resample has means of its own. What it measures after they are removed is, to first order, what the clips add with the
means held still, and what the shift of the means adds. Without the second part the draws of a residual distance would
also hold the chance of the offset, which is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gapkit.metrics._kernels import ClipSums, Kernel
from gapkit.metrics._sides import Cloud, Sides, row_blocks

SLOPE = " slope"
"""Ends the name of the kernel that tells how another changes under a shift."""


@dataclass(frozen=True)
class Slope:
    """What each clip adds to half a squared distance by moving the mean of its side.

    Parameters
    ----------
    x : Tensor of shape (n,), float64
    y : Tensor of shape (m,), float64
    """

    x: Tensor
    y: Tensor


def slope_of(both: Sides, kernel: Kernel, cross: ClipSums) -> Slope:
    """Slope of the mean kernel between the centred sides.

    For a kernel of the distance r, a shift by t moves k(x - y) by k'(r) / r (x - y) . t. For a Gaussian of one width
    k'(r) / r is -k / width^2: its own sums tell it.

    Parameters
    ----------
    both : Sides
        With their means.
    kernel : Kernel
        "gaussian" of one width, or the slope of the kernel in question.
    cross : ClipSums
        Of that kernel between the centred sides.
    """
    x, y = both.x.centred, both.y.centred
    pairs = x.n * (y.n - 1 if both.paired else y.n)
    gradient = (_weighed(y, cross.by_row[1]) - _weighed(x, cross.by_row[0])) / (kernel.widths[0] ** 2 * pairs)
    return Slope(_along(x, gradient), -_along(y, gradient))


def _weighed(side: Cloud, sums: Tensor) -> Tensor:
    """Sum over clips of the mean of their rows times a number, (d,), float64."""
    total = sums.new_zeros(side.base.shape[1])
    for part in row_blocks(side.base):
        total += (side.share[part] * sums[part]) @ side.block(part).double()
    return total


def _along(side: Cloud, direction: Tensor) -> Tensor:
    """Mean of each clip's rows along a direction, (n,), float64."""
    values = direction.new_empty(len(side.base))
    for part in row_blocks(side.base):
        values[part] = side.block(part).double() @ direction
    return side.per_clip(values)
