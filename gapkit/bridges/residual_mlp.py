"""The control: Diffusion-Link's network, pairs and losses without diffusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gapkit.bridges.network import EarlyStopping
from gapkit.bridges.registry import register_bridge
from gapkit.diffusion.losses import TOPOLOGY, cosine_matrix, make_topology
from gapkit.options import option
from gapkit.space import Range


@register_bridge("residual-mlp-plain")
@dataclass(kw_only=True, eq=False, repr=False)
class PlainResidualMLP(EarlyStopping):
    """Regresses the target on the clean source with three residual blocks, in one pass, and nothing more.

    Definition: ``f(x) = x + blocks(x)`` in the centred frame, trained on ``|f(x) - y|^2 / |y|^2``. An estimate
    of the conditional mean: this row and that of `residual-mlp`, which adds a topology loss, say what the loss is good
    for.
    """

    in_default = False
    family = "regression"
    defaults_from = "gapkit tune, soundscapes validation split, 8 settings: its choice was no better over 3 seeds"

    dropout: float = option(
        0.0,
        at_least=0,
        below=1,
        search=Range(0.0, 0.7),
        doc="Share of a block's hidden features that a step leaves out.",
    )
    steps: int = option(400, search=Range(100, 1600, log=True))
    lr: float = option(5e-4, search=Range(1e-4, 2e-3, log=True))
    weight_decay: float = option(0.01, search=Range(1e-3, 1.0, log=True))
    scale: float = option(5.0, above=0, doc="Length of the vectors that the network sees.")

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(x), (self.batch_size,), generator=draw, device=x.device)
            return self._error(model(x[rows], 0, draw=draw), y[rows])

        return loss

    def _error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """Error of a batch of answers."""
        return (predicted - true).square().sum(dim=1).mean() / self.scale**2

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float]:
        return lambda model: float((model(x, 0) - y).square().sum(dim=1).mean() / self.scale**2)

    def _transform(self, source: Tensor) -> Tensor:
        return self._leave(self.denoiser_(self._enter(source), 0))


@register_bridge("residual-mlp")
@dataclass(kw_only=True, eq=False, repr=False)
class ResidualMLP(PlainResidualMLP):
    """Regresses the target on the clean source with three residual blocks, in one pass.

    Definition: ``f(x) = x + blocks(x)`` in the centred frame, trained on ``|f(x) - y|^2 / |y|^2 + w topology``.
    Everything that `diffusion-link` has and no noise, no time, no steps: what it does as well is not due to
    diffusion.
    """

    in_default = True

    topology: str = option(
        "frobenius", one_of=tuple(TOPOLOGY), doc="Form of the topology loss (`gapkit.diffusion.losses`)."
    )
    topology_weight: float = option(0.05, at_least=0, search=Range(0.0, 0.5), doc="Its weight; 0: none.")

    def _error(self, predicted: Tensor, true: Tensor) -> Tensor:
        value = super()._error(predicted, true)
        if self.topology_weight:
            topology = make_topology(self.topology)
            value = value + self.topology_weight * topology(cosine_matrix(predicted), cosine_matrix(true))
        return value
