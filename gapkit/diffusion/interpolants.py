"""Paths between the two ends of a pair: what lies on them at time t, and what it tells about what is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.diffusion.denoiser import Denoiser
from gapkit.diffusion.schedule import N_STEPS, cosine_schedule


@dataclass(frozen=True)
class Interpolant:
    """``source(t) x + target(t) y + noise(t) e`` of a pair (x, y) with e standard normal.

    Stochastic interpolants (Albergo et al., 2023, arXiv 2303.08797).

    Parameters
    ----------
    source, target, noise : Tensor of shape (T + 1,)
        Factors at times 0, ..., T.
    """

    source: Tensor
    target: Tensor
    noise: Tensor

    @property
    def n_steps(self) -> int:
        """T."""
        return len(self.source) - 1

    def to(self, rows: Tensor) -> Interpolant:
        """The same in the number type and on the device of `rows`."""
        return Interpolant(self.source.to(rows), self.target.to(rows), self.noise.to(rows))

    def at(self, t: Tensor, x: Tensor, y: Tensor, e: Tensor) -> Tensor:
        """Rows at times `t` of shape (n,); x, y, e and the result have the shape (n, d)."""
        a, b, c = (factor[t].unsqueeze(1) for factor in (self.source, self.target, self.noise))
        return a * x + b * y + c * e


def straight_path(sigma: float = 0.0, n_steps: int = N_STEPS) -> tuple[Interpolant, Interpolant]:
    """The straight line ``(1 - t) (x + sigma e) + t y`` and its velocity ``y - x - sigma e``.

    Flow matching (Lipman et al., 2023, arXiv 2210.02747) and rectified flow (Liu et al., 2023, arXiv 2209.03003)
    between given pairs; `sigma` spreads the source (noise augmentation of FMA, arXiv 2510.14543). Index i stands for
    ``t = i / n_steps``: 0 at the source, 1 at the target.
    """
    t = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    one = torch.ones_like(t)
    return Interpolant(1 - t, t, sigma * (1 - t)), Interpolant(-one, one, -sigma * one)


def brownian_bridge(sigma: float, n_steps: int = N_STEPS) -> tuple[Interpolant, Interpolant]:
    """Brownian motion pinned at both ends, ``s x + (1 - s) y + sigma sqrt(s (1 - s)) e``, and its end y.

    The variance-exploding bridge of DDBM (Zhou et al., 2024, arXiv 2309.16948) with ``sigma_t^2 = sigma^2 s``; I2SB
    (Liu et al., 2023, arXiv 2302.05872) with a constant beta. Index i stands for ``s = i / n_steps``: 0 at the target,
    1 at the source, as in denoising.
    """
    s = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    zero = torch.zeros_like(s)
    return Interpolant(s, 1 - s, sigma * (s * (1 - s)).sqrt()), Interpolant(zero, torch.ones_like(s), zero)


def covariance(a: Interpolant, b: Interpolant, *, variance: float, correlation: float) -> Tensor:
    """Covariance of a coordinate of two combinations of the same pair and noise, (T + 1,).

    For coordinates of x and y with mean zero, one variance, and a correlation with each other.
    """
    same = a.source * b.source + a.target * b.target
    cross = a.source * b.target + a.target * b.source
    return variance * (same + correlation * cross) + a.noise * b.noise


def linear_guess(
    path: Interpolant, wanted: Interpolant, *, variance: float, correlation: float
) -> tuple[Tensor, Tensor]:
    """The best linear guess of what is wanted from the state, and the spread of what it misses.

    c_skip and c_out of EDM (Karras et al., 2022), for bridges DDBM.

    Parameters
    ----------
    path, wanted : Interpolant
        The state and what is wanted, of the same pair and noise.
    variance, correlation : float
        As in `covariance`.

    Returns
    -------
    skip, miss : Tensor of shape (T + 1,)
        The guess is ``skip(t) x_t``; its error has the standard deviation ``miss(t)``.
    """
    moments = {"variance": variance, "correlation": correlation}
    total = covariance(path, path, **moments)
    skip = covariance(path, wanted, **moments) / total
    return skip, (covariance(wanted, wanted, **moments) - skip.square() * total).clamp_min(0).sqrt()


class InterpolantDenoiser(Denoiser):
    """A `Denoiser` of states on a path: it answers with what is wanted, and starts at the best linear guess of it.

    Parameters
    ----------
    dim, hidden, blocks, conditions, dropout
        As in `Denoiser`.
    path, wanted : Interpolant
    variance, correlation : float
        As in `covariance`.
    generator : torch.Generator
        Draws the initial weights.
    """

    def __init__(
        self,
        dim: int,
        *,
        hidden: int,
        blocks: int,
        path: Interpolant,
        wanted: Interpolant,
        variance: float,
        correlation: float,
        generator: torch.Generator,
        conditions: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            dim,
            hidden=hidden,
            blocks=blocks,
            schedule=cosine_schedule(path.n_steps),
            variance=variance,
            generator=generator,
            conditions=conditions,
            dropout=dropout,
        )
        # Of the schedule only the number of its times is left.
        self.skip, self.gain = (
            factor.float().unsqueeze(1)
            for factor in linear_guess(path, wanted, variance=variance, correlation=correlation)
        )
        total = covariance(path, path, variance=variance, correlation=correlation)
        self.squash = total.rsqrt().float().unsqueeze(1)
