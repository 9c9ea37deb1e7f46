"""The straight cut between source and target, fitted once a fold: what the separabilities and the margin look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.folds import folds_of
from gapkit.metrics.pair import Pair

PENALTY = 2e-3
"""Weight of half the squared norm beside the mean loss, for rows scaled to unit spread of the target."""


@dataclass(frozen=True)
class Scored:
    """One side as the classifiers see it, and what they say of the rows that they did not see.

    Parameters
    ----------
    cloud : Cloud
        Scaled rows on the processor.
    fold : Tensor of shape (n,)
        Fold of each item, 0..k-1.
    scores : Tensor of shape (m,), float64
        Held-out score of each row: above 0 says source.
    sign : float
        1 for the source, -1 for the target.
    """

    cloud: Cloud
    fold: Tensor
    scores: Tensor
    sign: float

    @property
    def row_fold(self) -> Tensor:
        """Fold of each row, (m,)."""
        return self.fold[self.cloud.owner]

    @property
    def weight(self) -> Tensor:
        """Weight of each row in the mean of the side, (m,)."""
        return self.cloud.share / self.cloud.n


@dataclass(frozen=True)
class Probe:
    """The classifiers of all folds, and the sides that they were fitted to.

    Parameters
    ----------
    x, y : Scored
    normals, offsets : Tensor of shape (k, d), (k,), float64
        The classifiers, which see scaled rows.
    centre : Tensor of shape (d,), float64
    scale : float
        What rows are shifted and divided by.
    paired : bool
        Item i of one side is item i of the other.
    """

    x: Scored
    y: Scored
    normals: Tensor
    offsets: Tensor
    centre: Tensor
    scale: float
    paired: bool

    @property
    def folds(self) -> int:
        """Number of folds, k."""
        return len(self.normals)

    @property
    def per_length(self) -> Tensor:
        """One over the length of each normal, (k,): scores times this are distances from the cut, in units of `scale`.

        Without a normal there is no cut, and no distance from it.
        """
        length = torch.linalg.vector_norm(self.normals, dim=1)
        return torch.where(length > 0, 1 / length.clamp_min(torch.finfo(torch.float64).tiny), 0.0)


def probe_of(pair: Pair) -> Probe:
    """The classifiers of a pair, fitted once for all metrics that ask them."""
    return pair.shared("probe", lambda: _probe(pair))


def _probe(pair: Pair) -> Probe:
    """Fit one classifier a fold, and score every row by the one that did not see its item."""
    folds = folds_of(pair)
    labels = np.unique(np.concatenate(folds))
    fx, fy = (torch.from_numpy(np.searchsorted(labels, fold)) for fold in folds)
    x, y = pair.x.cpu(), pair.y.cpu()
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

    def scaled(side: Cloud) -> Cloud:
        return side.changed(lambda rows: (rows - centre).float() / scale)

    # While the fit lasts; rows that take more than this are made again in every pass.
    kept_x, kept_y = (scaled(side).kept(pair.max_memory // 8) for side in (x, y))
    normals, offsets = _fit(kept_x, kept_y, weight_x, weight_y)
    scored_x = Scored(scaled(x), fx, _score(kept_x, normals, offsets, fx), 1.0)
    scored_y = Scored(scaled(y), fy, _score(kept_y, normals, offsets, row_fold), -1.0)
    return Probe(scored_x, scored_y, normals, offsets, centre, scale, pair.paired)


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
