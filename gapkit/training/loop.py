"""The one training loop: fused AdamW, averaged weights, held-out looks, early stop, resumable to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from gapkit.errors import GapkitError
from gapkit.training.options import TrainingOptions
from gapkit.training.report import TrainingReport, note_of
from gapkit.training.state import TrainingState
from gapkit.training.steps import EagerStep, Loss, PartedLoss, RecordedStep

SAVE_EVERY_SECONDS = 5.0
"""Work that a kill may cost where a save is quick."""

QUICK_SAVE = 0.1
"""Seconds. A save that takes twice as long is made half as often: no more than 2 % of a training goes into saving."""


def train(
    model: nn.Module,
    loss: Loss | PartedLoss,
    options: TrainingOptions,
    *,
    generators: Sequence[torch.Generator],
    score: Callable[[nn.Module], float] | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    progress: Callable[[int, int, str], None] | None = None,
) -> TrainingReport:
    """Train `model` in place; it ends with the weights of the best look, averaged where `options` say so.

    Parameters
    ----------
    model : nn.Module
    loss : callable or PartedLoss
        ``loss(model)`` draws a batch, the same shape each time, and gives its loss; on a GPU the step is recorded once
        and replayed. A `PartedLoss` may have batches of any shape, and several processes.
    options : TrainingOptions
    generators : sequence of torch.Generator
        All that `loss` draws from; their states are part of a checkpoint. The first draws the same in all processes,
        each of the others what is its process's own.
    score : callable, optional
        ``score(model)`` on held-out data, lower is better, the same in all processes. Without it the last weights are
        kept.
    checkpoint : Path, optional
        State is written here every few seconds, less often where the disk is slow, and taken up from here: a training
        that was killed ends with the same weights, bit by bit, as one that was not.
    fingerprint : str
        Stands for all that the training depends on; a checkpoint of another fingerprint is not used.
    progress : callable, optional
        Called as ``progress(done, total, note)`` after each step.

    Returns
    -------
    TrainingReport

    Raises
    ------
    GapkitError
        The loss is no longer finite and no good state is left.
    """
    recorded = next(model.parameters()).device.type == "cuda" and not isinstance(loss, PartedLoss)
    parted = loss if isinstance(loss, PartedLoss) else PartedLoss.whole(loss)
    state = TrainingState(model, options, generators, processes=parted.processes, recorded=recorded)
    step = _step_of(state, parted, recorded=recorded)
    if checkpoint is not None:
        state.read(checkpoint, fingerprint)
    saved, wait = time.monotonic(), SAVE_EVERY_SECONDS
    note = note_of(state.losses[-1]) if state.losses else "training"
    state.runner.train()
    while not state.is_over:
        state.count(step(options.rate(state.step), state.step))
        if state.step % options.evaluate_every == 0 or state.step == options.steps:
            # The only point where the loop waits for the device.
            trained = state.trained()
            if not math.isfinite(trained):
                if state.best_step == 0:
                    raise GapkitError(
                        f"training diverged: the loss is {trained} at step {state.step} and no earlier state was good; "
                        f"lower lr (now {options.lr:g})"
                    )
                break
            state.look(trained, score)
            note = note_of(state.losses[-1])
        if progress:
            progress(state.step, options.steps, note)
        if checkpoint is not None and parted.processes.rank == 0 and (began := time.monotonic()) - saved > wait:
            state.write(checkpoint, fingerprint)
            saved = time.monotonic()
            wait = SAVE_EVERY_SECONDS * max(1.0, (saved - began) / QUICK_SAVE)
    state.finish()
    model.eval()
    return TrainingReport(state.step, state.best_step, tuple(state.losses), state.earlier_seconds)


def _step_of(state: TrainingState, loss: PartedLoss, *, recorded: bool) -> EagerStep:
    """One step of a training."""
    parts = state.runner, loss, state.stepper, state.live
    clip, half = state.options.clip, state.options.half_on(state.live[0].device)
    if recorded:
        return RecordedStep(*parts, clip=clip, half=half, generator=state.generators[0])
    return EagerStep(*parts, clip=clip, half=half)
