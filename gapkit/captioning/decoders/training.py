"""Training of a caption decoder: batches of like length from a table in memory, shared by all processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gapkit.arrays import generator
from gapkit.captioning.decoders.base import FitContext
from gapkit.captioning.decoders.prefix_model import PrefixModel
from gapkit.captioning.decoders.token_table import TokenTable, noisy
from gapkit.errors import InputError
from gapkit.training.loop import train
from gapkit.training.options import TrainingOptions
from gapkit.training.processes import Processes, processes
from gapkit.training.report import TrainingReport
from gapkit.training.seeding import global_generators, seeded
from gapkit.training.steps import Loss, PartedLoss


@dataclass(frozen=True)
class CaptionTraining:
    """How long and how fast a decoder is trained.

    Parameters
    ----------
    epochs : float
        Passes over the captions.
    batch_size : int
        Captions an optimiser step, over all processes.
    micro_batch : int
        Captions in one pass through the model on one process; 0: the whole share of the batch. Gradients add up
        to those of the batch.
    lr, weight_decay : float
        AdamW. The rate rises linearly over `warmup` (share of all steps) and falls to 0 by a cosine.
    warmup : float
    clip : float
        Largest norm of the gradient.
    label_smoothing : float
    looks : float
        Looks at the validation loss a pass.
    patience : int
        Looks without a better loss after which training stops; 0: never.
    """

    epochs: float
    batch_size: int = 64
    micro_batch: int = 0
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.05
    clip: float = 1.0
    label_smoothing: float = 0.0
    looks: float = 1.0
    patience: int = 3

    def __post_init__(self) -> None:
        for name, good, rule in (
            ("epochs", 0 < self.epochs < math.inf, "above 0"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("micro_batch", self.micro_batch >= 0, "at least 0"),
            ("lr", 0 < self.lr < math.inf, "above 0"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("warmup", 0 <= self.warmup < 1, "in [0, 1)"),
            ("clip", self.clip > 0, "above 0"),
            ("label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)"),
            ("looks", self.looks > 0, "above 0"),
            ("patience", self.patience >= 0, "at least 0"),
        ):
            if not good:
                raise InputError(f"{name} must be {rule}, got {getattr(self, name)!r}")

    def loop(self, rows: int) -> TrainingOptions:
        """The options of the training loop, for so many captions."""
        per_pass = math.ceil(rows / self.batch_size)
        steps = max(1, math.ceil(self.epochs * per_pass))
        return DecoderOptions(
            steps,
            lr=self.lr,
            weight_decay=self.weight_decay,
            betas=(0.9, 0.98),
            ema=0.0,
            clip=self.clip,
            warmup=self.warmup * steps,
            evaluate_every=max(1, round(per_pass / self.looks)),
            patience=self.patience,
        )


class DecoderOptions(TrainingOptions):
    """Options whose cosine is computed in float64."""

    def rate(self, step: int) -> float:
        """Learning rate of a step (0-based)."""
        rise = min(1.0, (step + 1) / max(1.0, self.warmup))
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))


def train_decoder(
    model: PrefixModel,
    table: TokenTable,
    held_out: TokenTable | None,
    options: CaptionTraining,
    context: FitContext,
    *,
    device: str,
) -> TrainingReport:
    """Train what is trainable of `model`, in place; it ends with the weights of the best look.

    Every process knows the whole batch and its noise and takes its share of the rows: any number of processes
    learns from the same numbers.

    Parameters
    ----------
    model : PrefixModel
    table, held_out : TokenTable
        Pairs to learn from, and pairs whose loss says when to stop.
    options : CaptionTraining
    context : FitContext
    device : str
        As the decoder was given it: several processes each have a device of their own.

    Raises
    ------
    GapkitError
        The loss is no longer finite and no good state is left.
    """
    team = processes(device)
    place = team.device(model.prompt.device)
    model.to(place)
    lesson = Lesson(model, table, options, context, generator(context.seed), team)
    with seeded(context.seed + 7919 * team.rank, place):
        return train(
            model,
            PartedLoss(lesson.parts, team),
            options.loop(len(table)),
            generators=(lesson.draw, *global_generators(place)),
            score=None if held_out is None else lambda _: lesson.loss_on(held_out),
            checkpoint=context.checkpoint,
            fingerprint=context.fingerprint,
            progress=context.report,
        )


@dataclass
class Lesson:
    """The batches of a training.

    Parameters
    ----------
    model : PrefixModel
    table : TokenTable
    options : CaptionTraining
    context : FitContext
    draw : torch.Generator
        Of the noise, the same in all processes.
    team : Processes
    """

    model: PrefixModel
    table: TokenTable
    options: CaptionTraining
    context: FitContext
    draw: torch.Generator
    team: Processes
    _epoch: int = -1
    _batches: Sequence[Tensor] = ()

    def parts(self, step: int) -> list[Loss]:
        """Losses of the parts of a batch that are this process's, each a share of the mean over all its tokens."""
        rows, team = self._rows(step), self.team
        x, ids = self.table.batch(rows)
        x = noisy(x, self.context.noise, self.draw)
        n_tokens = int(self.table.lengths[rows].sum())
        size = self.options.micro_batch or len(rows)
        mine = torch.arange(len(rows))[team.rank :: team.count]
        # A process may have no row of a small last batch; it still takes part, with a weight of nothing.
        idle = torch.zeros(1, dtype=torch.long)
        parts = mine.split(size) if len(mine) else ()
        most = math.ceil(math.ceil(len(rows) / team.count) / size)
        # Processes share the mean of their gradients; this makes it the gradient of the mean over all tokens.
        weights = [team.count / n_tokens] * len(parts) + [0.0] * (most - len(parts))
        return [
            self._loss(x[part], ids[part], weight)
            for part, weight in zip([*parts, *[idle] * (most - len(parts))], weights, strict=True)
        ]

    def _rows(self, step: int) -> Tensor:
        size = self.options.batch_size
        epoch, place = divmod(step, math.ceil(len(self.table) / size))
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self.table.batches(size, seed=self.context.seed * 100_003 + epoch)
        return self._batches[place]

    def _loss(self, x: Tensor, ids: Tensor, weight: float) -> Loss:
        device = self.model.prompt.device

        def loss(runner: nn.Module) -> Tensor:
            value: Tensor = runner(x.to(device), ids.to(device), self.options.label_smoothing)
            return value * weight

        return loss

    def loss_on(self, held_out: TokenTable) -> float:
        """Cross-entropy a token, embeddings with the noise of training, the same at each look."""
        draw, device = generator(self.context.seed), self.model.prompt.device
        loss = torch.zeros((), dtype=torch.float64, device=device)
        # Each process computes all of it: they must agree on when to stop, to the bit.
        for rows in held_out.batches(self.options.micro_batch or self.options.batch_size, seed=None):
            x, ids = held_out.batch(rows)
            x = noisy(x, self.context.noise, draw)
            loss += self.model(x.to(device), ids.to(device)).double()
        return float(loss) / held_out.n_tokens
