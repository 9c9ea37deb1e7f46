"""One step of training: eager, recorded on a GPU and replayed, or in parts that several processes may share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gapkit.training.processes import Processes

Loss = Callable[[nn.Module], Tensor]
"""``loss(model)`` draws a batch and gives its loss."""


@dataclass(frozen=True)
class PartedLoss:
    """The loss of batches that go through the model in parts, each process with its own.

    Parameters
    ----------
    parts : callable
        ``parts(step)``: for a step (0-based) the losses of its parts, each called once with the model. They add up to
        the loss of this process, and the mean over all processes is that of the batch. All processes have as many.
    processes : Processes
    """

    parts: Callable[[int], Sequence[Loss]]
    processes: Processes = field(default_factory=Processes)

    @classmethod
    def whole(cls, loss: Loss) -> PartedLoss:
        """Batches in one part, on one process."""
        return cls(lambda step: (loss,))


WARMUP = 11
"""Eager steps before a recording: libraries choose their kernels and the optimiser makes its state."""


class EagerStep:
    """Loss, gradient, clipping, optimiser.

    Parameters
    ----------
    model : nn.Module
    loss : PartedLoss
    optimizer : torch.optim.Optimizer
        Both as `Processes.prepare` gives them.
    live : sequence of Tensor
        The parameters that are trained.
    clip : float
        Largest norm of the gradient.
    half : bool
        Matrix products in bfloat16.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: PartedLoss,
        optimizer: torch.optim.Optimizer,
        live: Sequence[Tensor],
        *,
        clip: float,
        half: bool,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.live = list(live)
        self.clip = clip
        self.half = half

    def __call__(self, rate: float, step: int) -> Tensor:
        """Do step `step` (0-based) at this learning rate; gives the loss, without waiting for the device."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        return self._step(step)

    def _step(self, step: int) -> Tensor:
        parts, processes = self.loss.parts(step), self.loss.processes
        values = []
        for place, part in enumerate(parts, 1):
            # The processes share their gradients once a step.
            with nullcontext() if place == len(parts) else processes.apart(self.model):
                with torch.autocast(self.live[0].device.type, torch.bfloat16, enabled=self.half):
                    value = part(self.model)
                processes.backward(value)
            values.append(value.detach())
        processes.clip(self.live, self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return values[0] if len(values) == 1 else torch.stack(values).sum(dtype=torch.float64)


class RecordedStep(EagerStep):
    """The same on a GPU, as a CUDA graph: a step of a small network is otherwise mostly the launching of its kernels.

    Parameters
    ----------
    generator : torch.Generator
        The one that the loss draws from; the graph advances it as the eager step does.
    others
        As in `EagerStep`; all batches have one shape, the optimiser is capturable and its learning rate a tensor.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: PartedLoss,
        optimizer: torch.optim.Optimizer,
        live: Sequence[Tensor],
        *,
        clip: float,
        half: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__(model, loss, optimizer, live, clip=clip, half=half)
        self.generator = generator
        self.done = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.value: Tensor | None = None

    def _step(self, step: int) -> Tensor:
        if self.graph is not None and self.value is not None:
            self.graph.replay()
            return self.value
        self.done += 1
        if self.done <= WARMUP:
            # Off the default stream, as recording asks of what comes before it.
            stream = torch.cuda.Stream(self.live[0].device)  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                value = super()._step(step)
            torch.cuda.current_stream().wait_stream(stream)
            return value
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        with torch.cuda.graph(graph):
            self.value = super()._step(step)
        self.graph = graph
        # Recording does not run anything.
        graph.replay()
        return self.value
