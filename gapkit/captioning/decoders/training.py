"""Training of a caption decoder: tables in memory, batches of like length, early stop, resumable to the bit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gapkit.arrays import generator
from gapkit.atomic import write_bytes
from gapkit.captioning.decoders._model import PrefixModel, seeded
from gapkit.captioning.decoders._processes import Alone, Launched, is_launched
from gapkit.captioning.decoders._table import TokenTable, noisy
from gapkit.captioning.decoders.base import FitContext
from gapkit.errors import GapkitError, InputError

SAVE_EVERY_SECONDS = 5.0
"""Least work between two checkpoints."""

SAVED_FOR = 20.0
"""And so many times what writing the last one took: large models are written seldom."""


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

    def rate(self, step: int, total: int) -> float:
        """Learning rate of a step (0-based)."""
        rise = min(1.0, (step + 1) / max(1.0, self.warmup * total))
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * step / total))


@dataclass(frozen=True)
class TrainingReport:
    """What came of a training.

    Attributes
    ----------
    steps, best_step : int
        Steps done, and the step whose weights were kept.
    losses : tuple of (int, float, float)
        At each look: step, mean training loss a token since the look before, validation loss a token (NaN without
        validation).
    """

    steps: int
    best_step: int
    losses: tuple[tuple[int, float, float], ...]

    def note(self) -> str:
        """How it went, in a few words."""
        _, trained, held = next((look for look in self.losses if look[0] == self.best_step), (0, math.nan, math.nan))
        return f"loss {trained:.3f}" + ("" if math.isnan(held) else f", held-out {held:.3f} a token")


def train(
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

    Raises
    ------
    GapkitError
        The loss is no longer finite and no good state is left.
    """
    crew = Launched(device) if is_launched() else Alone()
    with seeded(context.seed + 7919 * crew.rank, model.prompt.device):
        run = _Run(model, table, held_out, options, context, crew)
        run.go()
    model.eval()
    return TrainingReport(run.step, run.best_step, tuple(run.losses))


class _Run:
    """A training at one moment."""

    def __init__(
        self,
        model: PrefixModel,
        table: TokenTable,
        held_out: TokenTable | None,
        options: CaptionTraining,
        context: FitContext,
        crew: Alone,
    ) -> None:
        self.model, self.table, self.held_out = model, table, held_out
        self.options, self.context, self.crew = options, context, crew
        self.weights = model.trainable()
        self.adam = torch.optim.AdamW(
            self.weights.values(), lr=options.lr, weight_decay=options.weight_decay, betas=(0.9, 0.98), fused=True
        )
        self.runner, self.optimizer = crew.prepare(model, self.adam)
        self.device = model.prompt.device
        self.per_pass = math.ceil(len(table) / options.batch_size)
        self.total = max(1, math.ceil(options.epochs * self.per_pass))
        self.every = max(1, round(self.per_pass / options.looks))
        self.draw = generator(context.seed)
        self.step = self.best_step = self.stale = 0
        self.losses: list[tuple[int, float, float]] = []
        self.best = {name: p.detach().clone() for name, p in self.weights.items()}
        self.seen = torch.zeros(2, dtype=torch.float64, device=self.device)
        self.saved, self.cost = time.monotonic(), 0.0

    def go(self) -> None:
        """From wherever it stands to the end."""
        path = self.context.checkpoint
        if path is not None:
            self.read(path)
        epoch = -1
        batches: list[Tensor] = []
        while self.step < self.total and not (self.options.patience and self.stale >= self.options.patience):
            if self.step // self.per_pass != epoch:
                epoch = self.step // self.per_pass
                batches = self.table.batches(self.options.batch_size, seed=self.context.seed * 100_003 + epoch)
            self.learn(batches[self.step % self.per_pass])
            self.step += 1
            if self.step % self.every == 0 or self.step == self.total:
                self.look()
            if self.context.report:
                self.context.report(self.step, self.total, self.note())
            if path is not None:
                self.keep(path)
        with torch.no_grad():
            for name, p in self.weights.items():
                p.copy_(self.best[name])

    def learn(self, rows: Tensor) -> None:
        """One optimiser step."""
        options, crew = self.options, self.crew
        for group in self.adam.param_groups:
            group["lr"] = options.rate(self.step, self.total)
        self.runner.train()
        x, ids = self.table.batch(rows)
        x = noisy(x, self.context.noise, self.draw)
        n_tokens = int(self.table.lengths[rows].sum())
        mine = torch.arange(len(rows))[crew.rank :: crew.count]
        # A process may have no row of a small last batch; it still takes part, with a weight of nothing.
        parts = (mine if len(mine) else torch.zeros(1, dtype=torch.long)).split(options.micro_batch or len(rows))
        most = math.ceil(math.ceil(len(rows) / crew.count) / (options.micro_batch or len(rows)))
        parts += (torch.zeros(1, dtype=torch.long),) * (most - len(parts))
        for place, part in enumerate(parts):
            loss = self.runner(x[part].to(self.device), ids[part].to(self.device), options.label_smoothing)
            # Processes share the mean of their gradients; this makes it the gradient of the mean over all tokens.
            idle = not len(mine) or place * (options.micro_batch or len(rows)) >= len(mine)
            loss = loss * (0.0 if idle else crew.count / n_tokens)
            crew.backward(loss, share=place == len(parts) - 1, model=self.runner)
            self.seen[0] += loss.detach() / crew.count
        self.seen[1] += 1
        crew.clip(self.weights.values(), options.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def look(self) -> None:
        """Compare with the best so far on held-out pairs."""
        trained = float(self.crew.sum(self.seen[0])) / float(self.seen[1])
        self.seen.zero_()
        if not math.isfinite(trained):
            if self.best_step == 0:
                raise GapkitError(
                    f"training diverged: the loss is {trained} at step {self.step} and no earlier state was good; "
                    f"lower lr (now {self.options.lr:g})"
                )
            self.total = self.step
            return
        held = self.validation_loss() if self.held_out else math.nan
        better = not self.held_out or held < min((v for _, _, v in self.losses), default=math.inf)
        self.losses.append((self.step, trained, held))
        if better:
            for name, p in self.weights.items():
                self.best[name].copy_(p.detach())
            self.best_step, self.stale = self.step, 0
        else:
            self.stale += 1

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Cross-entropy a token, embeddings with the noise of training, the same at each look."""
        assert self.held_out is not None
        self.runner.eval()
        draw = generator(self.context.seed)
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        size = self.options.micro_batch or self.options.batch_size
        # Each process computes all of it: they must agree on when to stop, to the bit.
        for rows in self.held_out.batches(size, seed=None):
            x, ids = self.held_out.batch(rows)
            x = noisy(x, self.context.noise, draw)
            loss += self.model(x.to(self.device), ids.to(self.device)).double()
        return float(loss) / self.held_out.n_tokens

    def note(self) -> str:
        """How it went at the last look."""
        if not self.losses:
            return "training"
        _, trained, held = self.losses[-1]
        return f"loss {trained:.3f}" + ("" if math.isnan(held) else f", held-out {held:.3f}")

    def keep(self, path: Path) -> None:
        """Write a checkpoint if the last is old enough."""
        began = time.monotonic()
        if self.crew.rank or began - self.saved <= max(SAVE_EVERY_SECONDS, SAVED_FOR * self.cost):
            return
        tensors = {
            "losses": torch.tensor(self.losses, dtype=torch.float64).reshape(-1, 3),
            "counts": torch.tensor([self.step, self.best_step, self.stale]),
            "seen": self.seen,
            "draw": self.draw.get_state(),
            "global": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            tensors["device"] = torch.cuda.get_rng_state(self.device)
        for name, p in self.weights.items():
            tensors |= {f"live.{name}": p.detach(), f"best.{name}": self.best[name]}
            tensors |= {f"{key}.{name}": value for key, value in self.adam.state[p].items()}
        content = {key: value.cpu().contiguous() for key, value in tensors.items()}
        write_bytes(path, save(content, metadata={"fingerprint": self.context.fingerprint}))
        self.saved = time.monotonic()
        self.cost = self.saved - began

    def read(self, path: Path) -> None:
        """Take up what `keep` left; a file that is missing, broken or of another training is left aside."""
        try:
            with safe_open(path, framework="pt") as handle:
                if (handle.metadata() or {}).get("fingerprint") != self.context.fingerprint:
                    return
                tensors: dict[str, Tensor] = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            return
        with torch.no_grad():
            for name, p in self.weights.items():
                p.copy_(tensors[f"live.{name}"])
                self.best[name].copy_(tensors[f"best.{name}"])
                self.adam.state[p] = {
                    key: tensors[f"{key}.{name}"].to(self.device) for key in ("step", "exp_avg", "exp_avg_sq")
                }
        self.draw.set_state(tensors["draw"])
        if self.crew.count == 1:  # of several processes only the first has written its dropout's state
            torch.set_rng_state(tensors["global"])
            if "device" in tensors:
                torch.cuda.set_rng_state(tensors["device"], self.device)
        self.seen.copy_(tensors["seen"])
        self.losses = [(int(step), trained, held) for step, trained, held in tensors["losses"].tolist()]
        self.step, self.best_step, self.stale = (int(v) for v in tensors["counts"])
