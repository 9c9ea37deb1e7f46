"""How much signal is left after t of T noising steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.errors import InputError
from gapkit.given import MUST, whole

N_STEPS = 1000
"""T, as in DDPM (Ho et al., 2020)."""


@dataclass(frozen=True)
class Schedule:
    """A variance-preserving noising process: ``x_t = signal(t) x_0 + noise(t) e`` with e standard normal.

    Parameters
    ----------
    alpha_bar : Tensor of shape (T + 1,), float64
        Share of variance that is signal at t = 0, ..., T: 1 at t = 0 (clean), falling to near 0 at T.
    """

    alpha_bar: Tensor

    @property
    def n_steps(self) -> int:
        """T."""
        return len(self.alpha_bar) - 1

    def signal(self, t: Tensor | int | slice) -> Tensor:
        """Factor of the clean vector, ``sqrt(alpha_bar)``."""
        return self.alpha_bar[t].sqrt()

    def noise(self, t: Tensor | int | slice) -> Tensor:
        """Factor of the noise, ``sqrt(1 - alpha_bar)``."""
        return (1 - self.alpha_bar[t]).sqrt()

    def snr(self, t: Tensor | int | slice) -> Tensor:
        """Signal-to-noise ratio ``alpha_bar / (1 - alpha_bar)``; infinite at t = 0."""
        return self.alpha_bar[t] / (1 - self.alpha_bar[t])

    def times(self, start: int, steps: int) -> list[int]:
        """Evenly spaced times from `start` down to 0, ``steps + 1`` of them.

        Raises
        ------
        InputError
            `start` outside 1..T, more steps than times, or what is no whole number.

        Examples
        --------
        >>> cosine_schedule().times(600, 5)
        [600, 480, 360, 240, 120, 0]
        """
        given: dict[str, object] = {"start": start, "sample_steps": steps}
        for name, value in given.items():
            whole(name, value, None, says=MUST)
        if not 1 <= start <= self.n_steps:
            raise InputError(f"start must lie in 1..{self.n_steps} (steps of the schedule), got {start}")
        if not 1 <= steps <= start:
            raise InputError(f"sample_steps must lie in 1..{start} (the start step), got {steps}")
        return [round(start * (1 - i / steps)) for i in range(steps + 1)]


def cosine_schedule(n_steps: int = N_STEPS, offset: float = 0.008) -> Schedule:
    """Nichol & Dhariwal (2021): ``alpha_bar(t) = cos^2((t/T + s) / (1 + s) pi/2)``, scaled to 1 at t = 0.

    No step removes more than 99.9 % of the variance, as in the paper, so that the last alpha_bar stays above 0.
    """
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    keep = (f[1:] / f[:-1]).clamp(min=0.001)
    return Schedule(torch.cat([torch.ones(1, dtype=torch.float64), keep.cumprod(0)]))


def linear_schedule(n_steps: int = N_STEPS, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """Ho et al. (2020): beta rises linearly from 1e-4 to 0.02 (given for T = 1000 and scaled with 1000 / T)."""
    scale = N_STEPS / n_steps
    beta = torch.linspace(first * scale, min(last * scale, 0.999), n_steps, dtype=torch.float64)
    return Schedule(torch.cat([torch.ones(1, dtype=torch.float64), (1 - beta).cumprod(0)]))


SCHEDULES: dict[str, Callable[[int], Schedule]] = {"cosine": cosine_schedule, "linear": linear_schedule}


def make_schedule(name: str, n_steps: int = N_STEPS) -> Schedule:
    """A schedule by name: ``"cosine"`` or ``"linear"``.

    Raises
    ------
    InputError
    """
    if not isinstance(name, str) or name not in SCHEDULES:
        raise InputError(f"unknown schedule {name!r}: known are {', '.join(SCHEDULES)}")
    return SCHEDULES[name](n_steps)
