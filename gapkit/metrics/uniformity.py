"""Uniformity: how evenly directions cover the sphere, inside a modality and of both thrown together."""

from __future__ import annotations

import math
from typing import Literal

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import memory_limit, positive
from gapkit.metrics.kernels import ClipSums, Kernel, Kernels
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Influence, Value

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
    pair = pair_of(source, target, owner, max_memory=4 * memory_limit(max_memory))
    kernel = _gaussian(t)
    if of == "pooled":
        return _pooled(pair.unit, kernel).value
    return _inside(pair.unit.inside(pair.unit.x if of == "source" else pair.unit.y, kernel)).value


def _gaussian(t: float) -> Kernel:
    """exp(-t |u - v|^2) as a kernel by its bandwidth."""
    return Kernel("gaussian", (math.sqrt(0.5 / positive("t", t)),))


@metric(
    "uniformity",
    label="Uniformity",
    place=620,
    group="preservation",
    better="lower",
    range=(-4 * T, 0.0),
    needs_pairs=False,
    cost="n^2 d",
    reference="Wang & Isola (2020), Alignment and uniformity on the hypersphere",
    default=False,
    definition="Log mean of exp(-2 |u - v|^2) over the directions of different clips of the source.",
    kernels=Kernels(lambda _: _gaussian(T), of_directions=True, across=False),
    function=uniformity,
)
def uniformity_of(pair: Pair) -> Value:
    """Logarithm of the mean kernel inside the source; it is linear in the items before the logarithm."""
    return _inside(pair.unit.inside(pair.unit.x, _gaussian(T)))


@metric(
    "uniformity-pooled",
    label="Uniformity, pooled",
    place=510,
    group="closure",
    better="lower",
    range=(-4 * T, 0.0),
    needs_pairs=False,
    cost="n^2 d",
    reference="Wang & Isola (2020), Alignment and uniformity on the hypersphere",
    default=False,
    definition="Log mean of exp(-2 |u - v|^2) over directions of different clips, both modalities thrown together.",
    kernels=Kernels(lambda _: _gaussian(T), of_directions=True),
)
def uniformity_pooled_of(pair: Pair) -> Value:
    """Logarithm of the mean kernel of both sides thrown together."""
    return _pooled(pair.unit, _gaussian(T))


def _inside(sums: ClipSums) -> Value:
    return Value(
        _mean_inside(sums), influence=lambda: (2 * sums.rows / (len(sums.rows) - 1), None), through="logarithm"
    )


def _pooled(unit: Pair, kernel: Kernel) -> Value:
    xx, yy, xy = unit.inside(unit.x, kernel), unit.inside(unit.y, kernel), unit.across(kernel)
    n, m, own = unit.x.n, unit.y.n, int(unit.paired)
    across = float(xy.rows.sum()) / (n * (n - 1) if unit.paired else n * m)

    def influence() -> Influence:
        return (
            (xx.rows / (n - 1) + xy.rows / (m - own)) / 2,
            (yy.rows / (m - 1) + xy.columns / (n - own)) / 2,
        )

    mean = (_mean_inside(xx) + _mean_inside(yy) + 2 * min(1.0, across)) / 4
    return Value(mean, influence=influence, through="logarithm")


def _mean_inside(inside: ClipSums) -> float:
    """Mean kernel of different clips of one side."""
    n = len(inside.rows)
    # Rounding may carry equal directions just above 1; too far apart for the kernel is not infinitely far.
    return min(1.0, max(float(inside.rows.sum()) / (n * (n - 1)), 1e-300))
