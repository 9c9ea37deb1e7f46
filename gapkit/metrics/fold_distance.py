"""Squared distance of two sides without the means of their folds, as a kernel sees them, and how it follows each item.

It is the mean over pairs of different folds of k(x, x') + k(y, y') - 2 k(x, y): an inner product of what independent
folds know of the difference, with expectation 0 where the sides differ by a shift alone (see `fold_centring`).

An item moves it by its own kernels, and by the mean that all items of its fold lose: n times the derivative by its
weight is A_i, the sum over the other folds g of A_ig. Inside a fold the A_ig are a table of items by folds. Items add
by themselves what differs by rows; only pairs of items add what neither rows nor columns explain. Another sample varies
by that once and the influences by it twice: `Value.chance` is its share of their variance.

In simulations 92 to 98 % of the 95 % intervals cover where shapes agree or differ clearly, with 75 to 200 items, paired
or not. Where they hardly differ (one side 3 to 10 % narrower) 86 to 94 % do: the value is skewed there.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.kernels import ClipSums, Kernel
from gapkit.metrics.pair import Pair
from gapkit.metrics.value import Influence, Value


def fold_distance(pair: Pair, kernel: Kernel) -> Value:
    """Squared distance of a pair without the means of its folds."""
    of_x, of_y = _folds(pair.x), _folds(pair.y)
    pushes = cache(lambda: _pushes(pair, kernel))

    def influence() -> Influence:
        x, y = pushes()
        return _within(x, of_x).sum(dim=1), _within(y, of_y).sum(dim=1)

    def chance() -> float:
        x, y = pushes()
        if pair.paired:
            return _share((x + y, of_x))
        return _share((x, of_x), (y, of_y))

    xx, yy, xy = _sums(pair, kernel)
    pairs_x, pairs_y, across = _pairs(of_x, of_x), _pairs(of_y, of_y), _pairs(of_x, of_y)
    value = xx.rows.sum() / pairs_x + yy.rows.sum() / pairs_y - 2 * xy.rows.sum() / across
    return Value(float(value), influence=influence, chance=chance)


def _folds(side: Cloud) -> Tensor:
    assert side.fold is not None
    return side.fold


def _sums(pair: Pair, kernel: Kernel) -> tuple[ClipSums, ClipSums, ClipSums]:
    return pair.inside(pair.x, kernel), pair.inside(pair.y, kernel), pair.across(kernel)


def _pairs(one: Tensor, other: Tensor) -> int:
    """Number of pairs of items in different folds."""
    return len(one) * len(other) - int((torch.bincount(one) * torch.bincount(other)).sum())


def _pushes(pair: Pair, kernel: Kernel) -> tuple[Tensor, Tensor]:
    """Share of each item in the distance by each other fold, float64, (n_x, folds) and (n_y, folds)."""
    x, y = pair.x, pair.y
    of_x, of_y = _folds(x), _folds(y)
    inside = 2 / _pairs(of_x, of_x), 2 / _pairs(of_y, of_y)
    across = 2 / _pairs(of_x, of_y)
    xx, yy, xy = _sums(pair, kernel)
    own = (inside[0] * xx.rows - across * xy.rows, inside[1] * yy.rows - across * xy.columns)
    # For a kernel of the distance r, a shift by t moves k(a - b) by k'(r) / r (a - b) . t.
    xx, yy, xy = _sums(pair, kernel.slope)
    of_xx, of_xy = _weighed(x, [xx.by_row[0], xy.by_row[0]])
    of_yy, of_yx = _weighed(y, [yy.by_row[0], xy.by_row[1]])
    slope_x = inside[0] * (of_xx - of_xx.transpose(0, 1)) - across * (of_xy - of_yx.transpose(0, 1))
    slope_y = inside[1] * (of_yy - of_yy.transpose(0, 1)) - across * (of_yx - of_xy.transpose(0, 1))
    unit = kernel.slope.widths[0] ** 2
    return x.n * (own[0] + _by_mean(x, of_x, slope_x) / unit), y.n * (own[1] + _by_mean(y, of_y, slope_y) / unit)


def _weighed(side: Cloud, sums: list[Tensor]) -> list[Tensor]:
    """Sum over the items of each fold of the mean of their rows times a number for each other fold.

    One result of shape (folds, folds, d), float64, for each (m, folds) numbers.
    """
    folds, weights = sums[0].shape[1], torch.cat(sums, dim=1)
    total = torch.zeros(folds, weights.shape[1], side.base.shape[1], dtype=torch.float64, device=side.base.device)
    for part in row_blocks(side.base):
        rows, label = side.block(part).double(), side.label[part]
        for own in range(folds):
            mine = (label == own).nonzero().flatten()
            total[own] += (weights[part][mine] * side.share[part][mine, None]).T @ rows[mine]
    return list(torch.split(total, folds, dim=1))


def _by_mean(side: Cloud, fold: Tensor, slopes: Tensor) -> Tensor:
    """Shift of the distance by each item through the mean of its fold; (n, folds), of slopes (folds, folds, d)."""
    out = torch.zeros(side.n, len(slopes), dtype=torch.float64, device=side.base.device)
    sizes = torch.bincount(fold)
    for items, rows in side.clip_blocks():
        for own in range(len(slopes)):
            mine = (fold[items] == own).nonzero().flatten()
            out[items.start + mine] = rows[mine].double() @ slopes[own].T / sizes[own]
    return out


def _within(pushes: Tensor, fold: Tensor) -> Tensor:
    """Pushes less their mean in the fold: folds are few, and would say more of chance than of the items."""
    sizes = torch.bincount(fold)
    means = torch.zeros(len(sizes), pushes.shape[1], dtype=pushes.dtype, device=pushes.device)
    means.index_add_(0, fold, pushes).div_(sizes[:, None])
    # One of the items of a fold is lost to this mean; rows are stretched already for the mean that they lost.
    return (pushes - means[fold]) * (sizes / (sizes - 1).clamp_min(1)).sqrt()[fold, None]


def _share(*sides: tuple[Tensor, Tensor]) -> float:
    """Share of the variance of the influences that rows and columns do not explain; 0 where one column is all."""
    whole = alone = 0.0
    for pushes, fold in sides:
        others = pushes.shape[1] - 1
        if others < 2:
            return 0.0
        seen = _within(pushes, fold)
        rows = seen.sum(dim=1)
        rest = seen - rows[:, None] / others
        rest.scatter_(1, fold[:, None], 0)
        whole += float(rows.square().sum()) / len(rows) ** 2
        alone += float(rest.square().sum()) * others / (others - 1) / len(rows) ** 2
    return min(1.0, alone / max(whole, 1e-300))
