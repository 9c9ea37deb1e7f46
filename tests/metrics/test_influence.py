"""Influences against the derivative of the statistic by the weights of the items."""

import numpy as np
import pytest

from gapkit.metrics import METRICS, Reference, measure
from gapkit.metrics.fold_centring import fold_centred
from gapkit.metrics.pair import pair_of


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def item_means(rows, owner):
    return np.array([rows[owner == c].mean(axis=0) for c in range(owner.max() + 1)])


def cosines(x, y, owner, wx, wy, label):
    """Weighed mean cosines: of pairs, of strangers across, inside the source and inside the target."""
    u, v = unit(x), item_means(unit(y), owner)
    n, m = len(u), len(v)
    label = np.arange(n) if label is None else label

    def strangers(a, b, left, right):
        apart = label[: len(a), None] != label[: len(b)]
        return (apart * np.outer(left, right) * (a @ b.T)).sum() / apart.sum()

    own = wx @ (u * v).sum(axis=1) / n if n == m else np.nan
    across = strangers(u, v, wx, wy) if n == m else wx @ u @ v.T @ wy / (n * m)
    return own, across, strangers(u, u, wx, wx), strangers(v, v, wy, wy)


def gap(own, inside_x, inside_y):
    apart, inside = (1 - own) / 2, (1 - (inside_x + inside_y) / 2) / 2
    return apart / (apart + inside)


def centroids(x, y, owner, wx, wy):
    # The lengths of the weights follow: means of the drawn items.
    return np.linalg.norm(wx @ x / wx.sum() - wy @ item_means(y, owner) / wy.sum())


def width(rows, owner, w):
    """Weighed mean squared distance of the rows of an item from the weighed mean."""
    away = ((rows - w @ item_means(rows, owner) / w.sum()) ** 2).sum(axis=1)
    return w @ item_means(away[:, None], owner)[:, 0] / w.sum()


def statistic(name, x, y, owner, wx, wy, label=None):
    if name == "variance-ratio":
        return width(x, np.arange(len(x)), wx) / width(y, owner, wy)
    if name == "centroid-distance":
        return centroids(x, y, owner, wx, wy)
    own, across, inside_x, inside_y = cosines(x, y, owner, wx, wy, label)
    return {
        "cosine": own,
        "unpaired-cosine": across,
        "cosine-margin": own - across,
        "rmg": gap(own, inside_x, inside_y),
    }[name]


PAIRED = ["cosine", "unpaired-cosine", "cosine-margin", "rmg", "residual-rmg", "centroid-distance", "variance-ratio"]
UNPAIRED = ["unpaired-cosine", "centroid-distance", "variance-ratio"]
CASES = [*((name, True) for name in PAIRED), *((name, False) for name in UNPAIRED)]


@pytest.mark.parametrize(("name", "paired"), CASES)
def test_draws_are_the_derivative_by_the_weights(several, name, paired):
    n = 12 if paired else 9
    keep = several.owner < n
    x, y, owner = several.source[:12], several.target[keep], several.owner[keep]
    reference = Reference.from_target(y, owner=owner, n_resamples=4)
    found = measure(x, reference, [name], paired=paired)[name]
    wide, label = (x.astype(float), y.astype(float)), None
    if name.startswith("residual-"):
        # The means are held still: a shift turns directions, which no influence follows.
        seen = fold_centred(pair_of(x, y, owner))
        wide, owner = (seen.x.rows.double().numpy(), seen.y.rows.double().numpy()), seen.y.owner.numpy()
        label = seen.x.fold.numpy()

    def at(wx, wy):
        return statistic(name.removeprefix("residual-"), *wide, owner, wx, wy, label)

    ones = np.ones(12), np.ones(n)
    assert found.value == pytest.approx(at(*ones), abs=1e-6)
    step, slopes = 1e-5, [np.empty(len(w)) for w in ones]
    for side in (0, 1):
        for i in range(len(ones[side])):
            ends = []
            for sign in (1, -1):
                w = [v.copy() for v in ones]
                w[side][i] += sign * step
                ends.append(at(*w))
            slopes[side][i] = (ends[0] - ends[1]) / (2 * step)
    mine = reference.resamples if paired else reference.source_resamples(12)
    expected = [
        slopes[0] @ (mine.weights[b].numpy() - 1) + slopes[1] @ (reference.weights[b].numpy() - 1) for b in range(4)
    ]
    # Draws end where the metric's range does.
    np.testing.assert_allclose(
        found.draws, np.clip(found.value + np.array(expected), *METRICS.get(name).range), atol=2e-5
    )
