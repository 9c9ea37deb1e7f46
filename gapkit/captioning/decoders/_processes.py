"""One process that trains, or several that ``accelerate launch`` has started."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from gapkit.encoders.packages import need


class Alone:
    """One process, which is all there is."""

    rank, count = 0, 1

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Any, Any]:
        """As they are."""
        return model, optimizer

    def backward(self, loss: Tensor, *, share: bool, model: Any) -> None:
        """Add gradients up; with `share` those of all processes."""
        loss.backward()

    def clip(self, weights: Iterable[nn.Parameter], norm: float) -> None:
        """Shorten the gradient to at most `norm`."""
        nn.utils.clip_grad_norm_(weights, norm)

    def sum(self, value: Tensor) -> Tensor:
        """Over all processes."""
        return value


class Launched(Alone):
    """One of the processes that ``accelerate launch`` or ``torchrun`` started."""

    def __init__(self, device: str) -> None:
        accelerate = need("accelerate", whose="training on several processes", extra="captioning")
        self.accelerator = accelerate.Accelerator(cpu=device == "cpu")
        self.rank, self.count = self.accelerator.process_index, self.accelerator.num_processes

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Any, Any]:
        """On the device of this process, in step with the others."""
        runner, stepper = self.accelerator.prepare(model, optimizer)
        return runner, stepper

    def backward(self, loss: Tensor, *, share: bool, model: Any) -> None:
        """Add gradients up; with `share` those of all processes."""
        with nullcontext() if share else self.accelerator.no_sync(model):
            self.accelerator.backward(loss)

    def clip(self, weights: Iterable[nn.Parameter], norm: float) -> None:
        """Shorten the gradient to at most `norm`."""
        self.accelerator.clip_grad_norm_(weights, norm)

    def sum(self, value: Tensor) -> Tensor:
        """Over all processes."""
        total: Tensor = self.accelerator.reduce(value, reduction="sum")
        return total


def is_launched() -> bool:
    """Whether ``accelerate launch`` or ``torchrun`` started this process."""
    return "ACCELERATE_MIXED_PRECISION" in os.environ or int(os.environ.get("WORLD_SIZE", "1")) > 1


def process_rank() -> int:
    """Number of this process among those that were launched together; 0 where there is one."""
    return int(os.environ.get("RANK", "0")) if is_launched() else 0
