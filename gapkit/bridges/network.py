"""What the trained bridges share: the centred frame, the network, its training."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from gapkit.arrays import generator
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.diffusion.denoiser import Denoiser
from gapkit.diffusion.schedule import Schedule, make_schedule
from gapkit.diffusion.trainer import TrainingOptions, TrainingReport, train
from gapkit.errors import InputError
from gapkit.given import MUST, real, seed, whole

MIN_ROWS = 16
"""Fewer rows than this do not train a network."""


class NetworkBridge(Bridge):
    """Base of the bridges that train a network, by default a `Denoiser`.

    Vectors enter the network in the centred frame of their modality, times `scale`. A subclass says what the loss
    of a batch is and how a source becomes a target; its parameters carry the names used here.

    Attributes
    ----------
    source_centre_, target_centre_ : Tensor of shape (d,)
    denoiser_ : nn.Module
    steps_, best_step_ : int
        Training steps done, and the one whose weights were kept.
    """

    stochastic = True
    family: ClassVar[str] = "diffusion"
    conditions: int = 0
    prediction: str = "x0"
    precision: str = "float32"
    dropout: float = 0.0

    scale: float
    hidden: int
    blocks: int
    schedule: str
    precondition: bool
    directions_only: bool
    steps: int
    batch_size: int
    lr: float
    weight_decay: float
    ema: float
    patience: int
    random_state: int
    device: str

    source_centre_: Tensor
    target_centre_: Tensor
    denoiser_: nn.Module
    _fingerprint: str
    steps_: int
    best_step_: int

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        raise TypeError(f"{type(self).__name__} must define _loss(x, y, draw)")

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float] | None:
        """Held-out score of a model, lower is better; None: train to the end."""
        return None

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        self._check_parameters()
        if min(len(source), len(target)) < MIN_ROWS:
            raise InputError(
                f"{self._title}: needs at least {MIN_ROWS} rows a side to train, got {len(source)} and {len(target)}; "
                "use a closed-form bridge"
            )
        device = resolve_device(self.device, source.device)
        source, target = source.to(device), target.to(device)
        self.source_centre_, self.target_centre_ = source.mean(dim=0), target.mean(dim=0)
        self._prepare(source, target, context)
        self._build()
        x = self._enter(source)
        y = to_frame(target, self.target_centre_) * self.scale
        score = None
        if context.validation is not None and self.patience > 0:
            vx, vy = (side.to(device) for side in context.validation)
            score = self._score(self._enter(vx), to_frame(vy, self.target_centre_) * self.scale)
        draw = generator(self.random_state + 1, device)
        self._fingerprint = self._digest(source, target, context)
        report = self._run(self.denoiser_, self._loss(x, y, draw), draw, score, context, self.steps)
        self.steps_, self.best_step_ = report.steps, report.best_step

    def _prepare(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        """Learn what `_enter` needs besides the centres."""

    def _run(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module], Tensor],
        draw: torch.Generator,
        score: Callable[[nn.Module], float] | None,
        context: FitContext,
        steps: int,
        phase: str = "",
    ) -> TrainingReport:
        return train(
            model,
            loss,
            replace(self._options(), steps=steps),
            generator=draw,
            score=score,
            checkpoint=context.checkpoint,
            fingerprint=self._fingerprint + phase,
            progress=context.progress,
        )

    def _options(self) -> TrainingOptions:
        return TrainingOptions(
            self.steps,
            lr=self.lr,
            weight_decay=self.weight_decay,
            ema=self.ema,
            patience=self.patience,
            precision=self.precision,
        )

    def _build(self) -> None:
        self.denoiser_ = Denoiser(
            self.n_features_in_,
            hidden=self.hidden,
            blocks=self.blocks,
            schedule=self._schedule,
            variance=float(self.scale) ** 2 / self.n_features_in_,
            precondition=self.precondition,
            directions_only=self.directions_only,
            prediction=self.prediction,
            conditions=self.conditions,
            dropout=self.dropout,
            generator=generator(self.random_state),
        ).eval()

    @property
    def _schedule(self) -> Schedule:
        return make_schedule(self.schedule)

    def _enter(self, source: Tensor) -> Tensor:
        """Source rows in the frame that the network works in, on the network's device."""
        self.denoiser_.to(source.device)
        return to_frame(source, self.source_centre_.to(source.device)) * self.scale

    def _leave(self, inner: Tensor) -> Tensor:
        """Rows of the target space from rows of the frame."""
        length = torch.linalg.vector_norm(inner, dim=1, keepdim=True).clamp_min(1e-12)
        return from_frame(inner / length, self.target_centre_.to(inner.device))

    def _check_parameters(self) -> None:
        for name in ("hidden", "blocks", "width", "steps", "batch_size"):
            whole(f"{self._title}: {name}", getattr(self, name, 1), 1, says=MUST)
        seed(f"{self._title}: random_state", self.random_state, says=MUST)
        self._check_numbers("lr", "weight_decay", "ema", "patience")
        if not 0 < real(self.scale) < math.inf:
            raise InputError(f"{self._title}: scale must be a number above 0, got {self.scale!r}")
        if not 0 <= real(self.dropout) < 1:
            raise InputError(f"{self._title}: dropout must be at least 0 and below 1, got {self.dropout!r}")

    def _check_numbers(self, *names: str) -> None:
        """Refuse what is no number, before it is compared with one; a parameter that a bridge lacks is none."""
        for name in names:
            value = getattr(self, name, 1)
            if math.isnan(real(value)):
                raise InputError(f"{self._title}: {name} must be a number, got {value!r}")

    def _digest(self, source: Tensor, target: Tensor, context: FitContext) -> str:
        digest = hashlib.blake2b(json.dumps(self.get_params(), sort_keys=True, default=str).encode(), digest_size=16)
        for tensor in (source, target, *(context.validation or ())):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def resolve_device(device: str, given: torch.device) -> torch.device:
    """Find the device to train on: ``"auto"`` is where the data are, or a GPU if there is one.

    Raises
    ------
    InputError
        A device that does not exist here.
    """
    if device == "auto":
        if given.type != "cpu":
            return given
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(1, device=resolved)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(f"device {device!r} cannot be used here ({str(error).splitlines()[0]}); use cpu") from None
    return resolved
