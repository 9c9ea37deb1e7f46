"""Everything that a training consists of at one moment: weights, optimiser, averages, looks, random numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gapkit.training.averaging import EVERY, AveragedWeights
from gapkit.training.checkpoint import read_checkpoint, write_checkpoint
from gapkit.training.options import TrainingOptions
from gapkit.training.processes import Processes
from gapkit.training.report import Look

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""State that AdamW keeps of each weight."""


class TrainingState:
    """A training at one moment.

    Parameters
    ----------
    model : nn.Module
    options : TrainingOptions
    generators : sequence of torch.Generator
        All that the training draws from. The first draws the same in all processes, each of the others what is its
        process's own.
    processes : Processes
    recorded : bool
        The step will be recorded as a CUDA graph, which reads its rate from the device.

    Attributes
    ----------
    runner, stepper
        Network and optimiser as the processes use them.
    """

    def __init__(
        self,
        model: nn.Module,
        options: TrainingOptions,
        generators: Sequence[torch.Generator],
        *,
        processes: Processes,
        recorded: bool,
    ) -> None:
        self.model = model
        self.options = options
        self.generators = tuple(generators)
        self.processes = processes
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.names: list[str] = list(trained)
        self.live: list[Tensor] = list(trained.values())
        device = self.live[0].device
        self.optimizer = torch.optim.AdamW(
            self.live,
            lr=torch.tensor(options.lr, device=device, dtype=torch.float32) if recorded else options.lr,
            weight_decay=options.weight_decay,
            betas=options.betas,
            fused=True,
            capturable=recorded,
        )
        self.runner, self.stepper = processes.prepare(model, self.optimizer)
        self.average = AveragedWeights(model, options.ema) if options.ema else None
        kept = dict(self.kept.named_parameters())
        self.mean: list[Tensor] = [kept[name] for name in self.names]
        self.best = [p.detach().clone() for p in self.mean]
        self.seen = torch.zeros((), dtype=torch.float64, device=self.live[0].device)
        self.step = self.best_step = self.stale = 0
        self.losses: list[Look] = []
        self.earlier_seconds = 0.0
        self._began = time.monotonic()

    @property
    def kept(self) -> nn.Module:
        """The network whose weights are scored and kept: the averaged one, where there is one."""
        return self.model if self.average is None else self.average.model

    @property
    def is_over(self) -> bool:
        """True where the last step is done, or no look has become better for long."""
        patience = self.options.patience
        return self.step >= self.options.steps or (patience > 0 and self.stale >= patience)

    def count(self, loss: Tensor) -> None:
        """Take note of a step that was done, with its loss."""
        self.step += 1
        self.seen += loss if self.processes.count == 1 else loss / self.processes.count
        if self.average is not None and (self.step % EVERY == 0 or self.step == self.options.steps):
            self.average.update(self.model, self.step)

    def trained(self) -> float:
        """Mean loss of the steps since the look before, over all processes."""
        value = float(self.processes.sum(self.seen)) / (self.step - (self.losses[-1][0] if self.losses else 0))
        self.seen.zero_()
        return value

    def look(self, trained: float, score: Callable[[nn.Module], float] | None) -> None:
        """Hold the weights against the best so far; without a score the last are the best."""
        held, better = math.nan, True
        if score is not None:
            training = self.kept.training
            self.kept.eval()
            with torch.no_grad():
                held = score(self.kept)
            self.kept.train(training)
            better = not self.losses or held < min(value for _, _, value in self.losses)
        self.losses.append((self.step, trained, held))
        if better:
            with torch.no_grad():
                torch._foreach_copy_(self.best, self.mean)
            self.best_step, self.stale = self.step, 0
        else:
            self.stale += 1

    def finish(self) -> None:
        """Put the best weights into the network."""
        with torch.no_grad():
            torch._foreach_copy_(self.live, self.best)

    def write(self, path: Path, fingerprint: str) -> None:
        """Write all of it."""
        seconds = self.earlier_seconds + time.monotonic() - self._began
        tensors: dict[str, Tensor] = {
            "losses": torch.tensor(self.losses, dtype=torch.float64).reshape(-1, 3),
            "counts": torch.tensor([self.step, self.best_step, self.stale]),
            "seconds": torch.tensor(seconds, dtype=torch.float64),
            "seen": self.seen,
        }
        tensors |= {f"generator.{place}": one.get_state() for place, one in enumerate(self.generators)}
        for name, live, mean, best in zip(self.names, self.live, self.mean, self.best, strict=True):
            parts: dict[str, Any] = {"live": live, "best": best, **self.optimizer.state[live]}
            if mean is not live:
                parts["mean"] = mean
            tensors |= {f"{part}.{name}": tensor for part, tensor in parts.items()}
        write_checkpoint(path, tensors, fingerprint)

    def read(self, path: Path, fingerprint: str) -> None:
        """Take up what `write` left; a file that is missing, broken or of another training is left aside."""
        tensors = read_checkpoint(path, fingerprint)
        if tensors is None:
            return
        states = [tensors.get(f"generator.{place}") for place in range(len(self.generators))]
        if any(
            state is None or state.shape != one.get_state().shape
            for state, one in zip(states, self.generators, strict=True)
        ):
            # Of another kind of device, whose generators these here cannot go on with.
            return
        with torch.no_grad():
            for name, live, mean, best in zip(self.names, self.live, self.mean, self.best, strict=True):
                live.copy_(tensors[f"live.{name}"])
                best.copy_(tensors[f"best.{name}"])
                if mean is not live:
                    mean.copy_(tensors[f"mean.{name}"])
                self.optimizer.state[live] = {key: tensors[f"{key}.{name}"].to(live.device) for key in MOMENTS}
            self.seen.copy_(tensors["seen"])
        # Of several processes only the first has written the state of its own generators.
        for place, one in enumerate(self.generators if self.processes.count == 1 else self.generators[:1]):
            one.set_state(tensors[f"generator.{place}"])
        self.losses = [(int(step), trained, held) for step, trained, held in tensors["losses"].tolist()]
        self.step, self.best_step, self.stale = (int(v) for v in tensors["counts"])
        self.earlier_seconds = float(tensors["seconds"])
