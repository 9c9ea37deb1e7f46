"""Influence of the items on the cut of the separabilities and on its held-out answers.

Held-out answers of resampled items alone take the fitted classifiers as given; in simulations their 95 % intervals then
cover 82 to 93 % where the sides nearly mix. Fitting every classifier again in every resample would take a thousand
times as long, and one Newton step tells the same to first order. A step is a sum over items, so it goes into their
influences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import slices
from gapkit.metrics.contests import Near
from gapkit.metrics.pair import Pair
from gapkit.metrics.probe import PENALTY, Probe, Scored, probe_of
from gapkit.metrics.resamples import Resamples, Units

CURVED = 16384
"""Most items of a side that the curvature of the loss is taken from."""
TRIALS, TRIAL_ROWS = 64, 2**22
"""Most trial steps, and numbers, by which chance is told from what the answers hang on."""
SILVERMAN = 1.06
"""Width of a window over n values of spread one, times n to the fifth root."""
LEAST_LEFT = 0.25
"""Least share of the variance of changes that is left when chance has been taken off."""
TINY = 1e-300
"""Stands for nothing where something is divided by it."""


@dataclass(frozen=True)
class Newton:
    """Parts of a step of the classifiers.

    A step of fold k is minus the inverse curvature times the sum of what the items of the other folds pull, each seen
    from the mean pull of its side: how often items of a fold are drawn differs, and moves nothing by itself.

    Parameters
    ----------
    solver : (Tensor of shape (d + 1, d + 1), Tensor of shape (d + 1,)), float64
        LU factors of the curvature.
    mean_pulls : two Tensors of shape (d + 1,), float32
        Of the source and of the target.
    trials : Tensor of shape (k, t, d + 1), float32
        Steps of resamples in which each item, or group of items, has a random sign.
    """

    solver: tuple[Tensor, Tensor]
    mean_pulls: tuple[Tensor, Tensor]
    trials: Tensor


class Refit:
    """Influence of the items on numbers that hang on the classifiers.

    Parameters
    ----------
    found : Probe
    seed : int
        Draws the trial steps.
    units : (Resamples, Resamples), optional
        Units of chance of both sides; left out, the items.
    """

    def __init__(self, found: Probe, seed: int, units: Units | None = None) -> None:
        self.found, self.seed = found, seed
        if units is None or all(own.groups.apart for own in units):
            units = Resamples.each(found.x.cloud.n), Resamples.each(found.y.cloud.n)
        self.units = units
        self.sides = found.x, found.y
        self.folds = found.folds
        # One mean classifier stands for all of them: they differ by less than one of them does between samples.
        self.mean = torch.cat([found.normals.mean(dim=0), found.offsets.mean(dim=0)[None]]).float()

    # What hangs on the classifiers.

    def of_accuracy(self) -> tuple[Tensor, Tensor]:
        """Influence of each item on the mean held-out correctness of both sides by way of the cut, (n_x,), (n_y,)."""
        half = self.windows()

        def slope(side: Scored) -> Tensor:
            width = half[side.row_fold]
            return side.sign * (side.scores.abs() < width) / (2 * width).clamp_min(TINY) * side.weight / 2

        return self._influence([slope(side) for side in self.sides])

    def of_margin(self) -> tuple[Tensor, Tensor]:
        """The same on the mean signed distance from the cut."""
        per = self.found.per_length
        return self._influence([side.sign * side.weight * per[side.row_fold] / 2 for side in self.sides])

    def of_auc(self) -> tuple[Tensor, Tensor]:
        """The same on the area under the ROC curve, taken fold by fold."""
        x, y = self.sides
        half = 2**0.5 * self.windows()
        sizes = [torch.bincount(side.fold, minlength=self.folds).double() for side in self.sides]
        scale = 1 / ((2 * half).clamp_min(TINY) * (sizes[0] @ sizes[1]))
        near = [Near(x, y, k, float(half[k]), float(scale[k])) for k in range(self.folds) if half[k]]
        slopes = [torch.zeros_like(side.scores) for side in self.sides]
        for fold in near:
            slopes[0][fold.rows_x], slopes[1][fold.rows_y] = fold.slopes()
        return self._influence(slopes, near=near)

    def windows(self) -> Tensor:
        """For each fold half the width of the window of held-out scores in which an answer is about to change, (k,).

        By the spread of the scores about the mean of their side; 0 where all are one: nothing changes.
        """
        spread, n = (torch.zeros(self.folds, dtype=torch.float64) for _ in range(2))
        for side in self.sides:
            own = side.row_fold
            size = torch.bincount(own, minlength=self.folds).double()
            mean = torch.zeros_like(spread).index_add_(0, own, side.scores) / size.clamp_min(1)
            spread.index_add_(0, own, (side.scores - mean[own]).square())
            n += size
        n = n.clamp_min(1)
        # The spread of a window is half its width over the root of three.
        return SILVERMAN * (3 * spread / n).sqrt() * n**-0.2

    # The steps.

    @cached_property
    def newton(self) -> Newton:
        """Curvature, mean pulls and trial steps, in one pass over each side."""
        width = len(self.mean)
        curve = torch.zeros(width, width, dtype=torch.float64)
        rows = sum(len(side.scores) for side in self.sides)
        trials = torch.zeros(self.folds, max(4, min(TRIALS, TRIAL_ROWS // rows)), width, dtype=torch.float64)
        means = []
        for number, side in enumerate(self.sides):
            n = side.cloud.n
            # Paired items have one sign on both sides.
            signs = self._signs(number, 0 if self.found.paired else number, trials.shape[1])
            every = -(-n // CURVED)
            sums = torch.zeros(trials.shape, dtype=torch.float64)
            total = torch.zeros(width, dtype=torch.float64)
            for items, values, owner, wrong, weight, pull in self._pulls(side):
                total += pull.sum(dim=0, dtype=torch.float64)
                some = (owner + items.start) % every == 0
                bent = values[some] * (every * wrong * (1 - wrong) * weight)[some, None]
                curve += (bent.T @ values[some]).double()
                for k in range(self.folds):
                    own = (side.fold[items] == k).nonzero().flatten()
                    sums[k] += signs[own + items.start].T @ pull[own]
            mean = (total / n).float()
            for k in range(self.folds):
                sums[k] -= torch.outer(signs[side.fold == k].sum(dim=0, dtype=torch.float64), mean.double())
            trials += (sums.sum(dim=0) - sums) * self._larger(side)[:, None, None]
            means.append(mean)
        ridge = torch.full((width,), PENALTY, dtype=torch.float64)
        ridge[-1] = 1e-9
        solver = torch.linalg.lu_factor(curve + ridge.diag())
        for k in range(self.folds):
            step = -torch.linalg.lu_solve(*solver, trials[k].T)
            normal = self.found.normals[k]
            # A classifier that is longer by a factor has the same cut.
            longer = normal @ step[:-1] / normal.square().sum().clamp_min(TINY)
            trials[k] = (step - torch.outer(self._classifier(k), longer)).T
        # Rows too long for float32 have no steps.
        steps = trials.float()
        return Newton(solver, (means[0], means[1]), steps if bool(steps.isfinite().all()) else torch.zeros_like(steps))

    def _pulls(self, side: Scored) -> Iterator[tuple[slice, Tensor, Tensor, Tensor, Tensor, Tensor]]:
        """Yield, block by block, what each item pulls the classifiers by, (c, d + 1), and what that is made of.

        Which items, the values of their rows with a one behind, the item of each row from 0, by how much its answer is
        wrong, its weight, the pulls.
        """
        for items, rows, values, owner in _blocks(side):
            wrong = torch.sigmoid(-side.sign * (values @ self.mean))
            weight = side.weight[rows].float() / 2
            pull = values.new_zeros(items.stop - items.start, values.shape[1])
            pull.index_add_(0, owner, values * (-side.sign * wrong * weight)[:, None])
            yield items, values, owner, wrong, weight, pull

    def _larger(self, side: Scored) -> Tensor:
        """Weight of an item among those outside each fold, in units of its weight among all, (k,), float64."""
        sizes = torch.bincount(side.fold, minlength=self.folds)
        return side.cloud.n / (side.cloud.n - sizes).clamp_min(1).double()

    def _signs(self, side: int, stream: int, trials: int) -> Tensor:
        """Multiplier of each item in each trial step, (n, t)."""
        units = self.units[side]
        size = self.sides[side].cloud.n if units.unit is None else units.counts.shape[1]
        drawn = np.random.default_rng([self.seed, stream]).integers(0, 2, (size, trials), dtype=np.int8)
        return units.of_items(torch.from_numpy(drawn).float().mul_(2).sub_(1))

    def _classifier(self, k: int) -> Tensor:
        return torch.cat([self.found.normals[k], self.found.offsets[k : k + 1]])

    def _influence(self, slopes: Sequence[Tensor], near: Sequence[Near] = ()) -> tuple[Tensor, Tensor]:
        """Influence of each item on a number by the steps of the classifiers, (n_x,) and (n_y,), float64.

        The slopes are known from the items at the cut alone. What chance in them adds to the variance of the changes is
        taken off again, down to `LEAST_LEFT`: how much it adds is an estimate too.

        Parameters
        ----------
        slopes : two Tensors of shape (m,)
            What the number changes by with the score of each row.
        near : sequence of Near
            Of each fold, where the number compares the two sides row by row.
        """
        trials = self.newton.trials
        if not bool(trials.any()):
            return self._nothing()
        whole = torch.zeros(self.folds, trials.shape[2], dtype=torch.float64)
        moved: list[Tensor] = []
        for side, slope in zip(self.sides, slopes, strict=True):
            here = torch.empty(len(slope), trials.shape[1])
            for _, rows, values, _ in _blocks(side):
                fold = side.row_fold[rows]
                whole += torch.zeros(whole.shape).index_add_(0, fold, values * slope[rows, None].float())
                for k in range(self.folds):
                    own = (fold == k).nonzero().flatten()
                    here[own + rows.start] = values[own] @ trials[k].T
            moved.append(here)
        of_rows = [slope[:, None].float() * here for slope, here in zip(slopes, moved, strict=True)]
        for compared in near:
            for own, more in zip(of_rows, compared.others(*moved), strict=True):
                own += more
        x, y = self.of_steps(whole)
        explained = self._chance(of_rows) / max(self._variance(x, y), TINY)
        left = max(LEAST_LEFT, 1 - explained) ** 0.5
        return left * x, left * y

    def of_steps(self, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Influence of each item on a number that changes by `whole`, (k, d + 1), with the classifiers."""
        normals = self.found.normals
        longer = torch.stack([self._classifier(k) @ whole[k] for k in range(self.folds)])
        seen = whole.clone()
        seen[:, :-1] -= normals * (longer / normals.square().sum(dim=1).clamp_min(TINY))[:, None]
        by_pull = torch.linalg.lu_solve(*self.newton.solver, seen.T)
        found = []
        for side, mean in zip(self.sides, self.newton.mean_pulls, strict=True):
            by_fold = by_pull * self._larger(side)
            # An item moves the classifiers of all folds but its own.
            others = by_fold.sum(dim=1, keepdim=True) - by_fold
            influence = torch.empty(side.cloud.n, dtype=torch.float64)
            for items, *_, pull in self._pulls(side):
                along = (pull - mean).double() @ others
                influence[items] = -side.cloud.n * along.gather(1, side.fold[items, None])[:, 0]
            found.append(influence)
        return found[0], found[1]

    def _nothing(self) -> tuple[Tensor, Tensor]:
        x, y = (torch.zeros(side.cloud.n, dtype=torch.float64) for side in self.sides)
        return x, y

    def _variance(self, x: Tensor, y: Tensor) -> float:
        """Variance of a sum of influences over a resample."""
        parts = [(x + y) / len(x)] if self.found.paired else [x / len(x), y / len(y)]
        return sum(
            units.widening**2 * float(units.totals(part - part.mean()).square().sum())
            for units, part in zip(self.units, parts, strict=False)
        )

    def _chance(self, of_rows: Sequence[Tensor]) -> float:
        """Variance of a sum of what rows add to it, fold by fold, units being drawn; mean over trials."""
        of_items = [
            own.new_zeros(side.cloud.n, own.shape[1]).index_add_(0, side.cloud.owner, own)
            for side, own in zip(self.sides, of_rows, strict=True)
        ]
        parts = [(self.sides[0].fold, of_items[0] + of_items[1])] if self.found.paired else [
            (side.fold, own) for side, own in zip(self.sides, of_items, strict=True)
        ]  # fmt: skip
        total = 0.0
        for units, (fold, own) in zip(self.units, parts, strict=False):
            if units.unit is None:
                n = torch.bincount(fold, minlength=self.folds).double().clamp_min(1)[:, None]
                sums, squares = (
                    torch.zeros(self.folds, own.shape[1], dtype=torch.float64).index_add_(0, fold, part.double())
                    for part in (own, own.square())
                )
                total += float(((squares - sums.square() / n) * n / (n - 1).clamp_min(1)).sum(dim=0).mean())
                continue
            for k in range(self.folds):
                inside = (fold == k)[:, None]
                n = inside.sum()
                centred = torch.where(inside, own.double() - (own * inside).sum(dim=0, dtype=torch.float64) / n, 0.0)
                here = units.totals(inside.double()).count_nonzero()
                larger = units.widening**2 * here / (here - 1).clamp_min(1)
                total += float(larger * units.totals(centred).square().sum(dim=0).mean())
        return total


def refit_of(pair: Pair) -> Refit:
    """Steps of the classifiers of a pair."""
    return pair.shared("refit", lambda: Refit(probe_of(pair), pair.seed, pair.units))


def _blocks(side: Scored) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
    """Yield (items, their rows, those rows' values with a one behind, item of each row from 0)."""
    cloud = side.cloud
    for items in slices(cloud.n, -(-cloud.base.numel() // cloud.n)):
        rows = slice(int(cloud.ends[items.start]), int(cloud.ends[items.stop]))
        values = torch.nn.functional.pad(cloud.block(rows).float(), (0, 1), value=1.0)
        yield items, rows, values, cloud.owner[rows] - items.start
