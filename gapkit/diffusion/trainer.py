"""Training on tables that stay in memory: index sampling, fused AdamW, averaged weights, resumable to the bit."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from gapkit.atomic import write_bytes
from gapkit.diffusion.steps import EagerStep, RecordedStep
from gapkit.errors import GapkitError, InputError
from gapkit.given import whole

SAVE_EVERY_SECONDS = 5.0
"""Work that a kill may cost where a save is quick."""

QUICK_SAVE = 0.1
"""Seconds. A save that takes twice as long is made half as often: no more than 2 % of a training goes into saving."""

DECAY_EVERY = 4
"""Optimiser steps between two updates of the averaged weights; the decay is adapted to it."""

PRECISIONS = ("float32", "bfloat16", "auto")


@dataclass(frozen=True)
class TrainingOptions:
    """How long and how fast to train.

    Parameters
    ----------
    steps : int
        Most optimiser steps.
    lr, weight_decay : float
        AdamW; the rate rises linearly over `warmup` steps and, where `anneal`, falls to 0 by a cosine.
    ema : float
        Decay of the averaged weights a step; these are the ones kept.
    clip : float
        Largest norm of the gradient.
    warmup : int
    anneal : bool
    evaluate_every : int
        Steps between two looks at the held-out score.
    patience : int
        Looks without a better score after which training stops; 0: never.
    precision : str
        ``"float32"``; ``"bfloat16"``: matrix products in bfloat16, weights, sums and optimiser in float32; ``"auto"``:
        bfloat16 where the device computes in it.
    """

    steps: int
    lr: float = 1e-3
    weight_decay: float = 0.01
    ema: float = 0.995
    clip: float = 1.0
    warmup: int = 100
    anneal: bool = True
    evaluate_every: int = 100
    patience: int = 0
    precision: str = "float32"

    def __post_init__(self) -> None:
        # A number of numpy would make a learning rate of numpy of it, and another last digit.
        object.__setattr__(self, "steps", whole("training: steps", self.steps, None))
        for name, good, rule in (
            ("steps", self.steps >= 1, "at least 1"),
            ("lr", self.lr > 0, "above 0"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("ema", 0 <= self.ema < 1, "in [0, 1)"),
            ("clip", self.clip > 0, "above 0"),
            ("evaluate_every", self.evaluate_every >= 1, "at least 1"),
            ("patience", self.patience >= 0, "at least 0"),
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
        ):
            if not good:
                raise InputError(f"{name} must be {rule}, got {getattr(self, name)!r}")

    def rate(self, step: int) -> float:
        """Learning rate of a step (0-based)."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        if not self.anneal:
            return self.lr * rise
        fall = 0.5 * (1 + torch.cos(torch.tensor(step / self.steps * torch.pi, dtype=torch.float32)).item())
        return self.lr * rise * fall


@dataclass(frozen=True)
class TrainingReport:
    """What came of a training.

    Attributes
    ----------
    steps : int
        Steps done.
    best_step : int
        Step whose averaged weights were kept.
    scores : tuple of (int, float)
        Held-out score at each look, lower is better; empty without a score.
    """

    steps: int
    best_step: int
    scores: tuple[tuple[int, float], ...]


def train(
    model: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    options: TrainingOptions,
    *,
    generator: torch.Generator,
    score: Callable[[nn.Module], float] | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    progress: Callable[[int, int, str], None] | None = None,
) -> TrainingReport:
    """Train `model` in place; it ends with the averaged weights of the best look.

    Parameters
    ----------
    model : nn.Module
    loss : callable
        ``loss(model)`` draws a batch from `generator` and gives its loss.
    options : TrainingOptions
    generator : torch.Generator
        The one that `loss` draws from; its state is part of a checkpoint.
    score : callable, optional
        ``score(model)`` on held-out data, lower is better. Without it the last weights are kept.
    checkpoint : Path, optional
        State is written here every few seconds, less often where the disk is slow, and taken up from here: a training
        that was killed ends with the same weights, bit by bit, as one that was not.
    fingerprint : str
        What the training depends on; a checkpoint of another fingerprint is not used.
    progress : callable, optional
        Called as ``progress(done, total, note)``.

    Raises
    ------
    GapkitError
        The loss is no longer finite and no good state is left.
    """
    state = _State(model, options, generator)
    if checkpoint is not None:
        state.read(checkpoint, fingerprint)
    device = next(model.parameters()).device
    half = options.precision == "bfloat16" or (options.precision == "auto" and has_bfloat16(device))
    step = state.stepper(loss, options, half=half)
    saved, wait = time.monotonic(), SAVE_EVERY_SECONDS
    model.train()
    while state.step < options.steps and not state.exhausted(options):
        value = step(options.rate(state.step))
        state.step += 1
        if state.step % DECAY_EVERY == 0 or state.step == options.steps:
            state.average(options.ema)
        if state.step % options.evaluate_every == 0 or state.step == options.steps:
            # The only point where the loop waits for the device.
            if not bool(torch.isfinite(value)):
                if state.best_step == 0:
                    raise GapkitError(
                        f"training diverged: the loss is {float(value.detach())} at step {state.step} and no earlier "
                        f"state was good; lower lr (now {options.lr:g})"
                    )
                break
            note = state.look(score)
            if progress:
                progress(state.step, options.steps, note)
        if checkpoint is not None and (began := time.monotonic()) - saved > wait:
            state.write(checkpoint, fingerprint)
            saved = time.monotonic()
            wait = SAVE_EVERY_SECONDS * max(1.0, (saved - began) / QUICK_SAVE)
    state.finish()
    model.eval()
    return TrainingReport(state.step, state.best_step, tuple(state.scores))


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Private, and missing before torch 2.6: without it float32 is a safe answer.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and bool(supported())


class _State:
    """Everything that a training consists of at one moment."""

    def __init__(self, model: nn.Module, options: TrainingOptions, generator: torch.Generator) -> None:
        self.model = model
        self.generator = generator
        self.live: list[Tensor] = [p for p in model.parameters() if p.requires_grad]
        self.names = [name for name, p in model.named_parameters() if p.requires_grad]
        device = self.live[0].device
        self.on_gpu = device.type == "cuda"
        self.optimizer = torch.optim.AdamW(
            self.live,
            # A recorded step reads its rate from the device.
            lr=torch.tensor(options.lr, device=device, dtype=torch.float32) if self.on_gpu else options.lr,
            weight_decay=options.weight_decay,
            betas=(0.9, 0.99),
            fused=True,
            capturable=self.on_gpu,
        )
        self.averaged = copy.deepcopy(model).eval()
        self.mean: list[Tensor] = [p for p in self.averaged.parameters() if p.requires_grad]
        for p in self.averaged.parameters():
            p.requires_grad_(False)
        self.best = [p.clone() for p in self.mean]
        self.step = 0
        self.best_step = 0
        self.stale = 0
        self.scores: list[tuple[int, float]] = []

    def stepper(self, loss: Callable[[nn.Module], Tensor], options: TrainingOptions, *, half: bool) -> EagerStep:
        """What does one optimiser step on this device."""
        parts = self.model, loss, self.optimizer, self.live
        if self.on_gpu:
            return RecordedStep(*parts, clip=options.clip, half=half, generator=self.generator)
        return EagerStep(*parts, clip=options.clip, half=half)

    def average(self, decay: float) -> None:
        # Early on the mean follows quickly, or it would keep the initial weights for long.
        decay = min(decay**DECAY_EVERY, self.step / (self.step + 10 * DECAY_EVERY))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.live], 1 - decay)

    def look(self, score: Callable[[nn.Module], float] | None) -> str:
        """Compare the averaged weights with the best so far; says how it went."""
        note = ""
        better = True
        if score is not None:
            with torch.no_grad():
                value = score(self.averaged)
            better = not self.scores or value < min(v for _, v in self.scores)
            self.scores.append((self.step, value))
            note = f"held-out {value:.4f}"
        if better:
            torch._foreach_copy_(self.best, self.mean)
            self.best_step, self.stale = self.step, 0
        else:
            self.stale += 1
        return note

    def exhausted(self, options: TrainingOptions) -> bool:
        return options.patience > 0 and self.stale >= options.patience

    def finish(self) -> None:
        with torch.no_grad():
            torch._foreach_copy_(self.live, self.best)

    def tensors(self) -> dict[str, Tensor]:
        out: dict[str, Tensor] = {"generator": self.generator.get_state()}
        out["scores"] = torch.tensor(self.scores, dtype=torch.float64).reshape(-1, 2)
        out["counts"] = torch.tensor([self.step, self.best_step, self.stale])
        for name, live, mean, best in zip(self.names, self.live, self.mean, self.best, strict=True):
            moments = self.optimizer.state[live]
            parts = {"live": live.detach(), "mean": mean, "best": best, **{k: moments[k] for k in moments}}
            out |= {f"{part}.{name}": tensor for part, tensor in parts.items()}
        return out

    def write(self, path: Path, fingerprint: str) -> None:
        tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in self.tensors().items()}
        write_bytes(path, save(tensors, metadata={"fingerprint": fingerprint, "digest": _digest(tensors)}))

    def read(self, path: Path, fingerprint: str) -> None:
        """Take up what `write` left; a file that is missing, broken or of another training is left aside."""
        try:
            with safe_open(path, framework="pt") as handle:
                known = handle.metadata() or {}
                if known.get("fingerprint") != fingerprint:
                    return
                tensors: dict[str, Any] = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            return
        if known.get("digest") != _digest(tensors):
            return
        if tensors["generator"].shape != self.generator.get_state().shape:
            # Of another kind of device, whose generator this one cannot go on with.
            return
        with torch.no_grad():
            for name, live, mean, best in zip(self.names, self.live, self.mean, self.best, strict=True):
                for part, tensor in (("live", live), ("mean", mean), ("best", best)):
                    tensor.copy_(tensors[f"{part}.{name}"])
                self.optimizer.state[live] = {
                    key: tensors[f"{key}.{name}"].to(live.device) for key in ("step", "exp_avg", "exp_avg_sq")
                }
        self.generator.set_state(tensors["generator"])
        self.scores = [(int(step), float(value)) for step, value in tensors["scores"]]
        self.step, self.best_step, self.stale = (int(v) for v in tensors["counts"])


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """32 hex digits that stand for names, shapes and every byte."""
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(tensors):
        tensor = tensors[key]
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
