"""Linear separability: how well a straight cut tells source from target on clips that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of

PENALTY = 2e-3
"""Weight of half the squared norm beside the mean loss, for rows scaled to unit spread of the target."""


def linear_separability(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = 5,
    seed: int = 0,
) -> float:
    """Held-out accuracy of logistic regression, source against target.

    A clip's source and targets are always in the same fold. Both classes and all clips weigh the same, whatever the
    number of targets a clip. Rows are centred and divided by one number, the root mean squared distance of the target
    from its mean, so that the penalty means the same for every encoder.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Without it and with m != n the rows are unrelated.
    folds : int or array-like of shape (n,)
        Number of folds, or the fold of each clip.
    seed : int
        Draws the folds.

    Returns
    -------
    float
        In [0, 1]; 0.5 where no straight cut helps (exactly 0.5 where the two sides are equal row by row), 1 where one
        cut separates the modalities. Lower is nearer.

    Raises
    ------
    InputError

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR.

    Examples
    --------
    >>> linear_separability([[0.0], [1.0], [0.5]], [[0.0], [1.0], [0.5]], folds=3)
    0.5
    """
    both = pair_of(source, target, owner)
    scores = held_out_scores(both, *folds_of(both, folds, seed))
    correct_x, correct_y = correctness(both, *scores)
    return float((correct_x.mean() + correct_y.mean()) / 2)


def separability_auc(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = 5,
    seed: int = 0,
) -> float:
    """Area under the ROC curve of the held-out scores of `linear_separability`, taken fold by fold.

    It needs no threshold: of two clouds of which one is much narrower, accuracy may say little and the AUC more.

    Parameters
    ----------
    source, target, owner, folds, seed
        See `linear_separability`.

    Returns
    -------
    float
        In [0, 1], ties count half; 0.5 where the scores say nothing. Lower is nearer.

    Raises
    ------
    InputError

    Examples
    --------
    >>> separability_auc([[0.0], [1.0], [0.5]], [[0.0], [1.0], [0.5]], folds=3)
    0.5
    """
    both = pair_of(source, target, owner)
    fold_x, fold_y = folds_of(both, folds, seed)
    score_x, score_y = held_out_scores(both, fold_x, fold_y)
    contests = list(fold_contests(both, score_x, score_y, fold_x, fold_y))
    return sum(float(fold.wins().sum()) for fold in contests) / sum(fold.pairs for fold in contests)


def clip_folds(n: int, folds: int, seed: int | list[int]) -> NDArray[np.int64]:
    """Fold of each of `n` clips, sizes equal up to one; no more folds than clips."""
    whole("folds", folds, 2)
    return np.random.default_rng(seed).permutation(n) % min(folds, n)


@dataclass(frozen=True)
class Probe:
    """What the classifiers of all folds say of the rows that they did not see.

    Parameters
    ----------
    scores : (Tensor of shape (n_x,), Tensor of shape (m,)), float64
        Above 0 says source.
    margins : (Tensor of shape (n_x,), Tensor of shape (m,)), float64
        The same as signed distances from the cut, in units of the target's root mean squared distance from its mean.
    normals, offsets : Tensor of shape (k, d), (k,), float64
        The classifiers of the folds, which see scaled rows.
    centre : Tensor of shape (d,), float64
    scale : float
        What rows are shifted and divided by.
    """

    scores: tuple[Tensor, Tensor]
    margins: tuple[Tensor, Tensor]
    normals: Tensor
    offsets: Tensor
    centre: Tensor
    scale: float

    def scaled(self, side: Cloud) -> Cloud:
        """Rows as the classifiers see them."""
        return _scaled(side, self.centre, self.scale)


def _scaled(side: Cloud, centre: Tensor, scale: float) -> Cloud:
    return side.changed(lambda rows: (rows - centre).float() / scale)


def held_out_scores(both: Pair, fold_x: NDArray[np.int64], fold_y: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Scores of `probe`."""
    return probe(both, fold_x, fold_y).scores


def probe(both: Pair, fold_x: NDArray[np.int64], fold_y: NDArray[np.int64], *, max_memory: int = 2**29) -> Probe:
    """Fit one classifier a fold, and score every row by the one that did not see its clip.

    Parameters
    ----------
    both : Pair
    fold_x, fold_y : array of shape (n_x,), (n_y,)
        Fold of each clip.
    max_memory : int
        Bytes that the scaled rows of both sides may take; where they take more they are made again in every pass.
    """
    labels = np.unique(np.concatenate([fold_x, fold_y]))
    fx, fy = (torch.from_numpy(np.searchsorted(labels, f)) for f in (fold_x, fold_y))
    x, y = both.x.cpu(), both.y.cpu()
    row_weight, row_fold = y.share.float(), fy[y.owner]
    # One column a fold: weight of each row in that fold's loss, 0 for the rows held out.
    weight_x = torch.stack([(fx != k).float() for k in range(len(labels))], dim=1)
    weight_y = torch.stack([(row_fold != k).float() * row_weight for k in range(len(labels))], dim=1)
    if bool((weight_x.sum(dim=0) == 0).any() | (weight_y.sum(dim=0) == 0).any()):
        raise InputError("separability: a fold holds all clips of one side; give at least 2 folds with clips in each")
    weight_x = weight_x / (2 * weight_x.sum(dim=0))
    weight_y = weight_y / (2 * weight_y.sum(dim=0))
    centre = y.mean
    scale = _spread(y, centre) ** 0.5 or 1.0
    x, y = (_scaled(side, centre, scale).kept(max_memory // 2) for side in (x, y))
    normals, offsets = _fit(x, y, weight_x, weight_y)
    scores = _score(x, normals, offsets, fx), _score(y, normals, offsets, row_fold)
    # Without a normal there is no cut, and no distance from it.
    length = torch.linalg.vector_norm(normals, dim=1).clamp_min(torch.finfo(torch.float64).tiny)
    margins = scores[0] / length[fx], scores[1] / length[row_fold]
    return Probe(scores, margins, normals, offsets, centre, scale)


def _spread(side: Cloud, centre: Tensor) -> float:
    """Mean over clips of the squared distance of their rows from a point."""
    total = 0.0
    for part in row_blocks(side.base):
        rows = (side.block(part) - centre).float()
        total += float(side.share[part] @ torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64).square())
    return total / side.n


def _score(side: Cloud, normals: Tensor, offsets: Tensor, fold: Tensor) -> Tensor:
    """Score of each row by the classifier of its fold."""
    score = torch.empty(len(fold), dtype=torch.float64)
    for part in row_blocks(side.base):
        score[part] = (side.block(part).double() @ normals.T + offsets).gather(1, fold[part, None])[:, 0]
    return score


def _fit(x: Cloud, y: Cloud, weight_x: Tensor, weight_y: Tensor) -> tuple[Tensor, Tensor]:
    """Logistic regressions of all folds at once, so that each pass over the rows serves them all; (k, d) and (k,)."""
    d, k = x.base.shape[1], weight_x.shape[1]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = torch.from_numpy(flat).view(k, d + 1)
        # The few folds come first in both products: the other way round they take five times as long.
        normals, offsets = parameters[:, :-1].float(), parameters[:, -1].float()
        total = PENALTY / 2 * float(parameters[:, :-1].square().sum())
        gradient = torch.zeros(k, d + 1, dtype=torch.float64)
        gradient[:, :-1] = PENALTY * parameters[:, :-1]
        for side, weights, sign in ((x, weight_x, 1.0), (y, weight_y, -1.0)):
            for part in row_blocks(side.base):
                rows, weight = side.block(part), weights[part]
                margin = sign * (rows @ normals.T + offsets)
                total += float((weight * torch.nn.functional.softplus(-margin)).sum(dtype=torch.float64))
                pull = -sign * weight * torch.sigmoid(-margin)
                gradient[:, :-1] += pull.T @ rows
                gradient[:, -1] += pull.sum(dim=0)
        return total, gradient.flatten().numpy()

    start = np.zeros(k * (d + 1))
    options: Any = {"maxiter": 500, "gtol": 1e-5, "ftol": 1e-9, "maxcor": 20}
    found = torch.from_numpy(minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x).view(k, d + 1)
    return found[:, :-1], found[:, -1]


def correctness(both: Pair, score_x: Tensor, score_y: Tensor) -> tuple[Tensor, Tensor]:
    """Share of each clip's rows on the right side of the cut, (n_x,) and (n_y,); a score of 0 counts half."""
    y = Cloud(score_y[:, None], both.y.owner.cpu(), both.y.n)
    return (score_x.sign() + 1) / 2, y.per_clip((1 - score_y.sign()) / 2)


@dataclass(frozen=True)
class Contest:
    """Scores of one fold, in which every source clip is compared with every target clip.

    Parameters
    ----------
    score_x : Tensor of shape (k,), float64
    clips_x, clips_y : Tensor of shape (k,), (l,)
        Clips of each side in this fold, ascending.
    score_y : Tensor of shape (r,), float64
        Of the target rows, ascending.
    rows_y : Tensor of shape (r,)
        Which of `clips_y` each of them belongs to.
    share : Tensor of shape (r,), float64
        Weight of each of them inside its clip.
    """

    score_x: Tensor
    clips_x: Tensor
    clips_y: Tensor
    score_y: Tensor
    rows_y: Tensor
    share: Tensor

    @property
    def pairs(self) -> int:
        """Number of comparisons."""
        return len(self.clips_x) * len(self.clips_y)

    def wins(self, weights: Tensor | None = None) -> Tensor:
        """Target clips that each source clip scores above, a tie counting half: (k,), or (B, k) by weights (B, l)."""
        mass = self.share if weights is None else self.share * weights.double()[:, self.rows_y]
        below = torch.nn.functional.pad(mass.cumsum(dim=-1), (1, 0))
        least, most = (torch.searchsorted(self.score_y, self.score_x, right=right) for right in (False, True))
        return (below[..., least] + below[..., most]) / 2

    def own(self) -> Tensor:
        """Share of its own target rows that each clip scores above, paired clips, (k,)."""
        mark = self.score_x[self.rows_y]
        above = (torch.sign(mark - self.score_y) + 1) / 2
        return torch.zeros_like(self.score_x).index_add_(0, self.rows_y, above * self.share)


def fold_contests(
    both: Pair, score_x: Tensor, score_y: Tensor, fold_x: NDArray[np.int64], fold_y: NDArray[np.int64]
) -> Iterator[Contest]:
    """One contest a fold that both sides have clips in; sorting makes it n log n."""
    owner, share = both.y.owner.cpu(), both.y.share.cpu()
    row_fold = torch.from_numpy(fold_y)[owner]
    for fold in np.intersect1d(fold_x, fold_y):
        rows = (row_fold == int(fold)).nonzero().flatten()
        clips_y, local = torch.unique_consecutive(owner[rows], return_inverse=True)
        clips_x = torch.from_numpy(np.flatnonzero(fold_x == fold))
        ascending = score_y[rows].sort()
        order = ascending.indices
        yield Contest(score_x[clips_x], clips_x, clips_y, ascending.values, local[order], share[rows][order])


def folds_of(both: Pair, folds: int | ArrayLike, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fold of each source clip and of each target clip, from a number of folds or as given."""
    seed = whole("seed", seed)
    if np.ndim(folds) == 0:
        number = whole("folds", folds, 2)
        fold_y = clip_folds(both.y.n, number, seed)
        return (fold_y if both.paired else clip_folds(both.x.n, number, [seed, 1])), fold_y
    given = np.asarray(folds)
    if not both.paired or given.shape != (both.x.n,) or given.dtype.kind not in "iu":
        raise InputError(
            f"separability: folds: expected the fold of each of {both.x.n} paired clips as integers, "
            f"got shape {given.shape} of {given.dtype}; give a number of folds"
        )
    if len(np.unique(given)) < 2:
        raise InputError("separability: folds: expected at least 2 different folds, got 1")
    return given.astype(np.int64), given.astype(np.int64)
