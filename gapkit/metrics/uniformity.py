"""Uniformity: how evenly directions cover the sphere, inside a modality and of both thrown together."""

from __future__ import annotations

import math
from typing import Literal

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import positive
from gapkit.metrics._kernels import ClipSums, Kernel, clip_sums
from gapkit.metrics._sides import Cloud, Sides, directions, sides

T = 2.0
"""Weight of the squared distance."""


def uniformity(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    of: Literal["source", "target", "pooled"] = "source",
    t: float = T,
    max_memory: int = 2**27,
) -> float:
    """Logarithm of the mean of exp(-t |u - v|^2) over the directions u, v of different clips.

    Pooled, the mean of the pairs inside the source, inside the target, and twice of those across: a quarter each.
    Several targets of one clip count as their mean, and neither they nor a clip and its own targets ever meet.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Without it and with m != n the rows are unrelated.
    of : {"source", "target", "pooled"}
        Which rows.
    t : float
        Above 0.
    max_memory : int
        Bytes that the tiles may take.

    Returns
    -------
    float
        In [-4 t, 0]; lower is more even: 0 where all directions are one, about 2 t (t / d - 1) for an even cover
        of many dimensions d. Pooled, a gap raises it: both modalities then leave the rest of the sphere empty.
        Cost n^2 d.

    Raises
    ------
    InputError

    References
    ----------
    Wang & Isola (2020), Understanding contrastive representation learning through alignment and uniformity on the
    hypersphere, ICML.

    Examples
    --------
    >>> round(uniformity([[1.0, 0.0], [-1.0, 0.0]], [[1.0, 0.0], [-1.0, 0.0]]), 4)
    -8.0
    """
    if of not in ("source", "target", "pooled"):
        raise InputError(f"of: expected source, target or pooled, got {of!r}")
    both = sides(source, target, owner)
    unit = Sides(directions(both.x, "source"), directions(both.y, "target"), both.paired)
    kernel = gaussian(t)
    if of == "pooled":
        xx, yy = (pair_sums(side, None, kernel, max_memory=max_memory) for side in (unit.x, unit.y))
        xy = pair_sums(unit.x, unit.y, kernel, paired=both.paired, max_memory=max_memory)
        return math.log(pooled_mean(xx, yy, xy, paired=both.paired))
    side = unit.x if of == "source" else unit.y
    return math.log(mean_inside(pair_sums(side, None, kernel, max_memory=max_memory)))


def gaussian(t: float) -> Kernel:
    """exp(-t |u - v|^2) as a kernel by its bandwidth."""
    return Kernel("gaussian", (math.sqrt(0.5 / positive("t", t)),))


def pair_sums(a: Cloud, b: Cloud | None, kernel: Kernel, *, paired: bool = True, max_memory: int = 2**27) -> ClipSums:
    """Kernel sums over different clips of one side (`b` None) or of two."""
    return clip_sums(a, b, [kernel], drop_same=b is None or paired, max_memory=max_memory)[0]


def mean_inside(inside: ClipSums) -> float:
    """Mean kernel of different clips of one side."""
    n = len(inside.rows)
    # Rounding may carry equal directions just above 1; too far apart for the kernel is not infinitely far.
    return min(1.0, max(float(inside.rows.sum()) / (n * (n - 1)), 1e-300))


def pooled_mean(xx: ClipSums, yy: ClipSums, xy: ClipSums, *, paired: bool) -> float:
    """Mean kernel of both sides thrown together, each side counting the same."""
    n, m = len(xx.rows), len(yy.rows)
    across = float(xy.rows.sum()) / (n * (n - 1) if paired else n * m)
    return (mean_inside(xx) + mean_inside(yy) + 2 * min(1.0, across)) / 4
