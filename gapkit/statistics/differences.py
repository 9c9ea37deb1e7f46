"""Two numbers measured on the same clips: how far apart they are, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError
from gapkit.statistics.bootstrap import percentile_interval
from gapkit.statistics.multiplicity import holm

PValue = Literal["draws", "normal"]
"""How a p-value is read off the draws: counted, or by their standard error and the normal distribution."""


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
        Two-sided bootstrap p-value; counted among draws it lies in [2 / (B + 1), 1].
    n_draws : int
        Number of resamples, B.
    """

    value: float
    low: float
    high: float
    p: float
    n_draws: int


def paired_difference(
    draws_a: ArrayLike,
    draws_b: ArrayLike,
    *,
    value: float | None = None,
    level: float = 0.95,
    p: PValue = "draws",
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
    p : {"draws", "normal"}
        "draws": twice the smaller share of draws on either side of zero, counted as (k + 1) / (B + 1), so that it is
        never 0 (the interval of level 1 - p just reaches zero). "normal": chance of a normal variable at least as
        many standard errors (of the drawn differences) from zero as the value. Counted, no p is below 2 / (B + 1),
        which a correction for many comparisons multiplies; by the standard error there is no such floor.

    Returns
    -------
    Difference

    Raises
    ------
    InputError
        No draws, different numbers of them, or an unknown `p`.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, sections 4.4 and 5.2.

    Examples
    --------
    >>> paired_difference([3, 4, 5], [1, 1, 1]).p
    0.5
    >>> round(paired_difference([3, 4, 5], [1, 1, 1], p="normal").p, 4)
    0.0027
    """
    if p not in get_args(PValue):
        raise InputError(f"paired difference: p: expected one of {', '.join(get_args(PValue))}, got {p!r}")
    a, b = np.asarray(draws_a, dtype=np.float64), np.asarray(draws_b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise InputError(
            f"paired difference: expected draws of the same resamples, got shapes {a.shape} and {b.shape}; "
            "measure both against one reference"
        )
    difference = a - b
    low, high = percentile_interval(difference, level)
    observed = float(difference.mean()) if value is None else value
    found = _counted(difference) if p == "draws" else _normal(observed, difference)
    return Difference(observed, low, high, found, len(difference))


def _counted(difference: NDArray[np.float64]) -> float:
    if not np.isfinite(difference).all():
        return float("nan")
    extreme = min(int((difference <= 0).sum()), int((difference >= 0).sum()))
    return min(1.0, 2 * (extreme + 1) / (len(difference) + 1))


def _normal(value: float, difference: NDArray[np.float64]) -> float:
    error = float(difference.std(ddof=1)) if len(difference) > 1 else float("nan")
    if value == 0:
        return 1.0
    # Without any spread there is no saying how far from zero the value is.
    return math.erfc(abs(value) / error / math.sqrt(2)) if error > 0 else float("nan")


def paired_tests(
    values: ArrayLike,
    draws_a: Sequence[ArrayLike],
    draws_b: Sequence[ArrayLike],
    *,
    n: ArrayLike,
    p: PValue = "draws",
) -> dict[str, NDArray[np.float64]]:
    """Many paired differences as one family.

    Parameters
    ----------
    values : array-like of shape (k,)
        Observed differences, first minus second.
    draws_a, draws_b : sequences of k array-likes of shape (B,)
        Draws of both numbers on the same resamples; both empty where a number has none.
    n : array-like of shape (k,) or int
        Number of clips behind each, or effective number of groups where groups were drawn.
    p : {"draws", "normal"}
        See `paired_difference`.

    Returns
    -------
    dict of str to array of shape (k,)
        ``difference``, ``low``, ``high`` (95 % interval), ``p``, ``p_holm`` (adjusted over all that have one) and
        ``effect``, the difference in standard deviations of its clips, or of the means of its groups where groups were
        drawn: ``value / (sqrt(n) sd(drawn differences))``. For a number that is a mean over clips that is
        `standardised_difference`, up to the noise of the bootstrap. All but
        the difference are NaN without draws; the effect is 0 where nothing differs.

    Raises
    ------
    InputError
        Different numbers of draws, or an unknown `p`.

    Examples
    --------
    >>> paired_tests([2.0, 0.5], [[2, 3, 4], []], [[1, 1, 1], []], n=10)["p_holm"]
    array([0.5, nan])
    """
    values = np.asarray(values, dtype=np.float64)
    numbers = np.broadcast_to(np.asarray(n, dtype=np.float64), values.shape)
    found: dict[str, NDArray[np.float64]] = {"difference": values}
    found |= {name: np.full(len(values), np.nan) for name in ("low", "high", "p", "p_holm", "effect")}
    for k, (a, b) in enumerate(zip(draws_a, draws_b, strict=True)):
        if not np.size(a) and not np.size(b):
            continue
        test = paired_difference(a, b, value=float(values[k]), p=p)
        found["low"][k], found["high"][k], found["p"][k] = test.low, test.high, test.p
        spread = np.sqrt(numbers[k]) * np.std(np.subtract(a, b), ddof=1) if test.n_draws > 1 else np.nan
        if values[k] == 0:
            found["effect"][k] = 0.0
        elif spread > 0:
            found["effect"][k] = values[k] / spread
    known = np.isfinite(found["p"])
    found["p_holm"][known] = holm(found["p"][known])
    return found
