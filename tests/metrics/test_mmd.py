import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, pdist
from scipy.stats import norm
from sklearn.metrics.pairwise import rbf_kernel

from gapkit.errors import InputError
from gapkit.metrics import kernels, median_bandwidth, mmd, mmd_imq, mmd_linear, mmd_multi, mmd_profile, residual_mmd


def by_loops(x, y, owner, bandwidths, paired=True):
    """Mean over pairs of different clips of the mean kernel of their rows, one pair at a time."""
    x, y = x.astype(np.float64), y.astype(np.float64)

    def k(a, b):
        return np.mean([math.exp(-((a - b) @ (a - b)) / (2 * s * s)) for s in bandwidths])

    groups = [y[owner == c] for c in range(owner.max() + 1)]

    def mean_kernel(left, right, skip_same):
        values = [
            np.mean([[k(a, b) for b in q] for a in p])
            for i, p in enumerate(left)
            for j, q in enumerate(right)
            if not (skip_same and i == j)
        ]
        return np.mean(values)

    singles = [row[None] for row in x]
    return (
        mean_kernel(singles, singles, True)
        + mean_kernel(groups, groups, True)
        - 2 * mean_kernel(singles, groups, paired)
    )


def test_loops_with_several_targets(several):
    x, y, owner = several.source[:12], several.target[several.owner < 12], several.owner[several.owner < 12]
    assert mmd(x, y, owner=owner, bandwidth=1.7) == pytest.approx(by_loops(x, y, owner, [1.7]), abs=1e-7)
    widths = [0.8, 1.7, 4.0]
    assert mmd(x, y, owner=owner, bandwidths=widths) == pytest.approx(by_loops(x, y, owner, widths), abs=1e-7)
    everything = mmd(x, y, owner=owner, paired=False, bandwidth=1.7)
    assert everything == pytest.approx(by_loops(x, y, owner, [1.7], paired=False), abs=1e-7)


def test_sklearn_as_oracle(single):
    x, y = single.source.astype(np.float64), single.target.astype(np.float64)
    n, g = len(x), 1 / (2 * 2.3**2)
    off = ~np.eye(n, dtype=bool)
    xx, yy, xy = rbf_kernel(x, x, g), rbf_kernel(y, y, g), rbf_kernel(x, y, g)
    assert mmd(x, y, bandwidth=2.3) == pytest.approx(xx[off].mean() + yy[off].mean() - 2 * xy[off].mean(), abs=1e-7)
    unpaired = xx[off].mean() + yy[off].mean() - 2 * xy.mean()
    assert mmd(x, y, bandwidth=2.3, paired=False) == pytest.approx(unpaired, abs=1e-7)
    z = y[:25]
    other = xx[off].mean() + yy[:25, :25][off[:25, :25]].mean() - 2 * xy[:, :25].mean()
    assert mmd(x, z, bandwidth=2.3) == pytest.approx(other, abs=1e-7)


def test_closed_form_of_two_gaussians():
    # For N(a, 1) and N(b, 1) in one dimension: 2 s / sqrt(s^2 + 2) (1 - exp(-(a - b)^2 / 2 (s^2 + 2))).
    # Quantiles instead of draws: no noise.
    x = norm.ppf((np.arange(2000) + 0.5) / 2000)[:, None]
    y = x[np.random.default_rng(0).permutation(2000)] + 0.7
    exact = 2 / math.sqrt(3) * (1 - math.exp(-0.49 / 6))
    assert mmd(x, y, bandwidth=1.0, paired=False) == pytest.approx(exact, rel=0.01)


def test_pairs_that_depend_on_each_other_do_not_bias():
    # y is x moved by nothing but noise of its own: the same distribution, strongly paired.
    rng = np.random.default_rng(1)
    values = []
    for _ in range(40):
        c = rng.standard_normal((30, 4))
        x, y = c + 0.3 * rng.standard_normal((2, 30, 4))
        values.append((mmd(x, y, bandwidth=2.0), mmd(x, y, bandwidth=2.0, paired=False)))
    kept_out, kept_in = np.mean(values, axis=0)
    standard_error = np.std(values, axis=0)[0] / math.sqrt(40)
    assert abs(kept_out) < 3 * standard_error
    assert kept_in < -10 * standard_error


@pytest.mark.parametrize("memory", [4 * 16 * 16, 4 * 100 * 100, 2**27])
def test_tile_size_does_not_matter(memory):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((700, 32)), rng.standard_normal((700, 32)) + 0.2
    whole = mmd(x, y, bandwidth=8.0)
    assert mmd(x, y, bandwidth=8.0, max_memory=memory) == pytest.approx(whole, rel=1e-6)
    # One source row a clip, 700 clips, two targets each.
    both = np.concatenate([y, y + 0.1])
    owner = np.tile(np.arange(700), 2)
    whole = mmd(x, both, owner=owner, bandwidths=[4.0, 8.0])
    assert mmd(x, both, owner=owner, bandwidths=[4.0, 8.0], max_memory=memory) == pytest.approx(whole, rel=1e-6)


def test_invariances(single, several):
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0]
    x, y = single.source, single.target
    value = mmd(x, y)
    assert mmd(x @ rotation, y @ rotation) == pytest.approx(value, rel=1e-5)
    assert mmd(x + 5, y + 5) == pytest.approx(value, rel=1e-5)
    assert mmd(3 * x, 3 * y) == pytest.approx(value, rel=1e-5)
    order = np.random.default_rng(4).permutation(40)
    assert mmd(x[order], y[order]) == pytest.approx(value, rel=1e-5)
    assert residual_mmd(x + 1, y - 2) == pytest.approx(residual_mmd(x, y), abs=1e-6)
    # Every target twice says nothing new.
    p = several
    twice = np.concatenate([p.target, p.target]), np.concatenate([p.owner, p.owner])
    once = mmd(p.source, p.target, owner=p.owner, bandwidth=2.0)
    assert mmd(p.source, twice[0], owner=twice[1], bandwidth=2.0) == pytest.approx(once, rel=1e-6)


def test_arrays_of_all_kinds(single):
    value = mmd(single.source, single.target)
    assert mmd(torch.from_numpy(single.source), torch.from_numpy(single.target)) == value
    assert mmd(single.source.tolist(), single.target.tolist()) == pytest.approx(value, rel=1e-12)
    assert mmd(single.source.astype(np.float64), single.target.astype(np.float64)) == value


def test_collapsed_and_nearly_collapsed_clouds(single):
    rng = np.random.default_rng(5)
    point = np.tile(rng.standard_normal(512) * 3, (50, 1))
    near = point + 1e-4 * rng.standard_normal((50, 512))
    spread = rng.standard_normal((50, 512))
    for x in (point, near):
        assert math.isfinite(mmd(x, spread))
        assert mmd(x, x + 0, bandwidth=1e-3) == pytest.approx(0, abs=1e-6)
    # Two tight clouds at a small distance, seen at their own scale: the oracle works in float64 from the start.
    a, b = near.astype(np.float32), (near + 2e-4 * np.ones(512)).astype(np.float32)
    a64, b64 = (v.astype(np.float64) - v.astype(np.float64).mean(0) + s for v, s in ((a, 0), (b, 2e-4)))
    width = median_bandwidth(b)
    g, off = 1 / (2 * width**2), ~np.eye(50, dtype=bool)
    oracle = (
        rbf_kernel(a64, a64, g)[off].mean()
        + rbf_kernel(b64, b64, g)[off].mean()
        - 2 * rbf_kernel(a64, b64, g)[off].mean()
    )
    assert mmd(a, b) == pytest.approx(oracle, rel=0.02)


def test_multi_is_the_mean_over_widths(single):
    width = median_bandwidth(single.target)
    each = [mmd(single.source, single.target, bandwidth=f * width) for f in (0.25, 0.5, 1, 2, 4)]
    assert mmd_multi(single.source, single.target) == pytest.approx(np.mean(each), abs=1e-7)


def test_bandwidth_is_the_median_distance():
    rng = np.random.default_rng(6)
    small, large = rng.standard_normal((300, 8)), rng.standard_normal((2000, 8)) + 100
    assert median_bandwidth(small) == pytest.approx(np.median(pdist(small)), rel=1e-5)
    assert median_bandwidth(large) == pytest.approx(np.median(pdist(large)), rel=0.005)
    assert median_bandwidth(large, seed=1) == median_bandwidth(large, seed=1) != median_bandwidth(large, seed=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bandwidth": 0.0}, "positive"),
        ({"bandwidth": -1.0}, "positive"),
        ({"bandwidth": float("nan")}, "positive"),
        ({"bandwidths": []}, "positive"),
        ({"bandwidth": "wide"}, r"positive finite numbers, got \['wide'\]"),
        ({"bandwidth": [1.0, 2.0]}, "positive finite numbers, got"),
        ({"bandwidths": 1.0}, "positive finite numbers, got 1.0"),
        ({"bandwidth": 1.0, "bandwidths": [1.0]}, "one of them"),
    ],
)
def test_bad_bandwidth(single, options, says):
    with pytest.raises(InputError, match=says):
        mmd(single.source, single.target, **options)


def test_no_bandwidth_in_a_collapsed_target(single):
    with pytest.raises(InputError, match="median distance"):
        mmd(single.source, np.ones((40, 6)))


def matrices(x, y, f):
    x, y = x.astype(np.float64), y.astype(np.float64)
    return [f(cdist(a, b)) for a, b in ((x, x), (y, y), (x, y))]


def statistics(xx, yy, xy):
    """All three estimators from whole matrices."""
    off_x, off_y = (~np.eye(len(k), dtype=bool) for k in (xx, yy))
    inside = xx[off_x].mean() + yy[off_y].mean()
    return {
        "unbiased": inside - 2 * xy.mean(),
        "paired": inside - 2 * xy[off_x].mean() if len(xx) == len(yy) else None,
        "biased": xx.mean() + yy.mean() - 2 * xy.mean(),
    }


@pytest.mark.parametrize("estimator", ["unbiased", "paired", "biased"])
@pytest.mark.parametrize("kernel", ["gaussian", "imq", "linear"])
def test_every_kernel_and_estimator_from_whole_matrices(single, kernel, estimator):
    x, y = single.source, single.target
    if kernel == "linear":
        a, b = x.astype(np.float64), y.astype(np.float64)
        expected = statistics(a @ a.T, b @ b.T, a @ b.T)[estimator]
        assert mmd(x, y, kernel=kernel, estimator=estimator) == pytest.approx(expected, abs=1e-6)
        return
    shape = {"gaussian": lambda d: np.exp(-(d**2) / (2 * 2.3**2)), "imq": lambda d: 1 / np.sqrt(1 + (d / 2.3) ** 2)}
    expected = statistics(*matrices(x, y, shape[kernel]))[estimator]
    assert mmd(x, y, kernel=kernel, estimator=estimator, bandwidth=2.3) == pytest.approx(expected, abs=1e-7)


def test_the_default_estimator_is_paired_where_clips_are(single):
    x, y = single.source, single.target
    assert mmd(x, y) == mmd(x, y, estimator="paired")
    assert mmd(x, y, paired=False) == mmd(x, y, estimator="unbiased")
    assert mmd(x, y[:30]) == mmd(x, y[:30], estimator="unbiased")
    assert mmd_imq(x, y, bandwidth=2.0) == mmd(x, y, kernel="imq", bandwidth=2.0)
    assert mmd_linear(x, y) == mmd(x, y, kernel="linear")


def test_several_targets_of_a_clip_in_the_biased_and_the_linear_one(several):
    p = several
    weight = 1 / np.bincount(p.owner)[p.owner] / 30
    a, b = np.full(30, 1 / 30), weight
    xx, yy, xy = matrices(p.source, p.target, lambda d: np.exp(-(d**2) / 8))
    expected = a @ xx @ a + b @ yy @ b - 2 * a @ xy @ b
    assert mmd(p.source, p.target, owner=p.owner, estimator="biased", bandwidth=2.0) == pytest.approx(
        expected, abs=1e-7
    )
    means = np.stack([p.target[p.owner == c].astype(np.float64).mean(axis=0) for c in range(30)])
    z = p.source - means
    off = ~np.eye(30, dtype=bool)
    assert mmd_linear(p.source, p.target, owner=p.owner) == pytest.approx((z @ z.T)[off].mean(), abs=1e-6)


def test_linear_is_the_centroid_distance_without_noise():
    rng = np.random.default_rng(7)
    values = [mmd_linear(rng.standard_normal((20, 5)) + 0.3, rng.standard_normal((30, 5))) for _ in range(300)]
    assert np.mean(values) == pytest.approx(5 * 0.09, abs=4 * np.std(values) / math.sqrt(300))


def test_profile_is_each_by_itself_from_one_pass(single, monkeypatch):
    x, y = single.source, single.target
    each = {(k, w): mmd(x, y, kernel=k, bandwidth=w) for k in ("gaussian", "imq") for w in (0.7, 2.0, 9.0)}
    passes = []
    original = kernels.tiles
    monkeypatch.setattr(kernels, "tiles", lambda *args: passes.append(1) or original(*args))
    profile = mmd_profile(x, y, kernels=("gaussian", "imq"), bandwidths=[0.7, 2.0, 9.0])
    assert len(passes) == 3  # inside the source, inside the target, between them
    assert list(profile) == list(each)
    assert list(profile.values()) == pytest.approx(list(each.values()), abs=1e-7)
    assert len(mmd_profile(x, y)) == 5
    assert mmd_profile(x, y, kernels=()) == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kernel": "cubic"}, "gaussian, imq or linear"),
        ({"kernel": "linear", "bandwidth": 1.0}, "no bandwidth"),
        ({"kernel": "imq", "bandwidth": 0.0}, "positive"),
        ({"estimator": "exact"}, "unbiased, paired, biased"),
        ({"estimator": "paired", "paired": False}, "needs paired clips"),
    ],
)
def test_bad_kernel_or_estimator(single, options, says):
    with pytest.raises(InputError, match=says):
        mmd(single.source, single.target, **options)
    with pytest.raises(InputError, match="positive"):
        mmd_profile(single.source, single.target, bandwidths=[1.0, -1.0])
