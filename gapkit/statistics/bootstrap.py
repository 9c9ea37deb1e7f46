"""The bootstrap: clips are drawn again with replacement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError
from gapkit.given import whole

LEAST_ITEMS = 5
"""Items of a side below which there is no interval: the whole range of 4 values covers their median in 87 % of cases,
and a resample of one item over and over has no value for most metrics."""


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
    n, n_resamples = whole("bootstrap: n", n, 1), whole("bootstrap: n_resamples", n_resamples)
    for part in np.atleast_1d(np.asarray(seed)).tolist():
        whole("bootstrap: seed", part)
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
