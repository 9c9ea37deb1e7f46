"""Which of several rows cannot be told from the best one, and which difference the items could show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from gapkit.statistics import Difference, holm, holm_against_best, paired_difference

LEVEL = 0.05
"""Adjusted p-value below which a difference is measurable."""
POWER = 0.975
"""Chance of showing the difference that `Standing.shows` names."""


@dataclass(frozen=True)
class Score:
    """A number of one row, higher is better, and its draws on the resamples that all rows share."""

    value: float
    draws: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Standing:
    """Rows beside the best of them.

    Parameters
    ----------
    best : str
        The row of the highest value.
    behind : mapping of str to Difference
        The best minus each other row; p is adjusted for all pairs among which the best was found.
    alike : tuple of str
        Rows that cannot be told from the best, the best among them.
    shows : float
        Smallest difference that these items show with a chance of `POWER`, for the pair that varies most.
    """

    best: str
    behind: Mapping[str, Difference]
    alike: tuple[str, ...]
    shows: float

    @property
    def told_apart(self) -> bool:
        """True where some row is measurably worse than the best."""
        return len(self.alike) <= len(self.behind)


def standing(scores: Mapping[str, Score]) -> Standing | None:
    """Hold all rows against the best; None where fewer than two have a value with draws.

    Parameters
    ----------
    scores : mapping of row to Score
    """
    known = {name: own for name, own in scores.items() if math.isfinite(own.value) and own.draws is not None}
    if len(known) < 2:
        return None
    best = max(known, key=lambda name: known[name].value)
    others = [name for name in known if name != best]
    found = [difference(known[best], known[name]) for name in others]
    adjusted = holm_against_best([own.p for own in found])
    behind = {
        name: Difference(own.value, own.low, own.high, float(p), own.n_draws)
        for name, own, p in zip(others, found, adjusted, strict=True)
    }
    alike = tuple(name for name in known if name == best or behind[name].p >= LEVEL)
    spread = max(_error(known[best], known[name]) for name in others if name in alike or len(alike) == 1)
    pairs = len(known) * (len(known) - 1) / 2
    shows = spread * float(norm.ppf(1 - LEVEL / 2 / pairs) + norm.ppf(POWER))
    return Standing(best, behind, alike, shows)


def differences(scores: Mapping[str, Score], base: Score) -> dict[str, Difference]:
    """Each row minus `base`, p adjusted for their number (Holm); rows without draws are left out.

    Parameters
    ----------
    scores : mapping of row to Score
    base : Score
    """
    if base.draws is None or not math.isfinite(base.value):
        return {}
    known = {name: own for name, own in scores.items() if math.isfinite(own.value) and own.draws is not None}
    found = {name: difference(own, base) for name, own in known.items()}
    adjusted = holm([own.p for own in found.values()])
    return {
        name: Difference(own.value, own.low, own.high, float(p), own.n_draws)
        for (name, own), p in zip(found.items(), adjusted, strict=True)
    }


def difference(one: Score, other: Score) -> Difference:
    """The first minus the second on the same resamples; where nothing varies nothing can be told apart, and p is 1."""
    assert one.draws is not None
    assert other.draws is not None
    found = paired_difference(one.draws, other.draws, value=one.value - other.value, p="normal")
    return found if math.isfinite(found.p) else Difference(found.value, found.low, found.high, 1.0, found.n_draws)


def _error(one: Score, other: Score) -> float:
    assert one.draws is not None
    assert other.draws is not None
    return float(np.std(one.draws - other.draws, ddof=1)) if len(one.draws) > 1 else 0.0
