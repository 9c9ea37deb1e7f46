"""How the cut of the separabilities moves with the clips, and what its held-out answers change by that.

Held-out answers of resampled clips alone take the fitted classifiers as given; in simulations their 95 % intervals then
cover 82 to 93 % where the sides nearly mix. Fitting every classifier again in every resample would take a thousand
times as long, and one Newton step tells the same to first order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import slices
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair
from gapkit.metrics.resamples import Resamples, RunningSums
from gapkit.metrics.separability import PENALTY, Probe

CURVED = 16384
"""Most clips of a side that the curvature of the loss is taken from."""
LOOKED_AT, LOOKED_AT_ROWS = 64, 2**22
"""Most resamples, and numbers, by which chance is told from what the answers hang on."""
SILVERMAN = 1.06
"""Width of a window over n values of spread one, times n to the fifth root."""
LEAST_LEFT = 0.25
"""Least share of the variance of changes that is left when chance has been taken off."""
TINY = 1e-300
"""Stands for nothing where something is divided by it."""


@dataclass(frozen=True)
class Side:
    """One side as the classifiers see it.

    Parameters
    ----------
    cloud : Cloud
        Scaled rows on the processor.
    fold : Tensor of shape (n,)
        Fold of each clip, 0..k-1.
    scores : Tensor of shape (m,), float64
        Held-out score of each row.
    sign : float
        1 for the source, -1 for the target.
    resamples : Resamples
    """

    cloud: Cloud
    fold: Tensor
    scores: Tensor
    sign: float
    resamples: Resamples

    @cached_property
    def row_fold(self) -> Tensor:
        """Fold of each row, (m,)."""
        return self.fold[self.cloud.owner]

    @cached_property
    def weight(self) -> Tensor:
        """Weight of each row in the mean of the side, (m,)."""
        return self.cloud.share / self.cloud.n

    def blocks(self) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
        """Yield (clips, their rows, those rows' values with a one behind, clip of each row from 0)."""
        cloud = self.cloud
        for clips in slices(cloud.n, -(-cloud.base.numel() // cloud.n)):
            rows = slice(int(cloud.ends[clips.start]), int(cloud.ends[clips.stop]))
            values = torch.nn.functional.pad(cloud.block(rows).float(), (0, 1), value=1.0)
            yield clips, rows, values, cloud.owner[rows] - clips.start


class Refits:
    """Steps of the classifiers in every resample.

    Parameters
    ----------
    both : Pair
    found : Probe
        The classifiers.
    fold_x, fold_y : array of shape (n_x,), (n_y,)
        Fold of each clip.
    resamples : (Resamples, Resamples)
        Of the two sides.
    """

    def __init__(
        self,
        both: Pair,
        found: Probe,
        fold_x: NDArray[np.int64],
        fold_y: NDArray[np.int64],
        resamples: tuple[Resamples, Resamples],
    ) -> None:
        labels = np.unique(np.concatenate([fold_x, fold_y]))
        folds = [torch.from_numpy(np.searchsorted(labels, fold)) for fold in (fold_x, fold_y)]
        clouds = [found.scaled(side.cpu()) for side in (both.x, both.y)]
        own = [Resamples(r.counts.cpu(), None if r.unit is None else r.unit.cpu(), r.n) for r in resamples]
        self.paired = both.paired
        self.found = found
        self.sides = tuple(
            Side(cloud, fold, scores, sign, r)
            for cloud, fold, scores, sign, r in zip(clouds, folds, found.scores, (1.0, -1.0), own, strict=True)
        )
        self.folds = len(labels)
        self.steps = self._steps()

    def _steps(self) -> Tensor:
        """Newton steps of every fold in every resample, (k, B, d + 1)."""
        # One mean classifier stands for all of them: they differ by less than one of them does between samples.
        mean = torch.cat([self.found.normals.mean(dim=0), self.found.offsets.mean(dim=0)[None]]).float()
        width, n_draws = len(mean), len(self.sides[0].resamples)
        curve = torch.zeros(width, width, dtype=torch.float64)
        pushes = torch.zeros(self.folds, n_draws, width)
        for side in self.sides:
            n, r = side.cloud.n, side.resamples
            every = -(-n // CURVED)
            running = [RunningSums(r, width) for _ in range(self.folds)]
            totals = torch.zeros(self.folds, width, dtype=torch.float64)
            for clips, rows, values, owner in side.blocks():
                wrong, weight = torch.sigmoid(-side.sign * (values @ mean)), side.weight[rows].float() / 2
                pull = values.new_zeros(clips.stop - clips.start, width)
                pull.index_add_(0, owner, values * (-side.sign * wrong * weight)[:, None])
                totals.index_add_(0, side.fold[clips], pull.double())
                some = (owner + clips.start) % every == 0
                bent = values[some] * (every * wrong * (1 - wrong) * weight)[some, None]
                curve += (bent.T @ values[some]).double()
                for k, sums in enumerate(running):
                    own = (side.fold[clips] == k).nonzero().flatten()
                    sums.add(own + clips.start, pull[own])
            sizes = torch.bincount(side.fold, minlength=self.folds)
            mean_pull, whole = (totals.sum(dim=0) / n).float(), torch.zeros(n_draws, width)
            for k in range(self.folds):
                # How often clips of a fold are drawn differs, and moves nothing by itself.
                more = r.sums((side.fold == k).float()) - sizes[k]
                part = running.pop(0).result().sub_(totals[k].float()).addcmul_(more[:, None], mean_pull, value=-1)
                whole += part
                pushes[k].sub_(part, alpha=float(n / max(1, n - int(sizes[k]))))
            for k in range(self.folds):
                pushes[k].add_(whole, alpha=float(n / max(1, n - int(sizes[k]))))
        ridge = torch.full((width,), PENALTY, dtype=torch.float64)
        ridge[-1] = 1e-9
        curve += ridge.diag()
        # Fold by fold, and where the pushes were: of a thousand resamples each is as large as a thousand rows.
        solver = torch.linalg.lu_factor(curve)
        for k, (normal, offset) in enumerate(zip(self.found.normals, self.found.offsets, strict=True)):
            step = -torch.linalg.lu_solve(*solver, pushes[k].double().T)
            # A classifier that is longer by a factor has the same cut.
            longer = normal @ step[:-1] / normal.square().sum().clamp_min(TINY)
            pushes[k] = (step - torch.outer(torch.cat([normal, offset[None]]), longer)).T.float()
        # Rows too long for float32 have no steps.
        return pushes if bool(pushes.isfinite().all()) else torch.zeros_like(pushes)

    # What hangs on the classifiers.

    def of_accuracy(self) -> Tensor:
        """By how much the mean held-out correctness of both sides differs in each resample, (B,)."""
        half = self.windows()

        def slope(side: Side) -> Tensor:
            width = half[side.row_fold]
            return side.sign * (side.scores.abs() < width) / (2 * width).clamp_min(TINY) * side.weight / 2

        return self._change([slope(side) for side in self.sides])

    def of_margin(self) -> Tensor:
        """The same of the mean signed distance from the cut."""
        length = torch.linalg.vector_norm(self.found.normals, dim=1)
        per = torch.where(length > 0, 1 / length.clamp_min(TINY), 0.0)
        return self._change([side.sign * side.weight * per[side.row_fold] / 2 for side in self.sides])

    def of_auc(self) -> Tensor:
        """The same of the area under the ROC curve, taken fold by fold."""
        x, y = self.sides
        half = 2**0.5 * self.windows()
        sizes = [torch.bincount(side.fold, minlength=self.folds).double() for side in self.sides]
        scale = 1 / ((2 * half).clamp_min(TINY) * (sizes[0] @ sizes[1]))
        near = [Near(x, y, k, float(half[k]), float(scale[k])) for k in range(self.folds) if half[k]]
        slopes = [torch.zeros_like(side.scores) for side in self.sides]
        for fold in near:
            slopes[0][fold.rows_x], slopes[1][fold.rows_y] = fold.slopes()
        return self._change(slopes, near=near)

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

    def _change(self, slopes: Sequence[Tensor], near: Sequence[Near] = ()) -> Tensor:
        """Change of a number by the steps of the classifiers, (B,).

        The slopes are known from the clips at the cut alone. What chance in them adds to the variance of the changes is
        taken off again, down to `LEAST_LEFT`: how much it adds is an estimate too.

        Parameters
        ----------
        slopes : two Tensors of shape (m,)
            What the number changes by with the score of each row.
        near : sequence of Near
            Of each fold, where the number compares the two sides row by row.
        """
        if not bool(self.steps.any()):
            return torch.zeros(self.steps.shape[1], dtype=torch.float64)
        looked_at = self.steps[:, : max(4, min(LOOKED_AT, LOOKED_AT_ROWS // sum(map(len, slopes))))]
        whole = torch.zeros(self.folds, self.steps.shape[2])
        moved: list[Tensor] = []
        for side, slope in zip(self.sides, slopes, strict=True):
            here = torch.empty(len(slope), looked_at.shape[1])
            for _, rows, values, _ in side.blocks():
                fold = side.row_fold[rows]
                whole.index_add_(0, fold, values * slope[rows, None].float())
                for k in range(self.folds):
                    own = (fold == k).nonzero().flatten()
                    here[own + rows.start] = values[own] @ looked_at[k].T
            moved.append(here)
        change: Tensor = torch.einsum("kd,kbd->b", whole, self.steps).double()
        of_rows = [slope[:, None].float() * here for slope, here in zip(slopes, moved, strict=True)]
        for compared in near:
            for own, more in zip(of_rows, compared.others(*moved), strict=True):
                own += more
        explained = float(self._chance(of_rows).mean()) / max(float(change.square().mean()), TINY)
        left: Tensor = change * max(LEAST_LEFT, 1 - explained) ** 0.5
        return left

    def _chance(self, of_rows: Sequence[Tensor]) -> Tensor:
        """Variance of a sum of what rows add to it, fold by fold, clips being what is drawn, (L,)."""
        of_clips = [
            own.new_zeros(side.cloud.n, own.shape[1]).index_add_(0, side.cloud.owner, own)
            for side, own in zip(self.sides, of_rows, strict=True)
        ]
        parts = [(self.sides[0].fold, of_clips[0] + of_clips[1])] if self.paired else [
            (side.fold, own) for side, own in zip(self.sides, of_clips, strict=True)
        ]  # fmt: skip
        total = torch.zeros(of_rows[0].shape[1], dtype=torch.float64)
        for fold, own in parts:
            n = torch.bincount(fold, minlength=self.folds).double().clamp_min(1)[:, None]
            sums, squares = (
                torch.zeros(self.folds, own.shape[1], dtype=torch.float64).index_add_(0, fold, part.double())
                for part in (own, own.square())
            )
            total += ((squares - sums.square() / n) * n / (n - 1).clamp_min(1)).sum(dim=0)
        return total


class Near:
    """Which rows of the two sides lie within a window of one another by their held-out scores in one fold.

    Parameters
    ----------
    x, y : Side
    fold : int
    half : float
        Half the width of the window.
    scale : float
        What one comparison counts.
    """

    def __init__(self, x: Side, y: Side, fold: int, half: float, scale: float) -> None:
        self.rows_x, self.rows_y = ((side.row_fold == fold).nonzero().flatten() for side in (x, y))
        self.share_x, self.share_y = (
            side.cloud.share[rows] * scale**0.5 for side, rows in ((x, self.rows_x), (y, self.rows_y))
        )
        self.x, self.y = x.scores[self.rows_x], y.scores[self.rows_y]
        self.half = half

    def slopes(self) -> tuple[Tensor, Tensor]:
        """What the area changes by with the score of each row of the fold."""
        return (
            self.share_x * self._within(self.x, self.y, self.share_y[:, None])[:, 0],
            -self.share_y * self._within(self.y, self.x, self.share_x[:, None])[:, 0],
        )

    def others(self, moved_x: Tensor, moved_y: Tensor) -> tuple[Tensor, Tensor]:
        """What each row of the sides adds through the steps of the rows that it is compared with, (m, L) each."""
        found = []
        for whole, rows, own, share, other, its, sign in (
            (moved_x, self.rows_x, self.x, self.share_x, self.y, self.share_y[:, None] * moved_y[self.rows_y], -1.0),
            (moved_y, self.rows_y, self.y, self.share_y, self.x, self.share_x[:, None] * moved_x[self.rows_x], 1.0),
        ):
            more = torch.zeros_like(whole)
            more[rows] = (sign * share[:, None] * self._within(own, other, its)).float()
            found.append(more)
        return found[0], found[1]

    def _within(self, scores: Tensor, others: Tensor, values: Tensor) -> Tensor:
        """Sum of `values` (r, c) of `others` (r,) over those within the window of each score, (k, c)."""
        ascending = others.sort()
        below = torch.nn.functional.pad(values[ascending.indices].double().cumsum(dim=0), (0, 0, 1, 0))
        least, most = (
            torch.searchsorted(ascending.values, scores + way * self.half, right=way > 0) for way in (-1.0, 1.0)
        )
        return below[most] - below[least]
