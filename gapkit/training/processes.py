"""The processes that ``accelerate launch`` or ``torchrun`` started, if any: they train and write together."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gapkit.encoders.packages import need

T = TypeVar("T")


class Processes:
    """One process, which is all there is.

    Attributes
    ----------
    rank, count : int
        Number of this process, from 0 on, and of all.
    """

    rank, count = 0, 1

    def device(self, asked: torch.device) -> torch.device:
        """Device of this process, where one was asked for."""
        return asked

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Any]:
        """The model and the optimiser to train with."""
        return model, optimizer

    def apart(self, model: nn.Module) -> AbstractContextManager[Any]:
        """Gradients of this process alone: a batch in several parts shares those of the last."""
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Add the gradient up; outside of `apart` it is the mean over all processes."""
        loss.backward()  # type: ignore[no-untyped-call]

    def clip(self, weights: Iterable[Tensor], norm: float) -> None:
        """Shorten the gradient to at most `norm`."""
        nn.utils.clip_grad_norm_(weights, norm)

    def sum(self, value: Tensor) -> Tensor:
        """Over all processes."""
        return value

    def agree(self, value: T) -> T:
        """The value of the first process."""
        return value

    def gather(self, mine: list[str]) -> list[str]:
        """Items of all processes in their order, where process r of n holds every n-th from the r-th on."""
        return mine


class LaunchedProcesses(Processes):
    """One of several, through accelerate.

    Parameters
    ----------
    cpu : bool
        Stay off the GPUs.
    """

    def __init__(self, *, cpu: bool) -> None:
        self._package = need("accelerate", whose="work on several processes", extra="captioning")
        self._cpu = cpu
        self._state = self._package.PartialState(cpu=cpu)
        self.rank, self.count = int(self._state.process_index), int(self._state.num_processes)

    def device(self, asked: torch.device) -> torch.device:
        """Device of this process: each has its own."""
        own: torch.device = self._state.device
        return own

    def prepare(self, model: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Any]:
        """On the device of this process, in step with the others."""
        self._accelerator = self._package.Accelerator(cpu=self._cpu)
        runner, stepper = self._accelerator.prepare(model, optimizer)
        return runner, stepper

    def apart(self, model: nn.Module) -> AbstractContextManager[Any]:
        """Gradients of this process alone: a batch in several parts shares those of the last."""
        context: AbstractContextManager[Any] = self._accelerator.no_sync(model)
        return context

    def backward(self, loss: Tensor) -> None:
        """Add the gradient up; outside of `apart` it is the mean over all processes."""
        self._accelerator.backward(loss)

    def clip(self, weights: Iterable[Tensor], norm: float) -> None:
        """Shorten the gradient to at most `norm`."""
        self._accelerator.clip_grad_norm_(weights, norm)

    def sum(self, value: Tensor) -> Tensor:
        """Over all processes."""
        total: Tensor = self._accelerator.reduce(value, reduction="sum")
        return total

    def agree(self, value: T) -> T:
        """The value of the first process."""
        from accelerate.utils import broadcast_object_list

        told = [value]
        broadcast_object_list(told)
        return told[0]

    def gather(self, mine: list[str]) -> list[str]:
        """Items of all processes in their order, where process r of n holds every n-th from the r-th on."""
        from accelerate.utils import gather_object

        parts: list[list[str]] = gather_object([mine])
        whole = [""] * sum(map(len, parts))
        for rank, part in enumerate(parts):
            whole[rank :: self.count] = part
        return whole


def is_launched() -> bool:
    """True where ``accelerate launch`` or ``torchrun`` started this process."""
    return "ACCELERATE_MIXED_PRECISION" in os.environ or int(os.environ.get("WORLD_SIZE", "1")) > 1


def process_rank() -> int:
    """Number of this process among those that were launched together; 0 where there is one."""
    return int(os.environ.get("RANK", "0")) if is_launched() else 0


def processes(device: str = "auto") -> Processes:
    """The processes that work together here.

    Parameters
    ----------
    device : str
        ``"cpu"``: stay off the GPUs, as ``accelerate launch --cpu`` asks for too.
    """
    if not is_launched():
        return Processes()
    told = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1", "yes")
    return LaunchedProcesses(cpu=device == "cpu" or told)
