"""Averaged weights: a copy of a network that follows it at a distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

EVERY = 4
"""Optimiser steps between two updates of the averaged weights; the decay is adapted to it."""


class AveragedWeights:
    """Exponential moving average of the weights of a network.

    Parameters
    ----------
    model : nn.Module
    decay : float
        Of one optimiser step, in (0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._weight = 0.0
        self._copy = AveragedModel(model, multi_avg_fn=self._follow).eval().requires_grad_(False)
        # The copy begins where the network does: its first update is a step towards the weights, not a copy of them.
        self._copy.n_averaged.fill_(1)

    @property
    def model(self) -> nn.Module:
        """The network with the averaged weights."""
        module: nn.Module = self._copy.module
        return module

    def update(self, model: nn.Module, step: int) -> None:
        """Follow the network, which has done `step` steps."""
        # Early on the mean follows quickly, or it would keep the initial weights for long.
        self._weight = 1 - min(self.decay**EVERY, step / (step + 10 * EVERY))
        with torch.no_grad():
            self._copy.update_parameters(model)

    def _follow(self, mean: Sequence[Tensor], live: Sequence[Tensor], count: Tensor | int) -> None:
        torch._foreach_lerp_(list(mean), list(live), self._weight)
