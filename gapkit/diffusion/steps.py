"""One step of training: eager anywhere, and on a GPU recorded once and replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

WARMUP = 11
"""Eager steps before a recording: libraries choose their kernels and the optimiser makes its state."""


class EagerStep:
    """Loss, gradient, clipping, optimiser.

    Parameters
    ----------
    model : nn.Module
    loss : callable
        ``loss(model)`` draws a batch and gives its loss.
    optimizer : torch.optim.Optimizer
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
        loss: Callable[[nn.Module], Tensor],
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

    def __call__(self, rate: float) -> Tensor:
        """Do one step at this learning rate; gives the loss, without waiting for the device."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        return self._step()

    def _step(self) -> Tensor:
        with torch.autocast(self.live[0].device.type, torch.bfloat16, enabled=self.half):
            value = self.loss(self.model)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.live, self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return value


class RecordedStep(EagerStep):
    """The same on a GPU, as a CUDA graph: a step of a small network is otherwise mostly the launching of its kernels.

    Parameters
    ----------
    generator : torch.Generator
        The one that the loss draws from; the graph advances it as the eager step does.
    others
        As in `EagerStep`; the optimiser must be capturable and its learning rate a tensor.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module], Tensor],
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

    def _step(self) -> Tensor:
        if self.graph is not None and self.value is not None:
            self.graph.replay()
            return self.value
        self.done += 1
        if self.done <= WARMUP:
            # Off the default stream, as recording asks of what comes before it.
            stream = torch.cuda.Stream(self.live[0].device)  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                value = super()._step()
            torch.cuda.current_stream().wait_stream(stream)
            return value
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        with torch.cuda.graph(graph):
            self.value = super()._step()
        self.graph = graph
        # Recording does not run anything.
        graph.replay()
        return self.value
