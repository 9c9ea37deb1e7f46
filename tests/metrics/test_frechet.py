import math

import numpy as np
import pytest
import scipy.linalg
from sklearn.covariance import ledoit_wolf, shrunk_covariance

from gapkit.arrays import slices
from gapkit.errors import InputError
from gapkit.metrics import centroid_distance, frechet_bias, frechet_distance, residual_frechet_distance
from gapkit.metrics.frechet import bures, gaussian, influences
from gapkit.metrics.pair import pair_of


def by_square_root(mx, sx, my, sy):
    return ((mx - my) ** 2).sum() + np.trace(sx + sy - 2 * scipy.linalg.sqrtm(sx @ sy).real)


def moments(v, weight=None):
    v = v.astype(np.float64)
    return v.mean(axis=0), np.cov(v.T)


def test_scipy_square_root_as_oracle(single):
    x, y = single.source, single.target
    expected = by_square_root(*moments(x), *moments(y))
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(x, y[:25]) == pytest.approx(by_square_root(*moments(x), *moments(y[:25])), rel=1e-9)
    parts = residual_frechet_distance(x, y) + centroid_distance(x, y) ** 2
    assert parts == pytest.approx(expected, rel=1e-9)


def test_closed_form_of_axes_that_agree():
    # Equal axes: the covariance part is the squared distance of the standard deviations.
    corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], dtype=float)
    scale = math.sqrt(7 / 8)  # unit covariance with n - 1
    x, y = corners * scale * [1, 2, 3] + [5, 0, 0], corners * scale * [4, 2, 1]
    assert frechet_distance(x, y) == pytest.approx(25 + 9 + 0 + 4, rel=1e-6)


def test_several_targets_share_the_weight_of_their_clip(several):
    p = several
    weight = 1 / np.bincount(p.owner)[p.owner] / 30
    rows = p.target.astype(np.float64)
    mean = weight @ rows
    means = np.stack([rows[p.owner == c].mean(axis=0) for c in range(30)])
    # E y y' less the mean over pairs of different clips of y_i y_j': unbiased for the covariance of one row.
    between = (30**2 * np.outer(mean, mean) - means.T @ means) / (30 * 29)
    covariance = (rows * weight[:, None]).T @ rows - between
    found = gaussian(pair_of(p.source, p.target, p.owner).y).covariance.numpy()
    assert found == pytest.approx(covariance, abs=1e-8)
    expected = by_square_root(*moments(p.source), mean, covariance)
    assert frechet_distance(p.source, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-7)


def test_shrinkage(single):
    x, y = single.source[:5], single.target[:5]
    with pytest.raises(InputError, match=r"more clips than dimensions \(6\).*got 5.*shrinkage"):
        frechet_distance(x, y)
    with pytest.raises(InputError, match="more clips than dimensions"):
        frechet_distance(single.source[:6], single.target[:6])
    (mx, sx), (my, sy) = moments(x), moments(y)
    expected = by_square_root(mx, shrunk_covariance(sx, 0.3), my, shrunk_covariance(sy, 0.3))
    assert frechet_distance(x, y, shrinkage=0.3) == pytest.approx(expected, rel=1e-9)
    chosen = [
        (1 - w) * s + w * np.trace(s) / 6 * np.eye(6) for s, w in zip((sx, sy), map(weight_of, (x, y)), strict=True)
    ]
    expected = by_square_root(mx, chosen[0], my, chosen[1])
    assert frechet_distance(x, y, shrinkage="ledoit-wolf") == pytest.approx(expected, rel=1e-9)
    twice, owner = np.concatenate([y, y]), np.tile(np.arange(5), 2)
    assert frechet_distance(x, twice, owner=owner, shrinkage="ledoit-wolf") == pytest.approx(expected, rel=1e-9)
    assert residual_frechet_distance(x, x + 3, shrinkage="ledoit-wolf") == pytest.approx(0, abs=1e-5)
    for wrong in (-0.1, 1.5, "lasso"):
        with pytest.raises(InputError, match="shrinkage: expected a number"):
            frechet_distance(x, y, shrinkage=wrong)


def weight_of(rows):
    return ledoit_wolf(rows.astype(np.float64))[1]


def test_blocks_of_rows_do_not_matter(single, monkeypatch):
    whole = frechet_distance(single.source, single.target)
    monkeypatch.setattr("gapkit.metrics.frechet.row_blocks", lambda rows: slices(len(rows), 1, size=7))
    assert frechet_distance(single.source, single.target) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_equal_clouds_are_never_below_zero(scale):
    rng = np.random.default_rng(0)
    # Variances over eight decades: the root of eigenvalues of a product would be off by the root of the rounding.
    for d in (3, 40):
        x = (rng.standard_normal((60, d)) * np.logspace(-4, 0, d)).astype(np.float32) * np.float32(scale)
        assert 0 <= frechet_distance(x, x.copy()) < 1e-13 * scale**2
        assert 0 <= frechet_distance(x, x[::-1].copy()) < 1e-13 * scale**2


def test_influence_is_the_derivative(several):
    p = several
    both = pair_of(p.source, p.target, p.owner)

    def weighted(wx, wy):
        rows = wy[both.y.owner] / np.bincount(both.y.owner)[both.y.owner]
        out = []
        for v, w in ((both.x.rows, wx), (both.y.rows, rows)):
            v = v.double().numpy()
            mean = w @ v
            out.append(((v - mean) * w[:, None]).T @ (v - mean))
        return np.trace(out[0] + out[1] - 2 * scipy.linalg.sqrtm(out[0] @ out[1]).real)

    # The covariances of `gaussian` are n / (n - 1) times the weighted ones, nearly: compare up to that.
    x, y = gaussian(both.x), gaussian(both.y)
    pushes = influences(both, x, y)
    even, step = np.full(30, 1 / 30), 1e-5
    for side in (0, 1):
        found = []
        for clip in range(30):
            ends = []
            for sign in (1, -1):
                w = even * (1 - sign * step)
                w[clip] += sign * step
                ends.append(weighted(*((w, even) if side == 0 else (even, w))))
            found.append((ends[0] - ends[1]) / (2 * step))
        assert np.corrcoef(found, pushes[side])[0, 1] > 0.999
        assert np.polyfit(found, pushes[side], 1)[0] == pytest.approx(1, abs=0.06)
        assert float(pushes[side].mean()) == pytest.approx(0, abs=1e-9)


def test_bias_is_found_and_taken_off():
    rng = np.random.default_rng(3)
    n, d = 600, 16
    same = frechet_bias(rng.standard_normal((n, d)), rng.standard_normal((n, d)), seed=1)
    # Equal Gaussians of covariance 1: |mean difference|^2 is 2 d / n, and a quarter of the squared norm of the
    # covariance difference d (d + 1) / (2 n).
    assert same.slope == pytest.approx(2 * d + d * (d + 1) / 2, rel=0.1)
    assert abs(same.limit) < 0.25 * same.value
    assert same.bias == same.value - same.limit
    far = frechet_bias(1.5 * rng.standard_normal((n, d)) + 0.2, rng.standard_normal((n, d)))
    assert far.limit == pytest.approx(d * (0.04 + 0.25), rel=0.15)
    assert abs(far.limit - d * 0.29) < abs(far.value - d * 0.29)
    assert far.sizes[-1] == n
    assert far.values[-1] == far.value
    again = frechet_bias(1.5 * rng.standard_normal((n, d)), rng.standard_normal((n, d)), sizes=[100, 300], n_draws=2)
    assert list(again.sizes) == [100, 300]
    assert len(again.values) == 2


def test_bias_thins_pairs_together_and_by_seed(several):
    p = several
    a = frechet_bias(p.source, p.target, owner=p.owner, sizes=[10, 20, 30], seed=3)
    b = frechet_bias(p.source, p.target, owner=p.owner, sizes=[10, 20, 30], seed=3)
    c = frechet_bias(p.source, p.target, owner=p.owner, sizes=[10, 20, 30], seed=4)
    assert (a.values == b.values).all()
    assert (a.values[:2] != c.values[:2]).all()
    assert a.value == frechet_distance(p.source, p.target, owner=p.owner) == a.values[-1]
    # A source that is its target stays so in every subsample.
    assert frechet_bias(p.source, p.source).value == pytest.approx(0, abs=1e-9)
    assert frechet_bias(p.source, p.source).values.max() < 1e-9


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sizes": [20]}, "at least 2 different"),
        ({"sizes": [5, 30]}, r"above the dimensions \(6\)"),
        ({"sizes": [20, 41]}, r"up to the clips \(40\)"),
        ({"sizes": [10.5, 20.5]}, "at least 2 different"),
        ({"n_draws": 0}, "n_draws: expected a whole number of at least 1, got 0"),
    ],
)
def test_bad_sizes(single, options, says):
    with pytest.raises(InputError, match=says):
        frechet_bias(single.source, single.target, **options)
    with pytest.raises(InputError, match="twice the dimensions"):
        frechet_bias(single.source[:12], single.target[:12])


def test_bures_alone_matches_the_residual(single):
    both = pair_of(single.source, single.target)
    found = bures(gaussian(both.x), gaussian(both.y))
    assert residual_frechet_distance(single.source, single.target) == found
