"""Length and rate of the training of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from gapkit.errors import InputError
from gapkit.given import whole

PRECISIONS = ("float32", "bfloat16", "auto")


@dataclass(frozen=True)
class TrainingOptions:
    """Optimiser, schedule, looks.

    Parameters
    ----------
    steps : int
        Most optimiser steps.
    lr, weight_decay : float
        AdamW; the rate rises linearly over `warmup` steps and, where `anneal`, falls to 0 by a cosine.
    betas : (float, float)
        Decay of the two moments of AdamW.
    ema : float
        Decay of the averaged weights a step; these are the ones kept. 0: the trained weights themselves are kept.
    clip : float
        Largest norm of the gradient.
    warmup : float
        Steps of the rise; part of one counts as one.
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
    betas: tuple[float, float] = (0.9, 0.99)
    ema: float = 0.995
    clip: float = 1.0
    warmup: float = 100
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
            ("warmup", self.warmup >= 0, "at least 0"),
            ("evaluate_every", self.evaluate_every >= 1, "at least 1"),
            ("patience", self.patience >= 0, "at least 0"),
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
        ):
            if not good:
                raise InputError(f"{name} must be {rule}, got {getattr(self, name)!r}")

    def rate(self, step: int) -> float:
        """Learning rate of a step (0-based)."""
        rise = min(1.0, (step + 1) / max(1.0, self.warmup))
        if not self.anneal:
            return self.lr * rise
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def half_on(self, device: torch.device) -> bool:
        """True where matrix products on this device are to be in bfloat16."""
        return self.precision == "bfloat16" or (self.precision == "auto" and has_bfloat16(device))


def has_bfloat16(device: torch.device) -> bool:
    """True where the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Private, and missing before torch 2.6: without it float32 is a safe answer.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and bool(supported())
