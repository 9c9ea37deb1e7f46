"""Diffusion-Link: one denoiser for both sides of a pair, that always predicts the target."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from gapkit.arrays import generator, unit_rows
from gapkit.bridges._link_loss import LinkLoss
from gapkit.bridges.base import FitContext
from gapkit.bridges.cca import CCA
from gapkit.bridges.procrustes import Procrustes
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.reverse import ReverseDiffusionBridge
from gapkit.bridges.space import Choice, Range, Space
from gapkit.diffusion.guidance import guided
from gapkit.diffusion.samplers import Predictor
from gapkit.errors import InputError
from gapkit.given import MUST, whole

INPUTS = ("both", "source", "target")
ALIGN = ("none", "procrustes", "cca", "blend")
TARGETS = ("own", "any", "mean")


@register_bridge("diffusion-link")
class DiffusionLink(ReverseDiffusionBridge):
    """Predicts the clean paired target from the noised source and from the noised target.

    Re-implementation from the abstract of Nam et al., "Diffusion-Link" (arXiv 2510.11330); details are our own
    choices, each an option here. Known: a diffusion module on the output embeddings of a frozen encoder, three
    residual MLP blocks, pairs, a "cross-sample prediction loss" and a "topology loss".

    Parameters
    ----------
    start : int
        Time at which the source enters, 1..1000.
    sample_steps : int
        Steps from there to 0. With one, the answer is the clean estimate at `start`.
    sampler : str
        ddim, ddpm (ancestral) or dpm-solver.
    entry_noise : bool
        Noise the source to `start` first, or insert it clean. The noise of a row hangs on the row, not on its place.
    align : str
        Linear map that the source goes through before it enters: none, procrustes (the best rotation onto the targets:
        keeps what tells clips apart), cca (regression on the best correlated directions: nearest to the targets) or
        blend (the direction half-way between the two). The network learns what a linear map cannot. Ours; on
        `soundscapes` it closes about 1 % more of the gap, costs retrieval and needs many pairs (docs/bridges.md).
    inputs : str
        What is noised in training: both sides, the source or the target only.
    source_weight : float
        Share of the loss that asks for the target from the noised source, in (0, 1); the rest asks for it from the
        noised target. Used where `inputs` is both. Few pairs overfit on the first and not on the second.
    shared_noise : bool
        Both sides of a pair get the same noise, or noise of their own.
    prediction : str
        What the network predicts: x0, epsilon or v. The squared error is that of what is predicted.
    targets : str
        Where a clip has several captions: the answer to a pair is its own caption, any one of the clip, drawn anew each
        time, or their mean direction. Pairs with the same source row are one clip.
    topology : str
        Form of the topology loss: frobenius, pearson or softmax (`gapkit.diffusion.losses`).
    topology_weight : float
        Its weight; 0: none.
    contrast_weight : float
        Weight of a contrastive term that asks each answer to be told from the others of its batch
        (`gapkit.diffusion.contrast`); 0: none. Ours: it keeps the identity of a clip.
    contrast_temperature : float
        Its temperature, over cosines.
    condition : bool
        The network also sees the clean source, left out for a tenth of the rows in training.
    guidance : float
        Used with `condition`: how far to lean away from the answer without it (classifier-free guidance); 0: none.
    self_condition : bool
        The network also sees its previous estimate of the answer.
    distil_steps : int
        After training, teach a copy in so many steps to give in one pass what the sampler gives in `sample_steps`;
        0: no.
    schedule : str
        cosine or linear, 1000 steps.
    last_time : int
        Training draws t from 1..last_time; not below `start`.
    scale : float
        Length of the vectors that noise of variance one is added to.
    precondition : bool
        Start from the best linear estimate (`gapkit.diffusion.denoiser`).
    directions_only : bool
        The network sees only the direction of x_t.
    hidden, blocks : int
        Width inside a block; number of blocks.
    dropout : float
        Share of a block's hidden features that a training step leaves out, in [0, 1). Ours: without it the network
        learns the fitted clips by heart and what tells others apart is lost.
    steps, batch_size, lr, weight_decay, ema
        Training: see `gapkit.diffusion.trainer.TrainingOptions`. A batch of pairs holds both sides.
    precision : str
        float32, bfloat16 (products only; weights and sums stay float32) or auto: bfloat16 where the processor has it.
    patience : int
        Looks (every 100 steps) without a better held-out score after which training stops; 0: never.
    random_state : int
        Seed of weights, batches and noise.
    device : str
        auto, cpu, cuda, mps.
    """

    defaults_from = (
        "by hand on soundscapes among about 250 settings, the last 50 on recordings that were left out of the fit; "
        "gapkit tune, soundscapes validation split, 8 settings: its choice closes more or keeps more, not both, "
        "over 3 seeds"
    )
    space: ClassVar[Space] = {
        "start": Range(10, 200),
        "entry_noise": Choice((False, True)),
        "align": Choice(ALIGN),
        "source_weight": Range(0.1, 0.9),
        "contrast_weight": Range(0.001, 0.3, log=True),
        "topology_weight": Range(0.01, 1.0, log=True),
        "targets": Choice(TARGETS),
        "hidden": Choice((512, 1024)),
        "dropout": Range(0.0, 0.7),
        "lr": Range(1e-4, 2e-3, log=True),
        "steps": Range(100, 1000, log=True),
    }

    def __init__(
        self,
        *,
        start: int = 50,
        sample_steps: int = 1,
        sampler: str = "ddim",
        entry_noise: bool = False,
        align: str = "none",
        inputs: str = "both",
        source_weight: float = 0.6,
        shared_noise: bool = True,
        prediction: str = "x0",
        targets: str = "own",
        topology: str = "frobenius",
        topology_weight: float = 0.1,
        contrast_weight: float = 0.01,
        contrast_temperature: float = 0.1,
        condition: bool = False,
        guidance: float = 0.0,
        self_condition: bool = False,
        distil_steps: int = 0,
        schedule: str = "cosine",
        last_time: int = 200,
        scale: float = 5.0,
        precondition: bool = True,
        directions_only: bool = False,
        hidden: int = 1024,
        blocks: int = 3,
        dropout: float = 0.5,
        steps: int = 600,
        batch_size: int = 256,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        ema: float = 0.995,
        precision: str = "float32",
        patience: int = 5,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.start = start
        self.sample_steps = sample_steps
        self.sampler = sampler
        self.entry_noise = entry_noise
        self.align = align
        self.inputs = inputs
        self.source_weight = source_weight
        self.shared_noise = shared_noise
        self.prediction = prediction
        self.targets = targets
        self.topology = topology
        self.topology_weight = topology_weight
        self.contrast_weight = contrast_weight
        self.contrast_temperature = contrast_temperature
        self.condition = condition
        self.guidance = guidance
        self.self_condition = self_condition
        self.distil_steps = distil_steps
        self.schedule = schedule
        self.last_time = last_time
        self.scale = scale
        self.precondition = precondition
        self.directions_only = directions_only
        self.hidden = hidden
        self.blocks = blocks
        self.dropout = dropout
        self.steps = steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.ema = ema
        self.precision = precision
        self.patience = patience
        self.random_state = random_state
        self.device = device

    maps_: Tensor
    distilled_: bool = False

    @property
    def conditions(self) -> int:  # type: ignore[override]
        """How many further vectors the network sees."""
        return int(self.condition) + int(self.self_condition)

    def _loss(self, x: Tensor, y: Tensor, draw: torch.Generator) -> Callable[[nn.Module], Tensor]:
        return LinkLoss(
            schedule=self._schedule,
            scale=self.scale,
            last_time=self.last_time,
            batch_size=self.batch_size,
            inputs=self.inputs,
            source_weight=self.source_weight,
            shared_noise=self.shared_noise,
            prediction=self.prediction,
            targets=self.targets,
            topology=self.topology,
            topology_weight=self.topology_weight,
            contrast_weight=self.contrast_weight,
            contrast_temperature=self.contrast_temperature,
            condition=self.condition,
            self_condition=self.self_condition,
        ).bind(x, y, draw)

    def _score(self, x: Tensor, y: Tensor) -> Callable[[nn.Module], float]:
        def score(model: nn.Module) -> float:
            answer = self._predictor(x, model)(x, self.start)
            return float((answer - y).square().sum(dim=1).mean() / self.scale**2)

        return score

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        self.distilled_ = False
        super()._fit(source, target, context)
        if self.distil_steps:
            self._distil(source, context)

    def _prepare(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        maps = []
        if self.align in ("procrustes", "blend"):
            maps.append(Procrustes().fit(source, target).rotation_)
        if self.align in ("cca", "blend"):
            try:
                cca = CCA().fit(source, target, validation=context.validation)
            except InputError as error:
                raise InputError(
                    f"{self._title}: align {self.align!r} cannot be learned ({error}); choose none or procrustes"
                ) from None
            maps.append(cca.source_axes_ @ cca.target_axes_)
        if maps:
            self.maps_ = torch.stack(maps)
        else:
            self.__dict__.pop("maps_", None)

    def _enter(self, source: Tensor) -> Tensor:
        entered = super()._enter(source)
        if self.align == "none":
            return entered
        moved = sum(unit_rows(entered @ linear) for linear in self.maps_.to(source.device))
        return unit_rows(cast("Tensor", moved)) * self.scale

    def _distil(self, source: Tensor, context: FitContext) -> None:
        """Train a copy on what the sampler answers to the fitted source rows (Luhman & Luhman, 2021)."""
        student = copy.deepcopy(self.denoiser_)
        device = self.source_centre_.device
        source = source.to(device)
        draw = generator(self.random_state + 3, device)

        def loss(model: nn.Module) -> Tensor:
            rows = torch.randint(len(source), (self.batch_size,), generator=draw, device=device)
            # Each step sees the same rows with other noise, if there is any: that of its batch, so that a training
            # which is taken up again draws what it would have drawn.
            sample = 1 + rows.sum()
            with torch.no_grad():
                answer = self._travel(source[rows], sample=sample)
                entered, state = self._start(source[rows], sample)
            said: Tensor = self._predictor(entered, model)(state, self.start)
            return (said - answer).square().sum(dim=1).mean() / self.scale**2

        # Not over that of the teacher, which would be trained anew.
        file = None if context.checkpoint is None else Path(f"{context.checkpoint}.distil")
        self._run(student, loss, draw, None, replace(context, checkpoint=file), self.distil_steps, "distil")
        self.denoiser_, self.distilled_ = student, True
        if file is not None:
            # Whoever gave a checkpoint knows of one file.
            file.unlink(missing_ok=True)

    def _predictor(self, entered: Tensor, model: Predictor | nn.Module) -> Predictor:
        """The network with its further inputs filled: the clean source, and its previous estimate."""
        previous: Tensor | None = None

        def ask(x: Tensor, t: int, condition: Tensor | None) -> Tensor:
            given = [condition] if self.condition else []
            answer: Tensor = model(x, t, *given, *([previous] if self.self_condition else []))
            return answer

        def predict(x: Tensor, t: int) -> Tensor:
            nonlocal previous
            lean = self.guidance if self.condition else 0.0
            answer = guided(lambda x, t: ask(x, t, entered), lambda x, t: ask(x, t, None), lean)(x, t)
            previous = answer
            return answer

        return predict

    def _times(self, start: int, steps: int) -> list[int]:
        return [start, 0] if self.distilled_ else super()._times(start, steps)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_numbers("topology_weight", "contrast_weight", "contrast_temperature", "source_weight", "guidance")
        if self.inputs not in INPUTS:
            raise InputError(f"{self._title}: inputs must be one of {', '.join(INPUTS)}, got {self.inputs!r}")
        if self.align not in ALIGN:
            raise InputError(f"{self._title}: align must be one of {', '.join(ALIGN)}, got {self.align!r}")
        if self.targets not in TARGETS:
            raise InputError(f"{self._title}: targets must be one of {', '.join(TARGETS)}, got {self.targets!r}")
        if not self.contrast_temperature > 0:
            raise InputError(f"{self._title}: contrast_temperature must be above 0, got {self.contrast_temperature!r}")
        for name in ("last_time", "distil_steps"):
            whole(f"{self._title}: {name}", getattr(self, name), None, says=MUST)
        for name in ("topology_weight", "contrast_weight", "distil_steps"):
            if getattr(self, name) < 0:
                raise InputError(f"{self._title}: {name} must be at least 0, got {getattr(self, name)!r}")
        if not 0 < self.source_weight < 1:
            raise InputError(f"{self._title}: source_weight must lie between 0 and 1, got {self.source_weight!r}")
        if not self.start <= self.last_time <= self._schedule.n_steps:
            raise InputError(
                f"{self._title}: last_time must lie in {self.start}..{self._schedule.n_steps} "
                f"(start..T), got {self.last_time!r}"
            )
