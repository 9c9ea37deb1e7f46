"""Squared distance of two sides as a kernel sees them, and how it follows each item: MMD and energy distance.

Draws follow the U-statistic to first order in what each item adds to it (its Hoeffding projection). A resample of the
pairs themselves would shake what only pairs add three times as much as another sample does, and where the sides hardly
differ nothing else is there. What pairs add is in the draws twice even so: that makes up for the skew of a distance
that can be nothing but positive. Without the means of folds it has none: see `fold_distance`.
"""

from __future__ import annotations

from typing import Literal, get_args

from gapkit.errors import InputError
from gapkit.metrics.fold_distance import fold_distance
from gapkit.metrics.kernels import ClipSums, Kernel
from gapkit.metrics.pair import Pair
from gapkit.metrics.value import Influence, Value

Estimator = Literal["unbiased", "paired", "biased"]


def kernel_distance(pair: Pair, kernel: Kernel, estimator: Estimator | None = None) -> Value:
    """Squared distance of the two sides, by default the estimate that is unbiased for them."""
    if pair.form == "folds":
        return fold_distance(pair, kernel)
    estimator = checked_estimator(estimator, pair)
    own, paired = estimator != "biased", estimator == "paired"
    xx, yy = (pair.inside(side, kernel, drop_same=own) for side in (pair.x, pair.y))
    xy = pair.across(kernel, drop_same=paired)
    return Value(
        squared_mmd(xx, yy, xy, estimator=estimator),
        influence=lambda: _influence(xx, yy, xy, int(paired)),
    )


def checked_estimator(estimator: str | None, pair: Pair) -> Estimator:
    """The estimator asked for, or the one that is unbiased for these sides."""
    if estimator is None:
        return "paired" if pair.paired else "unbiased"
    if estimator == "paired" and not pair.paired:
        raise InputError('mmd: estimator "paired" needs paired clips; leave it out, or leave out paired=False')
    for known in get_args(Estimator):
        if estimator == known:
            checked: Estimator = known
            return checked
    raise InputError(f"mmd: estimator: expected one of {', '.join(get_args(Estimator))}, got {estimator!r}")


def squared_mmd(xx: ClipSums, yy: ClipSums, xy: ClipSums, *, estimator: Estimator) -> float:
    """The statistic from the kernel sums of the three pairs of sides."""
    n, m = len(xx.rows), len(yy.rows)
    if estimator == "biased":
        return max(0.0, float(xx.rows.sum() / n**2 + yy.rows.sum() / m**2 - 2 * xy.rows.sum() / (n * m)))
    cross = n * (n - 1) if estimator == "paired" else n * m
    return float(xx.rows.sum() / (n * (n - 1)) + yy.rows.sum() / (m * (m - 1)) - 2 * xy.rows.sum() / cross)


def _influence(xx: ClipSums, yy: ClipSums, xy: ClipSums, own: int) -> Influence:
    n, m = len(xx.rows), len(yy.rows)
    return 2 * (xx.rows / (n - 1) - xy.rows / (m - own)), 2 * (yy.rows / (m - 1) - xy.columns / (n - own))
