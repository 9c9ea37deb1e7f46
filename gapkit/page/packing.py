"""Arrays as text: two bytes a number, so that ten thousand clips fit a page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

LEVELS = 65535
"""Steps between the lowest and the highest value: finer than any screen."""


def pack(values: ArrayLike, low: float, high: float) -> str:
    """Numbers as base64 of little-endian uint16, `low` as 0 and `high` as `LEVELS`.

    Parameters
    ----------
    values : array-like
        Of any shape; rows one after another. Values outside the range become its ends, NaN its lower end.
    low, high : float

    Returns
    -------
    str
    """
    span = (high - low) or 1.0
    scaled = np.clip((np.asarray(values, dtype=np.float64) - low) / span, 0.0, 1.0) * LEVELS
    return base64.b64encode(np.nan_to_num(scaled).round().astype("<u2").tobytes()).decode()


def unpack(text: str, low: float, high: float) -> Any:
    """What `pack` packed, (n,) float64, within half a step."""
    return np.frombuffer(base64.b64decode(text), dtype="<u2") / LEVELS * (high - low) + low
