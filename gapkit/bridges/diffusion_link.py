"""Diffusion-Link: one denoiser for both sides of a pair, that always predicts the target."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gapkit.bridges.registry import register_bridge
from gapkit.bridges.reverse import ReverseDiffusionBridge
from gapkit.diffusion.losses import cosine_matrix, make_topology
from gapkit.errors import InputError

INPUTS = ("both", "source", "target")


@register_bridge("diffusion-link")
class DiffusionLink(ReverseDiffusionBridge):
    """Predicts the clean paired target from the noised source and from the noised target.

    Re-implementation from the abstract of Nam et al., "Diffusion-Link" (arXiv 2510.11330); details are our own
    choices, each an option here. Known: a diffusion module on the output embeddings of a frozen encoder, three
    residual MLP blocks, pairs, a "cross-sample prediction loss" and a "topology loss".

    Parameters
    ----------
    start : int
        Time at which the source enters, 1..1000.
    sample_steps : int
        Steps from there to 0. With one, the answer is the clean estimate at `start`.
    sampler : str
        ddim, ddpm (ancestral) or dpm-solver.
    entry_noise : bool
        Noise the source to `start` first, or insert it clean. The noise of a row hangs on the row, not on its place.
    inputs : str
        What is noised in training: both sides, the source or the target only.
    source_weight : float
        Share of the loss that asks for the target from the noised source, in (0, 1); the rest asks for it from the
        noised target. Used where `inputs` is both. Few pairs overfit on the first and not on the second.
    shared_noise : bool
        Both sides of a pair get the same noise.
    topology : str
        Form of the topology loss: frobenius, pearson or softmax (`gapkit.diffusion.losses`).
    topology_weight : float
        Its weight; 0: none.
    schedule : str
        cosine or linear, 1000 steps.
    last_time : int
        Training draws t from 1..last_time; not below `start`.
    scale : float
        Length of the vectors that noise of variance one is added to.
    precondition : bool
        Start from the best linear estimate (`gapkit.diffusion.denoiser`).
    directions_only : bool
        The network sees only the direction of x_t.
    hidden, blocks : int
        Width inside a block; number of blocks.
    steps, batch_size, lr, weight_decay, ema
        Training: see `gapkit.diffusion.trainer.TrainingOptions`. A batch of pairs holds both sides.
    patience : int
        Looks (every 100 steps) without a better held-out score after which training stops; 0: never.
    random_state : int
        Seed of weights, batches and noise.
    device : str
        auto, cpu, cuda, mps.
    """

    def __init__(
        self,
        *,
        start: int = 50,
        sample_steps: int = 1,
        sampler: str = "ddim",
        entry_noise: bool = False,
        inputs: str = "both",
        source_weight: float = 0.5,
        shared_noise: bool = True,
        topology: str = "frobenius",
        topology_weight: float = 0.1,
        schedule: str = "cosine",
        last_time: int = 200,
        scale: float = 5.0,
        precondition: bool = True,
        directions_only: bool = False,
        hidden: int = 512,
        blocks: int = 3,
        steps: int = 400,
        batch_size: int = 256,
        lr: float = 5e-4,
        weight_decay: float = 0.01,
        ema: float = 0.995,
        patience: int = 5,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.start = start
        self.sample_steps = sample_steps
        self.sampler = sampler
        self.entry_noise = entry_noise
        self.inputs = inputs
        self.source_weight = source_weight
        self.shared_noise = shared_noise
        self.topology = topology
        self.topology_weight = topology_weight
        self.schedule = schedule
        self.last_time = last_time
        self.scale = scale
        self.precondition = precondition
        self.directions_only = directions_only
        self.hidden = hidden
        self.blocks = blocks
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.ema = ema
        self.patience = patience
        self.random_state = random_state
        self.device = device

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        topology = make_topology(self.topology)
        schedule = self._schedule
        signal = schedule.signal(slice(None)).float().to(y.device).unsqueeze(1)
        noise_level = schedule.noise(slice(None)).float().to(y.device).unsqueeze(1)
        sides = {"both": (x, y), "source": (x,), "target": (y,)}[self.inputs]
        weights = (self.source_weight, 1 - self.source_weight) if len(sides) == 2 else (1.0,)
        norm = self.scale**2
        shape = (self.batch_size, y.shape[1])

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(y), shape[:1], generator=draw, device=y.device)
            t = torch.randint(1, self.last_time + 1, shape[:1], generator=draw, device=y.device)
            true = y[rows]
            noise = torch.randn(shape, generator=draw, device=y.device)
            noised = [signal[t] * sides[0][rows] + noise_level[t] * noise]
            if len(sides) == 2:
                if not self.shared_noise:
                    noise = torch.randn(shape, generator=draw, device=y.device)
                noised.append(signal[t] * sides[1][rows] + noise_level[t] * noise)
            predicted = model(torch.cat(noised), t.repeat(len(sides)))
            parts = predicted.view(len(sides), *shape)
            value = torch.zeros((), device=y.device)
            geometry = cosine_matrix(true) if self.topology_weight else None
            for part, weight in zip(parts, weights, strict=True):
                value = value + weight * (part - true).square().sum(dim=1).mean() / norm
                if geometry is not None:
                    value = value + weight * self.topology_weight * topology(cosine_matrix(part), geometry)
            return value

        return loss

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float]:
        return lambda model: float((model(x, self.start) - y).square().sum(dim=1).mean() / self.scale**2)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.inputs not in INPUTS:
            raise InputError(f"{self._title}: inputs must be one of {', '.join(INPUTS)}, got {self.inputs!r}")
        if not 0 < self.source_weight < 1:
            raise InputError(f"{self._title}: source_weight must lie between 0 and 1, got {self.source_weight!r}")
        if not self.start <= self.last_time <= self._schedule.n_steps:
            raise InputError(
                f"{self._title}: last_time must lie in {self.start}..{self._schedule.n_steps} "
                f"(start..T), got {self.last_time!r}"
            )
