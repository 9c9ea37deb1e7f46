"""Energy distance: how much farther rows of different sides are from each other than rows of one side."""

from __future__ import annotations

from gapkit.arrays import ArrayLike
from gapkit.metrics._kernels import Kernel, clip_sums
from gapkit.metrics._sides import Sides, sides
from gapkit.metrics.mmd import squared_mmd


def energy_distance(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    max_memory: int = 2**27,
) -> float:
    """Energy distance 2 E|x - y| - E|x - x'| - E|y - y'|, unbiased, no root taken.

    It is the squared MMD of the kernel -|x - y|: no width to choose, and it grows with the distance of clouds without
    a limit. Every mean is over different clips, as in `mmd`: with paired clips |x_i - y_i| is left out.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    paired : bool, optional
        See `mmd`.
    max_memory : int
        Bytes that the tiles may take; no matrix of all pairs is ever held. Work grows as n m d.

    Returns
    -------
    float
        In the units of the rows; 0 in expectation where the distributions agree (an estimate may be slightly
        negative), otherwise above; lower is nearer. `scipy.stats.energy_distance` is the root of the biased version.

    Raises
    ------
    InputError

    References
    ----------
    Szekely & Rizzo (2013), Energy statistics, J. Stat. Plan. Inference 143.
    Sejdinovic et al. (2013), Equivalence of distance-based and RKHS-based statistics, arXiv:1207.6076.

    Examples
    --------
    >>> energy_distance([[0.0], [0.0]], [[3.0], [3.0]])
    6.0
    """
    return energy(sides(source, target, owner, paired=paired), max_memory=max_memory)


def energy(both: Sides, *, max_memory: int = 2**27) -> float:
    """Energy distance of two sides that are checked."""
    unit = unit_length(both)
    kernel = [Kernel("distance", (unit,))]
    (xx,) = clip_sums(both.x, None, kernel, drop_same=True, max_memory=max_memory)
    (yy,) = clip_sums(both.y, None, kernel, drop_same=True, max_memory=max_memory)
    (xy,) = clip_sums(both.x, both.y, kernel, drop_same=both.paired, max_memory=max_memory)
    return unit * squared_mmd(xx, yy, xy, estimator="paired" if both.paired else "unbiased")


def unit_length(both: Sides) -> float:
    """A length near that of the rows: squares of very large or small numbers leave the range of float32."""
    return max(side.reach(both.y.mean) for side in (both.x, both.y)) or 1.0
