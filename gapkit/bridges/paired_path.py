"""What the bridges along a path from each source to its own target share: the network and its loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypedDict

import torch
from torch import Tensor, nn

from gapkit.arrays import generator
from gapkit.bridges.base import FitContext
from gapkit.bridges.frame import to_frame
from gapkit.bridges.network import EarlyStopping
from gapkit.bridges.stepping import SteppingBridge
from gapkit.diffusion.interpolants import Interpolant, InterpolantDenoiser, linear_guess
from gapkit.diffusion.schedule import N_STEPS
from gapkit.errors import InputError
from gapkit.options import fitted, option
from gapkit.space import Range


class _Moments(TypedDict):
    variance: float
    correlation: float


Errors = Callable[[nn.Module, Tensor | slice, Tensor, Tensor], Tensor]
"""Squared errors of rows, from the network, the rows, their times and their noise."""


@dataclass(kw_only=True, eq=False, repr=False)
class PairedPathBridge(EarlyStopping, SteppingBridge):
    """Trains a network on states between the two ends of a pair, with noise, to say where they lead.

    Nothing here depends on the length of the vectors, so they keep the one they have in the frame.

    Attributes
    ----------
    first_time : int
        Class attribute. Training draws t from here to the last.
    looks : tuple of int
        Class attribute. Times at which held-out pairs are scored.
    correlation_ : float
        Mean cosine of the fitted pairs in the centred frame: what the first guess of the network starts from.
    """

    scale = 1.0
    conditional = False
    looks: ClassVar[tuple[int, ...]]
    first_time: ClassVar[int] = 0

    end: float = option(
        0.8,
        above=0,
        at_most=1,
        doc="Share of the way after which it stops. Below 1 less of the gap is closed and more of the source is kept.",
        after_fit=True,
    )
    sample_steps: int = option(3, at_least=1, doc="Steps on that way.", after_fit=True)
    sigma: float = option(0.5, at_least=0, doc="Noise of the path, as a share of the length of the vectors.")
    hidden: int = option(1024)
    dropout: float = option(
        0.5,
        at_least=0,
        below=1,
        search=Range(0.0, 0.7),
        doc="Share of a block's hidden features that a step leaves out.",
    )
    lr: float = option(1e-3, search=Range(2e-4, 2e-3, log=True))
    steps: int = option(600, search=Range(300, 2000, log=True))

    correlation_: float = fitted()

    def _path(self) -> tuple[Interpolant, Interpolant]:
        """The states, and what the network answers with."""
        raise TypeError(f"{type(self).__name__} must define _path()")

    def _heard(self, source: Tensor) -> tuple[Tensor, ...]:
        """What the network hears besides the state."""
        return (source,) if self.conditional else ()

    @property
    def _ticks(self) -> list[int]:
        """Times of the states in thousandths of the way, on the grid that the network knows."""
        return [round(N_STEPS * self.end * i / self.sample_steps) for i in range(self.sample_steps + 1)]

    @property
    def _spread(self) -> float:
        """`sigma` as the standard deviation of a coordinate: at 1 the noise is as long as the vectors."""
        return float(self.sigma) / math.sqrt(self.n_features_in_)

    @property
    def _moments(self) -> _Moments:
        return {"variance": 1 / self.n_features_in_, "correlation": self.correlation_}

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        x, y = (to_frame(side, side.mean(dim=0)) for side in (source, target))
        # Equal or opposite sides would leave the first guess nothing to miss.
        self.correlation_ = min(max(float((x * y).sum(dim=1).mean()), -0.99), 0.99)
        super()._fit(source, target, context)

    def _build(self) -> None:
        path, wanted = self._path()
        self.denoiser_ = InterpolantDenoiser(
            self.n_features_in_,
            hidden=self.hidden,
            blocks=self.blocks,
            path=path,
            wanted=wanted,
            **self._moments,
            conditions=int(self.conditional),
            dropout=self.dropout,
            generator=generator(self.random_state),
        ).eval()

    def _errors(self, x: Tensor, y: Tensor, draw: torch.Generator | None = None) -> Errors:
        """Squared errors of rows, as a share of what the linear guess misses: about 1 for an untrained network."""
        path, wanted = self._path()
        _, miss = linear_guess(path, wanted, **self._moments)
        weight = (miss.square() * x.shape[1]).clamp_min(1e-12).reciprocal().to(x)
        path, wanted = path.to(x), wanted.to(x)

        def errors(model: nn.Module, rows: Tensor | slice, t: Tensor, noise: Tensor) -> Tensor:
            a, b = x[rows], y[rows]
            answer: Tensor = model(path.at(t, a, b, noise), t, *self._heard(a), draw=draw)
            return weight[t] * (answer - wanted.at(t, a, b, noise)).square().sum(dim=1)

        return errors

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        errors = self._errors(x, y, draw)
        shape = (self.batch_size, x.shape[1])

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(x), shape[:1], generator=draw, device=x.device)
            t = torch.randint(self.first_time, N_STEPS + 1, shape[:1], generator=draw, device=x.device)
            noise = torch.randn(shape, generator=draw, device=x.device, dtype=torch.float32)
            return errors(model, rows, t, noise).mean()

        return loss

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float]:
        errors = self._errors(x, y)
        # The same noise at every look: what changes is the network.
        noise = torch.randn(
            x.shape,
            generator=generator(self.random_state, x.device, stream="held-out noise"),
            device=x.device,
            dtype=torch.float32,
        )
        times = [torch.full((len(x),), t, device=x.device) for t in self.looks]
        return lambda model: sum(float(errors(model, slice(None), t, noise).mean()) for t in times) / len(times)

    def _check_parameters(self) -> None:
        most = int(N_STEPS * self.end)
        if self.sample_steps > most:
            raise InputError(
                f"{self._title}: sample_steps must lie in 1..{most} (times up to end = {self.end:g}), "
                f"got {self.sample_steps!r}"
            )
