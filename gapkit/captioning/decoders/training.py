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
from gapkit.training.loop import train
from gapkit.training.options import TrainingOptions
from gapkit.training.processes import Processes, processes
from gapkit.training.report import TrainingReport
from gapkit.training.seeding import global_generators, seeded
from gapkit.training.steps import Loss, PartedLoss


@dataclass(frozen=True)
class Batches:
    """Size of the batches of a training.

    Parameters
    ----------
    size : int
        Captions an optimiser step, over all processes.
    part : int
        Captions in one pass through the model on one process; 0: the whole share of the batch.
    smoothing : float
        Share of the label that is spread over all tokens.
    """

    size: int
    part: int = 0
    smoothing: float = 0.0


def train_decoder(
    model: PrefixModel,
    table: TokenTable,
    held_out: TokenTable | None,
    options: TrainingOptions,
    batches: Batches,
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
    options : TrainingOptions
    batches : Batches
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
    lesson = Lesson(model, table, batches, context, generator(context.seed), team)
    with seeded(context.seed + 7919 * team.rank, place):
        return train(
            model,
            PartedLoss(lesson.parts, team),
            options,
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
    form : Batches
    context : FitContext
    draw : torch.Generator
        Of the noise, the same in all processes.
    team : Processes
    """

    model: PrefixModel
    table: TokenTable
    form: Batches
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
        size = self.form.part or len(rows)
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
        size = self.form.size
        epoch, place = divmod(step, math.ceil(len(self.table) / size))
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self.table.batches(size, seed=self.context.seed * 100_003 + epoch)
        return self._batches[place]

    def _loss(self, x: Tensor, ids: Tensor, weight: float) -> Loss:
        device = self.model.prompt.device

        def loss(runner: nn.Module) -> Tensor:
            value: Tensor = runner(x.to(device), ids.to(device), self.form.smoothing)
            return value * weight

        return loss

    def loss_on(self, held_out: TokenTable) -> float:
        """Cross-entropy a token, embeddings with the noise of training, the same at each look."""
        draw, device = generator(self.context.seed), self.model.prompt.device
        loss = torch.zeros((), dtype=torch.float64, device=device)
        # Each process computes all of it: they must agree on when to stop, to the bit.
        for rows in held_out.batches(self.form.part or self.form.size, seed=None):
            x, ids = held_out.batch(rows)
            x = noisy(x, self.context.noise, draw)
            loss += self.model(x.to(device), ids.to(device)).double()
        return float(loss) / held_out.n_tokens
