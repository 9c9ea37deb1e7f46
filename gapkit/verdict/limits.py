"""Limits of a column: chance and ceiling of retrieval, and the floor that two samples of targets read."""

from __future__ import annotations

import math
from dataclasses import dataclass

FLOOR_ROW, CEILING_ROW = "target-split-half", "oracle-target"
"""Anchors that are measured for it: targets against targets, and each item at its own target."""
SAME = 0.9
"""A floor of this share of the items of the table is one of the same n."""
SATURATED = 0.99
"""Retrieval of this and more before any bridge has no room for a better one."""


@dataclass(frozen=True)
class Floor:
    """What targets read against other targets.

    Parameters
    ----------
    value, low, high : float
        Mean over halvings, and the middle 95 % of them.
    n : int
        Items a side.
    same_n : bool
        The rows of the table have as many.
    """

    value: float
    low: float
    high: float
    n: int
    same_n: bool

    @property
    def level(self) -> float:
        """The value that none is better than. Of fewer items it is known as a band alone, and its low end counts."""
        return self.value if self.same_n or not math.isfinite(self.low) else self.low


def rank_cut(metric: str) -> int | None:
    """The k of ``recall@k``; None for other metrics."""
    name, at, k = metric.partition("@")
    return int(k) if name == "recall" and at and k.isdecimal() else None


def chance_of_recall(k: int, n: int, targets: int) -> float:
    """Recall at k of an order drawn at random, where each of `n` items has as many of the `targets` as any other.

    Examples
    --------
    >>> chance_of_recall(10, 1000, 1000)
    0.01
    >>> round(chance_of_recall(10, 1000, 5000), 5)
    0.00996
    """
    own = targets / n
    missed = 1.0
    for place in range(min(k, targets)):
        missed *= max(0.0, targets - own - place) / (targets - place)
    return round(1.0 - missed, 12)
