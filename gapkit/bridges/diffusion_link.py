"""Diffusion-Link: one denoiser for both sides of a pair, that always predicts the target."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from gapkit.arrays import generator, unit_rows
from gapkit.bridges.base import FitContext
from gapkit.bridges.cca import CCA
from gapkit.bridges.link_loss import LinkLoss
from gapkit.bridges.network import EarlyStopping
from gapkit.bridges.procrustes import Procrustes
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.reverse import ReverseDiffusionBridge
from gapkit.diffusion.denoiser import PREDICTIONS
from gapkit.diffusion.guidance import guided
from gapkit.diffusion.losses import TOPOLOGY
from gapkit.diffusion.samplers import SAMPLERS, Predictor
from gapkit.errors import InputError
from gapkit.options import fitted, option
from gapkit.space import Choice, Range
from gapkit.training.options import PRECISIONS

INPUTS = ("both", "source", "target")
ALIGN = ("none", "procrustes", "cca", "blend")
TARGETS = ("own", "any", "mean")


@register_bridge("diffusion-link")
@dataclass(kw_only=True, eq=False, repr=False)
class DiffusionLink(EarlyStopping, ReverseDiffusionBridge):
    """Predicts the clean paired target from the noised source and from the noised target.

    Re-implementation from the abstract of Nam et al., "Diffusion-Link" (arXiv 2510.11330); details are our own
    choices, each an option here. Known: a diffusion module on the output embeddings of a frozen encoder, three
    residual MLP blocks, pairs, a "cross-sample prediction loss" and a "topology loss".
    """

    defaults_from = (
        "by hand on soundscapes among about 250 settings, the last 50 on recordings that were left out of the fit; "
        "gapkit tune, soundscapes validation split, 8 settings: its choice closes more or keeps more, not both, "
        "over 3 seeds"
    )

    start: int = option(50, search=Range(10, 200), doc="Time at which the source enters, 1..1000.")
    sample_steps: int = option(1, doc="Steps from there to 0. With one, the answer is the clean estimate at `start`.")
    sampler: str = option("ddim", one_of=SAMPLERS, doc="ddpm is ancestral.", after_fit=True)
    entry_noise: bool = option(
        False,
        search=Choice((False, True)),
        doc="Noise the source to `start` first, or insert it clean. The noise of a row hangs on the row, not on "
        "its place.",
        after_fit=True,
    )
    align: str = option(
        "none",
        one_of=ALIGN,
        search=Choice(ALIGN),
        doc="Linear map that the source goes through before it enters: procrustes (the best rotation onto the "
        "targets: keeps what tells items apart), cca (regression on the best correlated directions: nearest "
        "to the targets) or blend (the direction half-way between the two). The network learns what a linear "
        "map cannot. Ours; on `soundscapes` it closes about 1 % more of the gap, costs retrieval and needs "
        "many pairs (docs/bridges.md).",
    )
    inputs: str = option(
        "both", one_of=INPUTS, doc="What is noised in training: both sides, the source or the target only."
    )
    source_weight: float = option(
        0.6,
        above=0,
        below=1,
        search=Range(0.1, 0.9),
        doc="Share of the loss that asks for the target from the noised source; the rest asks for it from the "
        "noised target. Used where `inputs` is both. Few pairs overfit on the first and not on the second.",
    )
    shared_noise: bool = option(True, doc="Both sides of a pair get the same noise, or noise of their own.")
    prediction: str = option(
        "x0", one_of=PREDICTIONS, doc="What the network predicts. The squared error is that of what is predicted."
    )
    contrast_weight: float = option(
        0.01,
        at_least=0,
        search=Range(0.001, 0.3, log=True),
        doc="Weight of a contrastive term that asks each answer to be told from the others of its batch "
        "(`gapkit.diffusion.contrast`); 0: none. Ours: it keeps the identity of an item.",
    )
    contrast_temperature: float = option(0.1, above=0, doc="Its temperature, over cosines.")
    topology: str = option(
        "frobenius", one_of=tuple(TOPOLOGY), doc="Form of the topology loss (`gapkit.diffusion.losses`)."
    )
    topology_weight: float = option(0.1, at_least=0, search=Range(0.01, 1.0, log=True), doc="Its weight; 0: none.")
    targets: str = option(
        "own",
        one_of=TARGETS,
        search=Choice(TARGETS),
        doc="Where an item has several targets: the answer to a pair is its own target, any one of the item, "
        "drawn anew each time, or their mean direction. Pairs with the same source row are one item.",
    )
    condition: bool = option(
        False, doc="The network also sees the clean source, left out for a tenth of the rows in training."
    )
    guidance: float = option(
        0.0,
        kind="number",
        doc="Used with `condition`: how far to lean away from the answer without it (classifier-free guidance); "
        "0: none.",
        after_fit=True,
    )
    self_condition: bool = option(False, doc="The network also sees its previous estimate of the answer.")
    distil_steps: int = option(
        0,
        at_least=0,
        doc="After training, teach a copy in so many steps to give in one pass what the sampler gives in "
        "`sample_steps`; 0: no.",
    )
    last_time: int = option(200, kind="whole", doc="Training draws t from 1..last_time; not below `start`.")
    precondition: bool = option(True, doc="Start from the best linear estimate (`gapkit.diffusion.denoiser`).")
    directions_only: bool = option(False, doc="The network sees only the direction of x_t.")
    hidden: int = option(1024, search=Choice((512, 1024)))
    dropout: float = option(
        0.5,
        at_least=0,
        below=1,
        search=Range(0.0, 0.7),
        doc="Share of a block's hidden features that a training step leaves out. Ours: without it the network "
        "learns the fitted items by heart and what tells others apart is lost.",
    )
    lr: float = option(1e-3, search=Range(1e-4, 2e-3, log=True))
    steps: int = option(600, search=Range(100, 1000, log=True))
    batch_size: int = option(256, doc="Pairs of a step; a batch of pairs holds both sides.")
    precision: str = option(
        "float32",
        one_of=PRECISIONS,
        doc="bfloat16: products only, weights and sums stay float32; auto: bfloat16 where the processor has it.",
    )

    maps_: Tensor = fitted()
    distilled_: bool = fitted(False)

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
        draw = generator(self.random_state, device, stream="distillation")

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
        if not self.start <= self.last_time <= self._schedule.n_steps:
            raise InputError(
                f"{self._title}: last_time must lie in {self.start}..{self._schedule.n_steps} "
                f"(start..T), got {self.last_time!r}"
            )
