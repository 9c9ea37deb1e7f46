"""Any measure of closure after each side's mean is removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.pair import pair_of


def residual_of(
    metric: Callable[..., float],
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    **options: Any,
) -> float:
    """A measure of two sides, taken of what is left without their means.

    The offset between the means is cheap to close; this is the rest. Each side is centred by one mean, that of all its
    clips, whatever the metric. The rows then lean away from one another, by the order of 1 / n: an unbiased distance
    falls below 0, and a classifier that is fitted on some of them is misled. So `residual_mmd` and
    `residual_energy_distance` centre fold by fold and `residual_separability` sees squares; they are not this function
    of their metric.

    Parameters
    ----------
    metric : callable
        ``f(source, target, *, owner=None) -> float``, as those of `gapkit.metrics`.
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    options
        Passed on to `metric`.

    Returns
    -------
    float
        As `metric`; range and better direction are its own.

    Raises
    ------
    InputError
        As `metric`; no function, rows that do not fit.

    Examples
    --------
    >>> from gapkit.metrics import l2i
    >>> residual_of(l2i, [[0.0], [2.0]], [[5.0], [7.0]])
    0.0
    """
    if not callable(metric):
        raise InputError(f"residual: expected a function such as gapkit.metrics.l2i, got {metric!r}")
    both = pair_of(source, target, owner)
    known = {"owner": both.y.owner} if both.paired else {}
    return metric(both.x.centred.rows, both.y.centred.rows, **known, **options)
