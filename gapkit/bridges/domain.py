"""Distance of new rows from the fitted ones: one number with its threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import slices
from gapkit.bridges.row_prints import unit
from gapkit.memory_map import file_of, let_go

LEAST = 0.25
"""Distance that no number of rows makes a warning of: other splits of one set stay below 0.05."""
ALARMS = 0.001
"""Share of false alarms, were there no `LEAST`."""
SAMPLE = 1000
"""Rows that the number of directions is estimated from."""


@dataclass(frozen=True)
class Outside:
    """Distance of new rows from the fitted ones.

    Parameters
    ----------
    score : float
        Squared distance of the two means, in units of the variance of the fitted rows. 0: the same mean.
    threshold : float
        Scores above it are outside: 0.25 and what chance adds with so few rows. Infinite where the fitted rows
        have no spread to measure by.
    rows : int
        New rows.
    """

    score: float
    threshold: float
    rows: int

    def __bool__(self) -> bool:
        return self.score > self.threshold


@dataclass(frozen=True, eq=False)
class Summary:
    """Where a cloud of unit rows lies and how far it spreads.

    Parameters
    ----------
    mean : array of shape (d,)
    variance : float
        Summed over the dimensions.
    directions : float
        Number of directions that the variance is spread over: its square over the sum of squared variances.
    rows : int
    """

    mean: NDArray[np.float32]
    variance: float
    directions: float
    rows: int

    @classmethod
    def of(cls, rows: NDArray[Any]) -> Summary:
        """The summary of rows, (n, d), each scaled to length one.

        The number of directions comes from products of different rows, at most `SAMPLE` of them, evenly spaced:
        one row alone says nothing of a direction.
        """
        mean, variance = _moments(rows)
        taken = unit(rows[:: -(-len(rows) // SAMPLE)]) - mean
        k = len(taken)
        products = (taken @ taken.T) ** 2
        squared = (products.sum() - np.trace(products)) / (k * (k - 1)) if k > 1 else 0.0
        # Of k centred rows no more than k - 1 directions can be seen.
        most = float(max(1, min(rows.shape[1], len(rows) - 1)))
        directions = min(max(variance**2 / squared, 1.0), most) if squared > 0 else most
        return cls(mean.astype(np.float32), variance, directions, len(rows))

    def outside(self, rows: NDArray[Any]) -> Outside:
        """Distance of other rows, (n, d), each scaled to length one, from this cloud.

        The mean of n rows of the same cloud is, squared, ``variance * (1 / n + 1 / rows)`` away on average; over
        `directions` its quantile is that of the F distribution (Satterthwaite's approximation).
        """
        from scipy.stats import f

        n = len(rows)
        if self.rows < 2 or self.variance < 1e-9:
            return Outside(0.0, math.inf, n)
        mean, _ = _moments(rows)
        score = float(((mean - self.mean) ** 2).sum()) / self.variance
        chance = f.ppf(1 - ALARMS, self.directions, self.directions * (self.rows - 1))
        return Outside(score, LEAST + (1 / n + 1 / self.rows) * float(chance), n)


def _moments(rows: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Mean of the unit rows, and their variance summed over the dimensions; block by block."""
    file, total, squares = file_of(rows), np.zeros(rows.shape[1]), 0.0
    for part in slices(*rows.shape):
        block = unit(rows[part])
        total += block.sum(axis=0)
        squares += float((block**2).sum())
        let_go(file)
    n = len(rows)
    mean = total / n
    return mean, max(0.0, squares - n * float(mean @ mean)) / max(1, n - 1)
