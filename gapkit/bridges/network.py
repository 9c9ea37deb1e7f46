"""What the trained bridges share: the centred frame, the network, its training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from gapkit.arrays import generator
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.diffusion.denoiser import Denoiser
from gapkit.diffusion.schedule import SCHEDULES, Schedule, make_schedule
from gapkit.errors import InputError
from gapkit.options import fitted, option
from gapkit.training.loop import train
from gapkit.training.options import TrainingOptions
from gapkit.training.report import TrainingReport

MIN_ROWS = 16
"""Fewer rows than this do not train a network."""


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkBridge(Bridge):
    """Base of the bridges that train a network.

    Vectors enter the network in the centred frame of their modality, times `scale`. A subclass says which network it
    is, what the loss of a batch is and how a source becomes a target.

    Attributes
    ----------
    source_centre_, target_centre_ : Tensor of shape (d,)
    denoiser_ : nn.Module
    steps_, best_step_ : int
        Training steps done, and the one whose weights were kept.
    """

    stochastic = True
    family: ClassVar[str] = "diffusion"

    # Values where a bridge has no such option.
    scale = 5.0
    weight_decay = 0.0
    patience = 0
    precision = "float32"

    lr: float = option(1e-3, above=0, doc="Learning rate of AdamW.")
    steps: int = option(600, at_least=1, doc="Training steps; fewer where held-out pairs get no better.")
    batch_size: int = option(256, at_least=1, doc="Pairs of a step.")
    ema: float = option(0.995, at_least=0, below=1, doc="Decay of the averaged weights a step, which are those kept.")
    random_state: int = option(0, kind="seed", doc="Seed of weights, batches and noise.", after_fit=True)
    device: str = option("auto", doc="auto, cpu, cuda or mps.", after_fit=True)

    source_centre_: Tensor = fitted()
    target_centre_: Tensor = fitted()
    denoiser_: nn.Module = fitted()
    _fingerprint: str = fitted()
    steps_: int = fitted()
    best_step_: int = fitted()

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        raise TypeError(f"{type(self).__name__} must define _loss(x, y, draw)")

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float] | None:
        """Held-out score of a model, lower is better; None: train to the end."""
        return None

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
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
        draw = generator(self.random_state, device, stream="batches")
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
        report = train(
            model,
            loss,
            replace(self._options(), steps=steps),
            generators=(draw,),
            score=score,
            checkpoint=context.checkpoint,
            fingerprint=self._fingerprint + phase,
            progress=context.progress,
        )
        self._earlier_seconds += report.earlier_seconds
        return report

    def _options(self) -> TrainingOptions:
        return TrainingOptions(
            self.steps,
            lr=self.lr,
            weight_decay=self.weight_decay,
            ema=self.ema,
            patience=self.patience,
            precision=self.precision,
        )

    def _enter(self, source: Tensor) -> Tensor:
        """Source rows in the frame that the network works in, on the network's device."""
        self.denoiser_.to(source.device)
        return to_frame(source, self.source_centre_.to(source.device)) * self.scale

    def _leave(self, inner: Tensor) -> Tensor:
        """Rows of the target space from rows of the frame."""
        length = torch.linalg.vector_norm(inner, dim=1, keepdim=True).clamp_min(1e-12)
        return from_frame(inner / length, self.target_centre_.to(inner.device))

    def _digest(self, source: Tensor, target: Tensor, context: FitContext) -> str:
        digest = hashlib.blake2b(json.dumps(self.get_params(), sort_keys=True, default=str).encode(), digest_size=16)
        for tensor in (source, target, *(context.validation or ())):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


@dataclass(kw_only=True, eq=False, repr=False)
class NoisedBridge(NetworkBridge):
    """Base of the bridges whose network is told how much noise is in what it sees."""

    schedule: str = option("cosine", one_of=tuple(SCHEDULES), doc="Of the noise, over 1,000 steps.")
    scale: float = option(5.0, above=0, doc="Length of the vectors that noise of variance one is added to.")

    @property
    def _schedule(self) -> Schedule:
        return make_schedule(self.schedule)


@dataclass(kw_only=True, eq=False, repr=False)
class ResidualBlocks(NetworkBridge):
    """Mixed in by the bridges whose network is a stack of residual blocks, by default a `Denoiser`."""

    # Values where a bridge has no such option.
    conditions = 0
    prediction = "x0"
    schedule = "cosine"
    precondition = True
    directions_only = False
    dropout = 0.0

    hidden: int = option(512, at_least=1, doc="Width inside a block.")
    blocks: int = option(3, at_least=1, doc="Number of blocks.")
    weight_decay: float = option(0.01, at_least=0, doc="Of AdamW.")

    def _build(self) -> None:
        self.denoiser_ = Denoiser(
            self.n_features_in_,
            hidden=self.hidden,
            blocks=self.blocks,
            schedule=make_schedule(self.schedule),
            variance=float(self.scale) ** 2 / self.n_features_in_,
            precondition=self.precondition,
            directions_only=self.directions_only,
            prediction=self.prediction,
            conditions=self.conditions,
            dropout=self.dropout,
            generator=generator(self.random_state),
        ).eval()


@dataclass(kw_only=True, eq=False, repr=False)
class EarlyStopping(ResidualBlocks):
    """Mixed in by the bridges that look at held-out pairs while they train."""

    patience: int = option(
        5, at_least=0, doc="Looks without a better held-out score after which training stops; 0: never."
    )


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
