"""What the bridges that generate from pure noise share: a condition beside the noised vector, and the way down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gapkit.bridges.network import EarlyStopping, NoisedBridge
from gapkit.bridges.stepping import SteppingBridge
from gapkit.diffusion.losses import prediction_weight
from gapkit.diffusion.samplers import SAMPLERS, Callback, Draw, Predictor
from gapkit.diffusion.samplers import sample as run_sampler
from gapkit.errors import InputError
from gapkit.options import option
from gapkit.space import Choice

Errors = Callable[..., Tensor]
"""``errors(model, clean, t, noise, *conditions)``: one number a row, (n,)."""


@dataclass(kw_only=True, eq=False, repr=False)
class ConditionalBridge(EarlyStopping, NoisedBridge, SteppingBridge):
    """Generates vectors from standard normal noise; a condition says which."""

    conditions = 1

    sample_steps: int = option(
        5,
        kind="whole",
        doc="Steps from noise to answer; each is a pass, or two with guidance, for every candidate.",
        after_fit=True,
    )
    sampler: str = option("ddpm", one_of=SAMPLERS, search=Choice(SAMPLERS), doc="ddpm is ancestral.", after_fit=True)

    def _generate(self, predict: Predictor, draw: Draw, callback: Callback | None = None) -> Tensor:
        """Clean vectors of the frame, from the noise ``draw(-1)`` at the last time."""
        schedule = self._schedule
        times = schedule.times(schedule.n_steps, self.sample_steps)

        def within(x: Tensor, t: int) -> Tensor:
            # No mean of clean vectors is longer than they are; a guided or badly scaled estimate may be.
            clean = predict(x, t)
            length: Tensor = torch.linalg.vector_norm(clean, dim=1, keepdim=True)
            return clean * (self.scale / length).clamp(max=1)

        return run_sampler(self.sampler, within, draw(-1), times, schedule, draw=draw, callback=callback)

    def _errors(self, device: torch.device) -> Errors:
        """Squared error of what the network predicts, in units of that vector's expected square."""
        schedule = self._schedule
        signal = schedule.signal(slice(None)).float().to(device).unsqueeze(1)
        level = schedule.noise(slice(None)).float().to(device).unsqueeze(1)
        weight = prediction_weight(self.prediction, schedule).float().to(device)
        weight /= self.scale**2 if self.prediction == "x0" else self.n_features_in_

        def errors(model: nn.Module, clean: Tensor, t: Tensor, noise: Tensor, *conditions: Tensor | None) -> Tensor:
            predicted: Tensor = model(signal[t] * clean + level[t] * noise, t, *conditions)
            return weight[t] * (predicted - clean).square().sum(dim=1)

        return errors

    def _times_and_noise(self, n: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        """Uniform times in 1..T, (n,), and standard normal noise, (n, d)."""
        t = torch.randint(1, self._schedule.n_steps + 1, (n,), generator=draw, device=draw.device)
        return t, torch.randn((n, self.n_features_in_), generator=draw, device=draw.device, dtype=torch.float32)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        try:
            self._schedule.times(self._schedule.n_steps, self.sample_steps)
        except InputError as error:
            raise InputError(f"{self._title}: {error}") from None
