"""Which of several rows cannot be told from the best one, and which difference the items could show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from gapkit.statistics import Difference, holm, holm_against_best, paired_difference

LEVEL = 0.05
"""Adjusted p-value below which a difference is measurable."""
POWER = 0.975
"""Chance of showing the difference that `Standing.shows` names."""


@dataclass(frozen=True)
class Score:
    """A number of one row, higher is better, and its draws on the resamples that all rows share.

    `units` are the independent items behind it, or the effective number of their groups.
    """

    value: float
    draws: NDArray[np.float64] | None = None
    units: float = math.inf


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
    errors : mapping of str to float
        Standard errors of these differences.
    freedom : float
        Degrees of freedom of their tests.
    """

    best: str
    behind: Mapping[str, Difference]
    alike: tuple[str, ...]
    errors: Mapping[str, float]
    freedom: float

    @property
    def told_apart(self) -> bool:
        """True where some row is measurably worse than the best."""
        return len(self.alike) <= len(self.behind)

    def shows(self, row: str) -> float:
        """Smallest difference from the best that these items show with a chance of `POWER`.

        Parameters
        ----------
        row : str
            For the best itself, the difference of the row that cannot be told from it and varies most.
        """
        others = [row] if row != self.best else [name for name in self.behind if name in self.alike] or [*self.behind]
        pairs = len(self.behind) * (len(self.behind) + 1) / 2
        steps = t.ppf(1 - LEVEL / 2 / pairs, self.freedom) + t.ppf(POWER, self.freedom)
        return max(self.errors[name] for name in others) * float(steps)


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
    errors = {name: _error(known[best], known[name]) for name in others}
    return Standing(best, behind, alike, errors, _freedom(known[best]))


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
    """The first minus the second on the same resamples; p is that of a t-test with their standard error.

    Where nothing varies nothing can be told apart, and p is 1.
    """
    assert one.draws is not None
    assert other.draws is not None
    found = paired_difference(one.draws, other.draws, value=one.value - other.value)
    error = _error(one, other)
    p = 2 * float(t.sf(abs(found.value) / error, _freedom(one))) if error > 0 else 1.0
    return Difference(found.value, found.low, found.high, p, found.n_draws)


def _error(one: Score, other: Score) -> float:
    assert one.draws is not None
    assert other.draws is not None
    # A resample of u units varies as their spread over u, not over u - 1.
    widened = 1.0 if math.isinf(one.units) else math.sqrt(one.units / max(one.units - 1, 1))
    return widened * float(np.std(one.draws - other.draws, ddof=1)) if len(one.draws) > 1 else 0.0


def _freedom(own: Score) -> float:
    return max(own.units - 1, 1.0) if math.isfinite(own.units) else 1e6
