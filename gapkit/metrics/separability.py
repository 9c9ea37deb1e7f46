"""Linear separability: how well a straight cut tells source from target on clips that it has not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics.contests import fold_contests
from gapkit.metrics.folds import FOLDS, folded_pair
from gapkit.metrics.pair import Pair
from gapkit.metrics.probe import Probe, probe_of
from gapkit.metrics.refit import refit_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Influence, Value


def linear_separability(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = FOLDS,
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
    return separability_of(folded_pair(source, target, owner, folds=folds, seed=seed)).value


def separability_auc(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = FOLDS,
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
    return separability_auc_of(folded_pair(source, target, owner, folds=folds, seed=seed)).value


def residual_separability(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = FOLDS,
    seed: int = 0,
) -> float:
    """Held-out accuracy of source against target by their spread, after each side's mean is removed.

    Equal means leave logistic regression nothing: with both classes centred its best cut is none, and the accuracy
    is 0.5 whatever the clouds look like. So the classifier of `linear_separability` sees the squares of the centred
    coordinates instead: a quadratic cut along the axes, which finds clouds that are narrower, wider or stretched.

    Parameters
    ----------
    source, target, owner, folds, seed
        See `linear_separability`.

    Returns
    -------
    float
        In [0, 1]; 0.5 is mixed (exactly 0.5 where the sides differ by a shift only, row by row); lower is nearer.
        Depends on the axes: a rotation of both sides changes it.

    Raises
    ------
    InputError
    """
    return separability_of(folded_pair(source, target, owner, folds=folds, seed=seed).centred).value


_KNOWN: dict[str, Any] = {
    "group": "closure",
    "better": "lower",
    "best": 0.5,
    "range": (0.0, 1.0),
    "needs_pairs": False,
    "cost": "n d x iterations",
    "in_folds": True,
    "reference": "Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests",
}


@metric(
    "separability",
    label="Separability",
    place=50,
    definition="Held-out accuracy of logistic regression, source against target, folds by clip; 0.5 is mixed.",
    function=linear_separability,
    residual=Residual(
        "Residual separability",
        "Held-out accuracy by the squared coordinates after each side's mean is removed; 0.5 is mixed.",
        place=110,
        function=residual_separability,
    ),
    **_KNOWN,
)
def separability_of(pair: Pair) -> Value:
    """Mean held-out correctness of both sides; an item has its own, and moves the cut that judges the others."""
    seen = squared_residuals(pair.uncentred) if pair.is_centred else pair
    x, y = correctness(probe_of(seen))

    def influence() -> Influence:
        moved_x, moved_y = refit_of(seen).of_accuracy()
        return x / 2 + moved_x, y / 2 + moved_y

    return Value(float(x.mean() + y.mean()) / 2, influence=influence)


@metric(
    "separability-auc",
    label="Separability AUC",
    place=60,
    default=False,
    definition="Area under the ROC curve of the held-out scores of separability, mean over folds.",
    function=separability_auc,
    **_KNOWN,
)
def separability_auc_of(pair: Pair) -> Value:
    """Share of comparisons that the source wins; an item moves it by its own comparisons, and by the cut."""
    contests = list(fold_contests(probe_of(pair)))
    pairs = sum(fold.pairs for fold in contests)
    value = sum(float(fold.wins().sum()) for fold in contests) / pairs

    def influence() -> Influence:
        x, y = refit_of(pair).of_auc()
        for fold in contests:
            of_x, of_y = fold.wins() - value * len(fold.items_y), fold.losses() - value * len(fold.items_x)
            if pair.paired:
                # An item meets itself once, and not as a source and again as a target.
                of_x -= fold.own() - value
            x[fold.items_x] += pair.x.n / pairs * of_x
            y[fold.items_y] += pair.y.n / pairs * of_y
        return x, y

    return Value(value, influence=influence)


def correctness(found: Probe) -> tuple[Tensor, Tensor]:
    """Share of each item's rows on the right side of the cut, (n_x,) and (n_y,); a score of 0 counts half."""
    return (found.x.scores.sign() + 1) / 2, found.y.cloud.per_clip((1 - found.y.scores.sign()) / 2)


def squared_residuals(pair: Pair) -> Pair:
    """Squares of the coordinates seen from each side's own mean: centred, no straight cut tells the sides apart."""
    x, y = (side.centred.changed(torch.square) for side in (pair.x, pair.y))
    return replace(pair, x=x, y=y)
