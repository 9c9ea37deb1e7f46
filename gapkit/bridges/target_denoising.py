"""What the bridges that learn from targets alone share: the denoising loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gapkit.bridges.reverse import ReverseDiffusionBridge
from gapkit.options import option

WEIGHTINGS = ("snr", "uniform")


@dataclass(kw_only=True, eq=False, repr=False)
class TargetDenoisingBridge(ReverseDiffusionBridge):
    """Learns to denoise targets; the source enters its reverse process half-way."""

    needs_pairs = False

    weighting: str = option(
        "snr", one_of=WEIGHTINGS, doc="Of the squared error of x0: snr, by the signal-to-noise ratio, or uniform."
    )

    @property
    def _norm(self) -> float:
        """What the squared error of a row is divided by."""
        return self.scale**2

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        schedule = self._schedule
        signal = schedule.signal(slice(None)).float().to(y.device).unsqueeze(1)
        noise_level = schedule.noise(slice(None)).float().to(y.device).unsqueeze(1)
        weight = torch.ones(schedule.n_steps + 1, device=y.device, dtype=torch.float32)
        if self.weighting == "snr":
            weight[1:] = schedule.snr(slice(1, None)).float()
        norm = self._norm

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(y), (self.batch_size,), generator=draw, device=y.device)
            t = torch.randint(1, schedule.n_steps + 1, (self.batch_size,), generator=draw, device=y.device)
            true = y[rows]
            noise = torch.randn(true.shape, generator=draw, device=y.device, dtype=torch.float32)
            predicted: Tensor = model(signal[t] * true + noise_level[t] * noise, t)
            return (weight[t] * (predicted - true).square().sum(dim=1)).mean() / norm

        return loss
