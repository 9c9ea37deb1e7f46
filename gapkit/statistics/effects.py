"""How large a difference is beside what clips differ among themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError


def standardised_difference(a: ArrayLike, b: ArrayLike) -> float:
    """Mean of the paired differences in units of their standard deviation.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        What each clip has under both; clip i of one is clip i of the other.

    Returns
    -------
    float
        0 where the mean difference is 0; infinite where all clips differ by the same amount. It does not grow with n.

    Raises
    ------
    InputError
        Fewer than two clips, shapes that differ, numbers that are not finite.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, section 2.3 (d_z).

    Examples
    --------
    >>> standardised_difference([3, 1, 2], [0, 0, 0])
    2.0
    """
    d = paired_values(a, b)
    mean, spread = float(d.mean()), float(d.std(ddof=1))
    if mean == 0:
        return 0.0
    return mean / spread if spread > 0 else float(np.copysign(np.inf, mean))


def probability_of_superiority(a: ArrayLike, b: ArrayLike) -> float:
    """Share of clips that have more under `a` than under `b`; equal ones count half.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        See `standardised_difference`.

    Returns
    -------
    float
        In [0, 1]; 0.5 where neither has more.

    Raises
    ------
    InputError

    References
    ----------
    Grissom & Kim (2012), Effect Sizes for Research, section 5 (paired probability of superiority).

    Examples
    --------
    >>> probability_of_superiority([3, 1, 2, 5], [0, 1, 4, 1])
    0.625
    """
    d = paired_values(a, b)
    return float((np.sign(d).mean() + 1) / 2)


def paired_values(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Differences clip by clip, checked."""
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape or len(left) < 2:
        raise InputError(f"effect size: expected one number a clip on both sides, got {left.shape} and {right.shape}")
    difference: NDArray[np.float64] = left - right
    if not np.isfinite(difference).all():
        raise InputError("effect size: expected finite numbers, got NaN or infinity")
    return difference
