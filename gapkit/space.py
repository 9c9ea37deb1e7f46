"""What `gapkit tune` may search: ranges and choices that a bridge declares for its parameters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Numbers between `low` and `high`, both included; whole ones where both ends are ints.

    Parameters
    ----------
    low, high : int or float
    log : bool
        Search in equal ratios and not in equal steps.
    """

    low: float
    high: float
    log: bool = False

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (", in equal ratios" if self.log else "")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Parameters
    ----------
    values : tuple
        Strings, numbers or booleans.
    """

    values: tuple[str | float | bool, ...]

    def __str__(self) -> str:
        return ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in self.values)


Space = dict[str, Range | Choice]
"""Parameter name to what it may be."""
