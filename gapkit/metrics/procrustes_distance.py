"""Procrustes distance: what is left between two clouds when one may be rotated onto the other."""

from __future__ import annotations

import torch

from gapkit.arrays import ArrayLike
from gapkit.metrics.cka import outer_product
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value


def procrustes_distance(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Share of the variance that no shift, scaling and orthogonal map of one cloud makes the other.

    Both sides are centred and scaled to unit Frobenius norm; the value is 1 - s^2 with s the sum of the singular
    values of X'Y, the smallest of |X - a Y Q|^2 over scales a and orthogonal maps Q. A clip with several targets
    stands at their mean.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.

    Returns
    -------
    float
        In [0, 1]; lower is better: 0 where one side is the other but for rotation, scale and shift, 1 where one side is
        a single point. It does not see the gap. With fewer clips than dimensions unrelated clouds come near 0: there
        are more rotations than clips. Cost n d^2 + d^3.

    Raises
    ------
    InputError

    References
    ----------
    Gower (1975), Generalized Procrustes analysis, Psychometrika 40; the disparity of `scipy.spatial.procrustes`.
    Ding et al. (2021), Grounding representation similarity through statistical testing, NeurIPS.

    Examples
    --------
    >>> round(procrustes_distance([[0, 0], [1, 0], [0, 2]], [[5, 5], [5, 7], [1, 5]]), 6)
    0.0
    """
    return procrustes_distance_of(pair_of(source, target, owner, paired=True)).value


@metric(
    "procrustes-distance",
    label="Procrustes distance",
    place=610,
    group="preservation",
    better="lower",
    best=0.0,
    range=(0.0, 1.0),
    cost="n d^2",
    reference="Gower (1975), Generalized Procrustes analysis",
    default=False,
    definition="Share of the variance left when source and mean targets are centred, scaled and rotated together.",
    function=procrustes_distance,
)
def procrustes_distance_of(pair: Pair) -> Value:
    """One less the square of the singular values' sum; it has no interval."""
    fit = float(torch.linalg.svdvals(outer_product(pair)).sum()) / pair.x.n
    return Value(min(1.0, max(0.0, 1 - fit**2)))
