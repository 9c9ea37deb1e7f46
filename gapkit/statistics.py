"""How sure a number is: the bootstrap, paired differences and many comparisons. The unit is always a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError


@dataclass(frozen=True)
class Difference:
    """What `paired_difference` found.

    Parameters
    ----------
    value : float
        First minus second.
    low, high : float
        Percentile interval of the difference.
    p : float
        Two-sided bootstrap p-value, in [1 / (B + 1), 1].
    n_draws : int
        Number of resamples, B.
    """

    value: float
    low: float
    high: float
    p: float
    n_draws: int


def bootstrap_weights(n: int, n_resamples: int, seed: int | Sequence[int]) -> NDArray[np.float32]:
    """How often each of `n` clips occurs in each of `n_resamples` resamples of `n` clips.

    Parameters
    ----------
    n : int
        Number of clips.
    n_resamples : int
        Number of resamples, B; 0 is allowed.
    seed : int or sequence of int
        The same seed gives the same weights.

    Returns
    -------
    array of shape (B, n)
        Whole numbers, each row sums to `n`: one matrix product with it resamples a mean B times.

    Raises
    ------
    InputError
        n < 1 or n_resamples < 0.

    References
    ----------
    Efron (1979), Bootstrap methods: another look at the jackknife.

    Examples
    --------
    >>> bootstrap_weights(5, 3, seed=0).sum(axis=1)
    array([5., 5., 5.], dtype=float32)
    """
    if n < 1 or n_resamples < 0:
        raise InputError(f"bootstrap: expected at least 1 clip and 0 resamples, got {n} and {n_resamples}")
    rng = np.random.default_rng(seed)
    weights = np.empty((n_resamples, n), dtype=np.float32)
    for row in weights:
        row[:] = np.bincount(rng.integers(0, n, size=n), minlength=n)
    return weights


def percentile_interval(draws: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap draws; (NaN, NaN) without draws or where one is not a number.

    Parameters
    ----------
    draws : array-like of shape (B,)
    level : float
        Share of the draws inside, in (0, 1).

    Returns
    -------
    low, high : float

    Raises
    ------
    InputError
        `level` outside (0, 1).

    Examples
    --------
    >>> percentile_interval(range(101), level=0.5)
    (25.0, 75.0)
    """
    if not 0 < level < 1:
        raise InputError(f"interval: level must lie between 0 and 1, got {level}")
    values = np.asarray(draws, dtype=np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(
    draws_a: ArrayLike, draws_b: ArrayLike, *, value: float | None = None, level: float = 0.95
) -> Difference:
    """Difference of two numbers whose draws come from the same resamples.

    Draw i of both must use the same clips: what the two have in common then cancels, and the interval of the
    difference is narrower than the two intervals suggest.

    Parameters
    ----------
    draws_a, draws_b : array-like of shape (B,)
    value : float, optional
        Observed difference; left out, the mean of the drawn differences.
    level : float

    Returns
    -------
    Difference
        p is twice the smaller share of draws on either side of zero, counted as (k + 1) / (B + 1), so that it is
        never 0.

    Raises
    ------
    InputError
        No draws, or different numbers of them.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, section 4.4.

    Examples
    --------
    >>> paired_difference([3, 4, 5], [1, 1, 1]).p
    0.5
    """
    a, b = np.asarray(draws_a, dtype=np.float64), np.asarray(draws_b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise InputError(
            f"paired difference: expected draws of the same resamples, got shapes {a.shape} and {b.shape}; "
            "measure both against one reference"
        )
    difference = a - b
    low, high = percentile_interval(difference, level)
    extreme = min(int((difference <= 0).sum()), int((difference >= 0).sum()))
    p = min(1.0, 2 * (extreme + 1) / (len(difference) + 1)) if np.isfinite(difference).all() else float("nan")
    return Difference(float(difference.mean()) if value is None else value, low, high, p, len(difference))


def holm(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the number of comparisons (family-wise, any dependence).

    Parameters
    ----------
    pvalues : array-like of shape (k,)

    Returns
    -------
    array of shape (k,)
        Adjusted p-values in the order given.

    Raises
    ------
    InputError
        A p-value outside [0, 1].

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(pvalues, dtype=np.float64).ravel()
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("holm: expected p-values in [0, 1]")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted
