"""How far the modalities are on their own sides of the straight cut between them."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.separability import Probe, folds_of, probe


def separability_margin(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = 5,
    seed: int = 0,
) -> float:
    """Mean signed distance of held-out rows from the cut of `linear_separability`, positive on their own side.

    Where a cut separates the modalities their accuracy is 1 whatever lies between them; the margin goes on telling
    how much. It is half the distance of the two held-out means along the cut's normal (clips and sides count the
    same), and not the classifier's score: a score grows with the confidence that the penalty leaves.

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
        In units of the target's root mean squared distance from its mean; 0 where no cut helps, below it by chance
        only; lower is nearer.

    Raises
    ------
    InputError

    Examples
    --------
    >>> separability_margin([[0.0], [1.0], [0.5]], [[0.0], [1.0], [0.5]], folds=3)
    0.0
    """
    both = pair_of(source, target, owner)
    x, y = clip_margins(both, probe(both, *folds_of(both, folds, seed)))
    return float(x.mean() + y.mean()) / 2


def clip_margins(both: Pair, found: Probe) -> tuple[Tensor, Tensor]:
    """Mean margin of each clip's rows, (n_x,) and (n_y,), on the processor."""
    x, y = found.margins
    return x, both.y.per_clip(-y.to(both.y.base.device)).cpu()


def clip_spreads(y: Cloud, found: Probe) -> Tensor:
    """Mean squared distance of each clip's rows from the target's mean, in squared units of the margin, (n,)."""
    rows = found.scaled(y.cpu())
    squares = torch.empty(len(rows.base), dtype=torch.float64)
    for part in row_blocks(rows.base):
        squares[part] = rows.block(part).square().sum(dim=1).double()
    return rows.per_clip(squares)
