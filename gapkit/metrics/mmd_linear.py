"""Squared MMD with the inner product as kernel: the squared offset of the means without its sampling noise."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.kernel_distance import Estimator, checked_estimator
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Influence, Value


def mmd_linear(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, paired: bool | None = None
) -> float:
    """Squared MMD with the linear kernel: the squared centroid distance without its sampling noise.

    Computed from means in O(n d): |mean x - mean y|^2 less the trace of the covariance of the pair difference
    (of both sides, where unpaired) over n.

    Parameters
    ----------
    source, target, owner, paired
        See `mmd`.

    Returns
    -------
    float
        0 in expectation where the means agree (an estimate may be slightly negative); lower is nearer. Blind to
        everything but the means.

    Raises
    ------
    InputError

    Examples
    --------
    >>> mmd_linear([[0, 0], [2, 0]], [[0, 3], [2, 3]])
    9.0
    """
    return mmd_linear_of(pair_of(source, target, owner, paired=paired)).value


@metric(
    "mmd-linear",
    label="MMD² ×1000, linear",
    place=200,
    group="closure",
    better="lower",
    best=0.0,
    needs_pairs=False,
    cost="n d",
    scale=1000.0,
    digits=1,
    reference="Gretton et al. (2012), A kernel two-sample test",
    default=False,
    definition="Squared MMD, linear kernel: the squared centroid distance without its sampling noise.",
    function=mmd_linear,
)
def mmd_linear_of(pair: Pair) -> Value:
    """Squared MMD of the inner product."""
    return Value(linear_mmd(pair, checked_estimator(None, pair)), influence=lambda: _of_products(pair))


def linear_mmd(both: Pair, estimator: Estimator) -> float:
    """Squared MMD with the inner product as kernel, from means and spreads."""
    x, y = both.x, both.y
    offset = float((x.mean - y.mean).square().sum())
    if estimator == "biased":
        return offset
    if estimator == "paired":
        return offset - _spread(x, x.mean - y.mean, y) / x.n
    return offset - _spread(x, x.mean) / x.n - _spread(y, y.mean) / y.n


def _spread(side: Cloud, centre: Tensor, minus: Cloud | None = None) -> float:
    """Trace of the covariance of the clips, or of the clips less those of `minus`, in float64 block by block."""
    total = 0.0
    for clips, rows in side.clip_blocks():
        block = rows.double() - centre
        if minus is not None:
            block -= minus.clip_block(clips)
        total += float(torch.linalg.vector_norm(block) ** 2)
    return total / (side.n - 1)


def _of_products(pair: Pair) -> Influence:
    """Influence of each item on the linear MMD; rows are seen from the target's mean."""
    x, y, offset = pair.x, pair.y, pair.x.mean - pair.y.mean
    x_along, y_along = x.along(offset), y.along(offset)
    if pair.paired:
        # Of the differences of pairs: 2 (difference . sum of the others) / (n - 1).
        own = _squares(x, y.mean, minus=y)
        return 2 * (x.n * (x_along - y_along) - own) / (x.n - 1), None
    # 2 (x . sum of the other sources) / (n - 1) - 2 x . (mean of the targets), which is 0; likewise the targets, whose
    # sum is 0.
    moved_x = 2 * (x.n * x_along - _squares(x, y.mean)) / (x.n - 1)
    return moved_x, -2 * y_along - 2 * _squares(y, y.mean) / (y.n - 1)


def _squares(side: Cloud, origin: Tensor, minus: Cloud | None = None) -> Tensor:
    """Squared length of each item seen from `origin`, or of its difference from that of `minus`; float64, (n,)."""
    out = torch.empty(side.n, dtype=torch.float64, device=side.base.device)
    for clips, rows in side.clip_blocks():
        block = rows.double() - (origin if minus is None else minus.clip_block(clips).double())
        out[clips] = block.square().sum(dim=1)
    return out
