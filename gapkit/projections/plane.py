"""What every method of projection answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Parts = Mapping[str, slice]
"""Which rows belong to which cloud."""


@dataclass(frozen=True)
class Plane:
    """All rows in a plane.

    Parameters
    ----------
    coordinates : array of shape (N, 2)
    axes : pair of str
    explained : pair of float, optional
        Shares of the variance of all rows.
    params : mapping
    """

    coordinates: NDArray[np.floating[Any]]
    axes: tuple[str, str]
    explained: tuple[float, float] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
