"""Draws of kernel distances: what each clip adds, to first order, its part in the mean of its fold included."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gapkit.metrics import Reference, measure
from gapkit.metrics.bandwidth import FACTORS
from gapkit.metrics.fold_centring import joined_folds
from gapkit.metrics.folds import folds_of
from gapkit.metrics.pair import pair_of

KERNELS = {
    "mmd": lambda r, width: np.exp(-((r / width) ** 2) / 2),
    "mmd-multi": lambda r, width: np.mean([np.exp(-((r / width / f) ** 2) / 2) for f in FACTORS], axis=0),
    "mmd-imq": lambda r, width: (1 + (r / width) ** 2) ** -0.5,
    "energy-distance": lambda r, width: -r,
}


def clip_kernel(a, owner_a, b, owner_b, kernel):
    """Mean kernel of every clip of one side with every clip of the other, and where both are one clip."""
    k = kernel(cdist(a, b))
    n, m = owner_a.max() + 1, owner_b.max() + 1
    return np.array([[k[np.ix_(owner_a == i, owner_b == j)].mean() for j in range(m)] for i in range(n)])


def without_fold_means(rows, owner, fold, w):
    """Rows seen from the weighed mean of their fold, stretched as much as it takes away."""
    means, seen = np.array([rows[owner == c].mean(axis=0) for c in range(len(fold))]), np.empty_like(rows)
    for row, c in enumerate(owner):
        inside = fold == fold[c]
        stretch = np.sqrt(inside.sum() / (inside.sum() - 1))
        mean = w[inside] @ means[inside] / w[inside].sum()
        seen[row] = rows[row] + (stretch - 1) * means[c] - stretch * mean
    return seen


def statistic(x, y, owner, kernel, wx, wy, *, paired, folds):
    """Unbiased squared distance with clips weighed, of different folds where there are some."""
    x, y = x.astype(float), y.astype(float)
    each = np.arange(len(x))
    if folds is None:
        # Labels that differ where clips may be compared.
        label_x, label_y = each, np.arange(len(wy)) + (0 if paired else len(x))
    else:
        label_x, label_y = folds
        x, y = without_fold_means(x, each, label_x, wx), without_fold_means(y, owner, label_y, wy)
    a, b = (x, each, wx, label_x), (y, owner, wy, label_y)
    total = []
    for (left, owner_l, wl, ll), (right, owner_r, wr, lr) in ((a, a), (b, b), (a, b)):
        apart = ll[:, None] != lr
        total.append(
            (apart * np.outer(wl, wr) * clip_kernel(left, owner_l, right, owner_r, kernel)).sum() / apart.sum()
        )
    return total[0] + total[1] - 2 * total[2]


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("name", [*KERNELS, *(f"residual-{name}" for name in KERNELS)])
def test_draws_are_the_derivative_by_the_weights(several, name, paired):
    x, y, owner = several.source[:12] * 0.3, several.target * 0.3, several.owner
    keep = owner < (12 if paired else 10)
    y, owner = y[keep], owner[keep]
    folds = joined_folds(folds_of(pair_of(x, y, owner, paired=paired))) if name.startswith("residual-") else None
    reference = Reference.from_target(y, owner=owner, n_resamples=4)
    e = measure(x, reference, [name], paired=paired)[name]
    kernel = KERNELS[name.removeprefix("residual-")]

    def at(wx, wy):
        return statistic(x, y, owner, lambda r: kernel(r, reference.bandwidth), wx, wy, paired=paired, folds=folds)

    ones = np.ones(12), np.ones(owner.max() + 1)
    assert e.value == pytest.approx(at(*ones), abs=2e-6)
    step, slopes = 1e-4, [np.empty(len(w)) for w in ones]
    for side in (0, 1):
        for i in range(len(ones[side])):
            ends = []
            for sign in (1, -1):
                w = [v.copy() for v in ones]
                w[side][i] += sign * step
                ends.append(at(*w))
            slopes[side][i] = (ends[0] - ends[1]) / (2 * step)
    mine = reference.resamples if paired else reference.source_resamples(12)
    weights = [(mine.weights[b].numpy(), reference.weights[b].numpy()) for b in range(4)]
    for side in () if folds is None else (0, 1):
        # Folds are few: items count against their fold, which costs one of its items.
        for fold in np.unique(folds[side]):
            mine = folds[side] == fold
            slopes[side][mine] -= slopes[side][mine].mean()
            slopes[side][mine] *= np.sqrt(mine.sum() / (mine.sum() - 1))
    expected = np.array([slopes[0] @ (wx - 1) + slopes[1] @ (wy - 1) for wx, wy in weights])
    moved = e.draws - e.value
    # Between folds what only pairs add would be there twice: all draws are as much shorter, half of the variance at
    # most.
    left = 1.0 if folds is None else moved @ expected / (expected @ expected)
    assert np.sqrt(0.5) - 1e-3 <= left <= 1 + 1e-4
    np.testing.assert_allclose(moved, left * expected, atol=1e-5)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("name", ["mmd-linear", "mmd-rff"])
def test_so_are_those_of_products(several, name, paired):
    x, y, owner = several.source, several.target, several.owner
    reference = Reference.from_target(y, owner=owner, n_resamples=5)
    e = measure(x, reference, [name], paired=paired)[name]
    if name == "mmd-rff":
        # Against the exact kernel: the features are 1,024 of infinitely many.
        exact = measure(x, reference, ["mmd"], paired=paired)["mmd"]
        assert e.draws - e.value == pytest.approx(exact.draws - exact.value, abs=0.02)
        return
    means = np.stack([y[owner == c].astype(float).mean(axis=0) for c in range(30)])
    # Seen from the mean of the targets, as it is measured: what clips add depends a little on the origin.
    z, means = x - means.mean(axis=0), means - means.mean(axis=0)
    wx = (reference.resamples if paired else reference.source_resamples(30)).weights.numpy().astype(float)
    wy = reference.weights.numpy().astype(float)
    if paired:
        h = (z - means) @ (z - means).T
        np.fill_diagonal(h, 0)
        expected = e.value + 2 * (wx - 1) @ h.sum(axis=1) / (30 * 29)
    else:
        xx, yy, xy = z @ z.T, means @ means.T, z @ means.T
        for inside in (xx, yy):
            np.fill_diagonal(inside, 0)
        expected = e.value + 2 * (wx - 1) @ (xx.sum(axis=1) / (30 * 29) - xy.sum(axis=1) / 900)
        expected += 2 * (wy - 1) @ (yy.sum(axis=1) / (30 * 29) - xy.sum(axis=0) / 900)
    assert e.draws == pytest.approx(expected, abs=1e-4)


def test_the_memory_given_does_not_change_a_draw(several):
    p = several
    found = []
    for memory in (2**29, 2**16):
        reference = Reference.from_target(p.target, owner=p.owner, n_resamples=20, max_memory=memory)
        found.append(measure(p.source, reference, [*KERNELS, "residual-mmd", "mmd-linear"]))
    for name, e in found[0].items():
        assert found[1][name].value == pytest.approx(e.value, abs=1e-6)
        assert found[1][name].draws == pytest.approx(e.draws, abs=1e-5)


def test_equal_rows_have_a_slope():
    # 1 / r is taken as 0 where two rows are one.
    x = np.repeat(np.eye(4), 5, axis=0)
    e = measure(x, Reference.from_target(x + 1.0, n_resamples=9), ["residual-energy-distance"])
    assert np.isfinite(e["residual-energy-distance"].draws).all()
    assert e["residual-energy-distance"].value == pytest.approx(0, abs=1e-6)
