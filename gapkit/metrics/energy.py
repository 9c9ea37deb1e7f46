"""Energy distance: how much farther rows of different sides are from each other than rows of one side."""

from __future__ import annotations

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit
from gapkit.metrics.kernel_distance import kernel_distance
from gapkit.metrics.kernels import Kernel, Kernels
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Value


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
    pair = pair_of(source, target, owner, paired=paired, max_memory=4 * memory_limit(max_memory))
    return energy_distance_of(pair).value


def _distance(unit: float) -> Kernel:
    return Kernel("distance", (unit,))


@metric(
    "energy-distance",
    label="Energy distance",
    place=240,
    group="closure",
    better="lower",
    best=0.0,
    needs_pairs=False,
    cost="n^2 d",
    reference="Szekely & Rizzo (2013), Energy statistics",
    default=False,
    definition="2 E|x - y| - E|x - x'| - E|y - y'| over different clips, no root taken.",
    kernels=Kernels(_distance),
    function=energy_distance,
    residual=Residual(
        "Residual energy distance",
        "Energy distance between rows of different folds after each fold's mean is removed.",
        place=280,
        centring="folds",
    ),
)
def energy_distance_of(pair: Pair) -> Value:
    """Squared distance by the kernel -|x - y|, taken in units of the width of the table or of the rows."""
    unit = unit_length(pair) if pair.width is None else pair.width
    return kernel_distance(pair, _distance(unit)).times(unit)


def unit_length(pair: Pair) -> float:
    """A length near that of the rows: squares of very large or small numbers leave the range of float32."""
    return max(side.reach(pair.y.mean) for side in (pair.x, pair.y)) or 1.0
