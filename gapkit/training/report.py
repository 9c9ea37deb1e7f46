"""The course of a training: its looks, and the step whose weights were kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Look = tuple[int, float, float]
"""Step, mean training loss since the look before, held-out score (NaN without one); lower is better."""


@dataclass(frozen=True)
class TrainingReport:
    """Outcome of a training.

    Attributes
    ----------
    steps : int
        Steps done.
    best_step : int
        Step whose weights were kept.
    losses : tuple of (int, float, float)
        At each look: step, mean training loss since the look before, held-out score (NaN without one).
    earlier_seconds : float
        Seconds that the parts of a resumed training took before this one.
    """

    steps: int
    best_step: int
    losses: tuple[Look, ...]
    earlier_seconds: float = field(default=0.0, compare=False)

    def note(self) -> str:
        """The look whose weights were kept, in a few words."""
        return note_of(next((look for look in self.losses if look[0] == self.best_step), (0, math.nan, math.nan)))


def note_of(look: Look) -> str:
    """A look in a few words."""
    _, trained, held = look
    return f"loss {trained:.3f}" + ("" if math.isnan(held) else f", held-out {held:.3f}")
