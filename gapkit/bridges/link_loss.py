"""What Diffusion-Link minimises: every reading of it that its options offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.diffusion.contrast import contrastive_loss
from gapkit.diffusion.groups import Groups
from gapkit.diffusion.losses import cosine_matrix, make_topology, prediction_weight
from gapkit.diffusion.schedule import Schedule

CONDITION_DROPOUT = 0.1
"""Share of rows that are trained without their condition, as in unCLIP (Ramesh et al., 2022)."""


@dataclass(frozen=True)
class LinkLoss:
    """Options of the loss; their meaning stands in `DiffusionLink`."""

    schedule: Schedule
    scale: float
    last_time: int
    batch_size: int
    inputs: str
    source_weight: float
    shared_noise: bool
    prediction: str
    targets: str
    topology: str
    topology_weight: float
    contrast_weight: float
    contrast_temperature: float
    condition: bool
    self_condition: bool

    def bind(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        """The loss of a fresh batch of the pairs `x`, `y` (n, d), drawn from `draw`."""
        device = y.device
        topology = make_topology(self.topology)
        signal = self.schedule.signal(slice(None)).float().to(device).unsqueeze(1)
        level = self.schedule.noise(slice(None)).float().to(device).unsqueeze(1)
        weight = prediction_weight(self.prediction, self.schedule)
        weight = (weight / weight[1 : self.last_time + 1].mean()).float().to(device)
        sides = {"both": (x, y), "source": (x,), "target": (y,)}[self.inputs]
        shares = (self.source_weight, 1 - self.source_weight) if len(sides) == 2 else (1.0,)
        groups = Groups.by_source(x) if self.targets == "any" or self.contrast_weight else None
        wanted = y
        if self.targets == "mean":
            wanted = F.normalize(Groups.by_source(x).means(y), dim=1) * self.scale
        shape = (self.batch_size, y.shape[1])

        def noise() -> Tensor:
            return torch.randn(shape, generator=draw, device=device, dtype=torch.float32)

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(y), shape[:1], generator=draw, device=device)
            t = torch.randint(1, self.last_time + 1, shape[:1], generator=draw, device=device)
            true = wanted[groups.any_of(rows, draw) if groups and self.targets == "any" else rows]
            first = noise()
            noised = [signal[t] * sides[0][rows] + level[t] * first]
            if len(sides) == 2:
                noised.append(signal[t] * sides[1][rows] + level[t] * (first if self.shared_noise else noise()))
            times, state = t.repeat(len(sides)), torch.cat(noised)
            predicted = model(state, times, *self._conditions(model, state, times, x[rows], draw), draw=draw)
            value = torch.zeros((), device=device, dtype=torch.float32)
            geometry = cosine_matrix(true) if self.topology_weight else None
            for part, share in zip(predicted.view(len(sides), *shape), shares, strict=True):
                value = value + share * (weight[t] * (part - true).square().sum(dim=1)).mean() / self.scale**2
                if geometry is not None:
                    value = value + share * self.topology_weight * topology(cosine_matrix(part), geometry)
            if self.contrast_weight:
                group = groups.of[rows] if groups else None
                value = value + self.contrast_weight * contrastive_loss(
                    predicted[: self.batch_size], true, group=group, temperature=self.contrast_temperature
                )
            return value

        return loss

    def _conditions(
        self, model: nn.Module, state: Tensor, times: Tensor, source: Tensor, draw: torch.Generator
    ) -> list[Tensor]:
        """What the network sees beside the state; rows of zeros where it is left out."""
        given: list[Tensor] = []
        copies = len(state) // len(source)
        if self.condition:
            keep = (
                torch.rand(len(source), 1, generator=draw, device=source.device, dtype=torch.float32)
                >= CONDITION_DROPOUT
            )
            given.append((source * keep).repeat(copies, 1))
        if self.self_condition:
            # Half of the rows see their own first guess (Chen et al., 2022, arXiv 2208.04202).
            with torch.no_grad():
                guess = model(state, times, *given, torch.zeros_like(state))
            keep = torch.rand(len(state), 1, generator=draw, device=state.device, dtype=torch.float32) < 0.5
            given.append(guess * keep)
        return given
