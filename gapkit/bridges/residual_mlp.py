"""The control: Diffusion-Link's network, pairs and losses without diffusion."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from gapkit.bridges.network import NetworkBridge
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.space import Range, Space
from gapkit.diffusion.losses import cosine_matrix, make_topology

TRAINING: Space = {
    "dropout": Range(0.0, 0.7),
    "steps": Range(100, 1600, log=True),
    "lr": Range(1e-4, 2e-3, log=True),
    "weight_decay": Range(1e-3, 1.0, log=True),
}


@register_bridge("residual-mlp")
class ResidualMLP(NetworkBridge):
    """Regresses the target on the clean source with three residual blocks, in one pass.

    Definition: ``f(x) = x + blocks(x)`` in the centred frame, trained on ``|f(x) - y|^2 / |y|^2 + w topology``.
    Everything that `diffusion-link` has and no noise, no time, no steps: what it does as well is not due to
    diffusion.

    Parameters
    ----------
    topology : str
        Form of the topology loss: frobenius, pearson or softmax (`gapkit.diffusion.losses`).
    topology_weight : float
        Its weight; 0: none.
    others
        As in `diffusion-link`.
    """

    family = "regression"
    space: ClassVar[Space] = {"topology_weight": Range(0.0, 0.5), **TRAINING}
    defaults_from = "gapkit tune, soundscapes validation split, 8 settings: its choice was no better over 3 seeds"
    schedule = "cosine"
    precondition = True
    directions_only = False

    def __init__(
        self,
        *,
        topology: str = "frobenius",
        topology_weight: float = 0.05,
        scale: float = 5.0,
        hidden: int = 512,
        blocks: int = 3,
        dropout: float = 0.0,
        steps: int = 400,
        batch_size: int = 256,
        lr: float = 5e-4,
        weight_decay: float = 0.01,
        ema: float = 0.995,
        patience: int = 5,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.topology = topology
        self.topology_weight = topology_weight
        self.scale = scale
        self.hidden = hidden
        self.blocks = blocks
        self.dropout = dropout
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
        norm = self.scale**2

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(x), (self.batch_size,), generator=draw, device=x.device)
            predicted, true = model(x[rows], 0, draw=draw), y[rows]
            value: Tensor = (predicted - true).square().sum(dim=1).mean() / norm
            if self.topology_weight:
                value = value + self.topology_weight * topology(cosine_matrix(predicted), cosine_matrix(true))
            return value

        return loss

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float]:
        return lambda model: float((model(x, 0) - y).square().sum(dim=1).mean() / self.scale**2)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_numbers("topology_weight")

    def _transform(self, source: Tensor) -> Tensor:
        return self._leave(self.denoiser_(self._enter(source), 0))


@register_bridge("residual-mlp-plain")
class PlainResidualMLP(ResidualMLP):
    """Regresses the target on the clean source, and nothing more: `residual-mlp` without its topology loss.

    Definition: ``f(x) = x + blocks(x)`` in the centred frame, trained on ``|f(x) - y|^2 / |y|^2``. An estimate
    of the conditional mean: the rows of the two bridges side by side say what the topology loss is good for.

    Parameters
    ----------
    all
        As in `diffusion-link`.
    """

    in_default = False
    space: ClassVar[Space] = TRAINING
    defaults_from = "gapkit tune, soundscapes validation split, 8 settings: its choice was no better over 3 seeds"
    topology = "frobenius"
    topology_weight = 0.0

    def __init__(
        self,
        *,
        scale: float = 5.0,
        hidden: int = 512,
        blocks: int = 3,
        dropout: float = 0.0,
        steps: int = 400,
        batch_size: int = 256,
        lr: float = 5e-4,
        weight_decay: float = 0.01,
        ema: float = 0.995,
        patience: int = 5,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.scale = scale
        self.hidden = hidden
        self.blocks = blocks
        self.dropout = dropout
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.ema = ema
        self.patience = patience
        self.random_state = random_state
        self.device = device
