"""How far the modalities are on their own sides of the straight cut between them."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.folds import FOLDS, folded_pair
from gapkit.metrics.pair import Pair
from gapkit.metrics.probe import probe_of
from gapkit.metrics.refit import refit_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Influence, Value


def separability_margin(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = FOLDS,
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
    return separability_margin_of(folded_pair(source, target, owner, folds=folds, seed=seed)).value


@metric(
    "separability-margin",
    label="Separability margin",
    place=470,
    group="closure",
    better="lower",
    best=0.0,
    needs_pairs=False,
    cost="n d x iterations",
    default=False,
    in_folds=True,
    definition="Mean signed distance of held-out rows from the cut of separability, in units of the target's spread.",
    function=separability_margin,
)
def separability_margin_of(pair: Pair) -> Value:
    """Mean margin of both sides; an item has its own, moves the cut, and the unit, which is the target's spread."""
    found = probe_of(pair)
    x, y = (
        side.cloud.per_clip(side.sign * side.scores * found.per_length[side.row_fold]) for side in (found.x, found.y)
    )
    value = float(x.mean() + y.mean()) / 2

    def influence() -> Influence:
        moved_x, moved_y = refit_of(pair).of_margin()
        return x / 2 + moved_x, y / 2 + moved_y - value / 2 * _squared_distances(found.y.cloud)

    return Value(value, influence=influence)


def _squared_distances(scaled: Cloud) -> Tensor:
    """Mean squared distance of each item's rows from the target's mean, in squared units of the margin, (n,)."""
    squares = torch.empty(len(scaled.base), dtype=torch.float64)
    for part in row_blocks(scaled.base):
        squares[part] = scaled.block(part).square().sum(dim=1).double()
    return scaled.per_clip(squares)
