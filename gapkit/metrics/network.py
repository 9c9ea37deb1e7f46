"""The small network of the classifier two-sample test, fitted once a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import slices
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.folds import folds_of
from gapkit.metrics.pair import Pair

HIDDEN = 20
"""Units of the network."""

ROUNDS = 30
"""Rounds of training of the network, whatever the number of rows."""

BATCH, BATCHES, RATE = 128, 10, 3e-3
"""Rows of a gradient step, gradient steps of a round, learning rate of Adam."""

Rows = NDArray[np.float32]
Numbers = NDArray[np.float64]


def network_correctness(
    pair: Pair, *, hidden: int = HIDDEN, rounds: int = ROUNDS, residual: bool = False
) -> tuple[Tensor, Tensor]:
    """Share of each item's rows on the right side, (n_x,) and (n_y,), by the network that did not see the item.

    `residual`: after each side's mean, that of the items which the network sees, is removed.
    """
    from sklearn.neural_network import MLPClassifier

    hidden, rounds = whole("c2st: hidden", hidden, 1), whole("c2st: rounds", rounds, 1)
    x, y = (Cloud(c.rows.cpu(), c.owner.cpu(), c.n) for c in (pair.x, pair.y))
    fold_x, fold_y = folds_of(pair)
    rows_x, rows_y = x.rows.numpy(), y.rows.numpy()
    share_y, row_fold = y.share.numpy(), fold_y[y.owner.numpy()]
    right_x, right_y = np.empty(x.n), np.empty(len(rows_y))
    half = BATCH * BATCHES // 2
    labels = np.repeat([1, 0], half)
    for number, fold in enumerate(np.union1d(fold_x, fold_y)):
        seen_x, seen_y = fold_x != fold, row_fold != fold
        if not seen_x.any() or not seen_y.any():
            raise InputError("c2st: a fold holds all clips of one side; give at least 2 folds with clips in each")
        weight_x, weight_y = seen_x / seen_x.sum(), np.where(seen_y, share_y, 0) / share_y[seen_y].sum()
        scales = _scales(rows_x, rows_y, weight_x, weight_y, residual=residual)
        rng = np.random.default_rng([pair.seed, number])
        turns = _Turns(np.flatnonzero(seen_x), x.owner, rng), _Turns(np.flatnonzero(fold_y != fold), y.owner, rng)
        start = int(rng.integers(2**31))
        model: Any = MLPClassifier((hidden,), batch_size=BATCH, learning_rate_init=RATE, random_state=start)
        for _ in range(rounds):
            batch = [s(rows[t.take(half)]) for s, rows, t in zip(scales, (rows_x, rows_y), turns, strict=True)]
            model.partial_fit(np.concatenate(batch), labels, classes=[0, 1])
        for scale, rows, held, right, label in (
            (scales[0], rows_x, np.flatnonzero(~seen_x), right_x, 1),
            (scales[1], rows_y, np.flatnonzero(~seen_y), right_y, 0),
        ):
            for part in slices(len(held), rows.shape[1]):
                chance = model.predict_proba(scale(rows[held[part]]))[:, label]
                right[held[part]] = (np.sign(chance - 0.5) + 1) / 2
    return torch.from_numpy(right_x), y.per_clip(torch.from_numpy(right_y))


@dataclass(frozen=True)
class _Scale:
    """Rows of one side in units of the columns' weighted mean and deviation over both; a constant column becomes zero.

    Parameters
    ----------
    shift, mean, largest, deviation : array of shape (d,), float64
        What is taken off first, of this side and of both, and what the rest is divided by.
    flat : array of shape (d,), bool
        Columns that are constant.
    """

    shift: Numbers
    mean: Numbers
    largest: Numbers
    deviation: Numbers
    flat: NDArray[np.bool_]

    def __call__(self, rows: Rows) -> Rows:
        scaled = rows - self.shift
        scaled -= self.mean
        scaled /= self.largest
        scaled /= self.deviation
        scaled[:, self.flat] = 0
        return scaled.astype(np.float32)


def _scales(x: Rows, y: Rows, weight_x: Numbers, weight_y: Numbers, *, residual: bool) -> tuple[_Scale, _Scale]:
    """Scale of each side by weights that sum to 1, a few columns at a time; `residual` takes the side's mean off."""
    share = np.concatenate([weight_x, weight_y]) / (weight_x.sum() + weight_y.sum())
    d = x.shape[1]
    shift_x, shift_y, mean = np.zeros((3, d))
    largest, deviation = np.ones((2, d))
    flat = np.zeros(d, dtype=bool)
    for part in slices(d, len(share)):
        sides = [side[:, part].astype(np.float64) for side in (x, y)]
        if residual:
            for side, weight, shift in zip(sides, (weight_x, weight_y), (shift_x, shift_y), strict=True):
                shift[part] = weight @ side
                side -= shift[part]
        rows = np.concatenate(sides)
        length = np.abs(rows).max(axis=0)
        mean[part] = share @ rows
        rows -= mean[part]
        most = np.abs(rows).max(axis=0)
        # A column that differs by rounding only is constant.
        flat[part] = most <= 1e-6 * length
        largest[part] = np.where(flat[part], 1, most)
        rows /= largest[part]
        spread = np.sqrt(share @ rows**2)
        deviation[part] = np.where(flat[part] | (spread == 0), 1, spread)
    rest = mean, largest, deviation, flat
    return _Scale(shift_x, *rest), _Scale(shift_y, *rest)


class _Turns:
    """Clips in random order, each once before any comes again, and one random row of each."""

    def __init__(self, clips: NDArray[np.int64], owner: Tensor, rng: np.random.Generator) -> None:
        self.clips, self.rng = clips, rng
        self.counts = np.bincount(owner.numpy())
        self.first = self.counts.cumsum() - self.counts
        self.queue = np.empty(0, dtype=np.int64)

    def take(self, count: int) -> NDArray[np.int64]:
        while len(self.queue) < count:
            self.queue = np.concatenate([self.queue, self.rng.permutation(self.clips)])
        clips, self.queue = self.queue[:count], self.queue[count:]
        return self.first[clips] + self.rng.integers(self.counts[clips])
