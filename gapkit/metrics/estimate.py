"""`Estimate`: the value of one metric with its interval."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimate:
    """One cell of a table.

    Parameters
    ----------
    value : float
        NaN where undefined.
    low, high : float
        95 % percentile interval, clips resampled; NaN without draws.
    draws : array of shape (B,), float64
        Value in each resample; empty without an interval. All rows measured against one reference use the same
        resamples, so draws of two rows may be subtracted.
    n : int
        Number of source clips.
    seconds : float
        Wall time; what metrics share counts for the first that needs it.
    why : str
        Why `value` is undefined; empty otherwise.
    clips : array of shape (n,), float64
        What each clip has, where `value` is their mean; empty otherwise.
    no_interval : str
        Why there is no interval, where the items are too few for any.
    """

    value: float
    low: float
    high: float
    draws: NDArray[np.float64] = field(repr=False)
    n: int
    seconds: float
    why: str = ""
    clips: NDArray[np.float64] = field(repr=False, default_factory=lambda: np.empty(0))
    no_interval: str = ""
