"""Pair distances, uniformity, hubness, variance and memorisation beside loops and closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import iv
from scipy.stats import skew

from gapkit.errors import InputError
from gapkit.metrics import alignment, cosine, hubness, l2i, memorisation, uniformity, variance_ratio


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def clips(p):
    return range(len(p.source))


def test_pair_distances_by_loops(several):
    p = several
    x, y = p.source.astype(float), p.target.astype(float)
    away = np.mean([np.mean([np.linalg.norm(x[c] - t) for t in y[p.owner == c]]) for c in clips(p)])
    assert l2i(x, y, owner=p.owner) == pytest.approx(away, rel=1e-6)
    for alpha in (1.0, 2.0, 3.0):
        away = [np.linalg.norm(unit(x[c]) - unit(y[p.owner == c]), axis=1) for c in clips(p)]
        power = np.mean([(lengths**alpha).mean() for lengths in away])
        assert alignment(x, y, owner=p.owner, alpha=alpha) == pytest.approx(power, rel=1e-5)
    assert alignment(x, y, owner=p.owner) == pytest.approx(2 - 2 * cosine(x, y, owner=p.owner), abs=1e-6)
    with pytest.raises(InputError, match="alpha"):
        alignment(x, y, owner=p.owner, alpha=0)


def mean_kernel(left, right, t, same):
    table = np.array([[np.exp(-t * ((a[:, None] - b[None]) ** 2).sum(-1)).mean() for b in right] for a in left])
    return table[~np.eye(len(left), dtype=bool)].mean() if same else table.mean()


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("t", [0.5, 2.0])
def test_uniformity_by_loops(kind, t, request):
    p = request.getfixturevalue(kind)
    x = [unit(row.astype(float))[None] for row in p.source]
    y = [unit(p.target[p.owner == c].astype(float)) for c in clips(p)]
    xx, yy, xy = (mean_kernel(a, b, t, True) for a, b in ((x, x), (y, y), (x, y)))
    options = {"owner": p.owner, "t": t}
    assert uniformity(p.source, p.target, **options) == pytest.approx(math.log(xx), abs=1e-5)
    assert uniformity(p.source, p.target, of="target", **options) == pytest.approx(math.log(yy), abs=1e-5)
    pooled = uniformity(p.source, p.target, of="pooled", **options)
    assert pooled == pytest.approx(math.log((xx + yy + 2 * xy) / 4), abs=1e-5)


def test_uniformity_of_unrelated_rows_and_of_the_whole_sphere(single):
    x, y = single.source, single.target[:25]
    a, b = ([unit(row.astype(float))[None] for row in side] for side in (x, y))
    parts = mean_kernel(a, a, 2, True) + mean_kernel(b, b, 2, True) + 2 * mean_kernel(a, b, 2, False)
    assert uniformity(x, y, of="pooled") == pytest.approx(math.log(parts / 4), abs=1e-5)
    # Mean of exp(2 t u.v) on the sphere of d dimensions: a Bessel function.
    d, t = 8, 2.0
    kappa, nu = 2 * t, d / 2 - 1
    exact = math.log(math.gamma(d / 2) * (2 / kappa) ** nu * iv(nu, kappa)) - 2 * t
    z = np.random.default_rng(0).standard_normal((3000, d))
    assert uniformity(z, z) == pytest.approx(exact, abs=0.02)
    assert uniformity(np.ones((30, 4)), z[:30, :4]) == 0.0
    for options in ({"of": "both"}, {"t": 0}, {"t": math.nan}):
        with pytest.raises(InputError, match="expected"):
            uniformity(x, single.target, **options)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_hubness_by_sorting_and_scipy(single, k):
    sim = unit(single.source.astype(float)) @ unit(single.target.astype(float)).T
    counts = np.bincount(np.argsort(-sim, axis=1)[:, :k].ravel(), minlength=40)
    assert hubness(single.source, single.target, k=k) == pytest.approx(skew(counts), abs=1e-9)


def test_hubness_counts_clips(several):
    p = several
    sim = unit(p.source.astype(float)) @ unit(p.target.astype(float)).T
    counts = np.bincount(np.argsort(-sim, axis=1)[:, :6].ravel(), minlength=len(p.target))
    w = 1 / np.bincount(p.owner)[p.owner] / len(p.source)
    mean = (w * counts).sum()
    expected = (w * (counts - mean) ** 3).sum() / (w * (counts - mean) ** 2).sum() ** 1.5
    assert hubness(p.source, p.target, owner=p.owner, k=6) == pytest.approx(expected, abs=1e-9)


def test_hubness_of_hubs():
    rng = np.random.default_rng(1)
    y = rng.standard_normal((400, 100))
    spread = hubness(rng.standard_normal((400, 100)), y)
    # All lists are the same: a share p of the targets is in all of them.
    p = 10 / 400
    assert hubness(np.ones((400, 100)), y) == pytest.approx((1 - 2 * p) / math.sqrt(p * (1 - p)))
    assert 0 < spread < 3
    assert hubness(y, y, k=1) == 0.0
    assert hubness(y, y, k=400) == 0.0
    with pytest.raises(InputError, match="at least 401 targets"):
        hubness(y, y, k=401)


def test_variance_ratio_by_loops(several):
    p = several
    x, y = p.source.astype(float), p.target.astype(float)
    centre = np.mean([y[p.owner == c].mean(0) for c in clips(p)], axis=0)
    width = np.mean([((y[p.owner == c] - centre) ** 2).sum(1).mean() for c in clips(p)])
    expected = ((x - x.mean(0)) ** 2).sum(1).mean() / width
    assert variance_ratio(p.source, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-5)
    assert variance_ratio(p.source + 100, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-4)
    assert variance_ratio(3 * y, y) == pytest.approx(9, rel=1e-5)
    assert variance_ratio(np.ones_like(x), p.target, owner=p.owner) == 0
    with pytest.raises(InputError, match="target: all rows are the same"):
        variance_ratio(x, np.ones_like(x))


def test_memorisation_by_loops(several):
    p, rng = several, np.random.default_rng(2)
    fitted = rng.standard_normal((90, 5))
    sims = [unit(v.astype(float)) @ unit(fitted).T for v in (p.source, p.target)]
    new = np.mean([sims[1][p.owner == c].max(1).mean() for c in clips(p)])
    expected = sims[0].max(1).mean() - new
    assert memorisation(p.source, p.target, owner=p.owner, fitted=fitted) == pytest.approx(expected, abs=1e-6)
    repeated = memorisation(fitted[:30] * 2, p.target, owner=p.owner, fitted=fitted)
    assert repeated == pytest.approx(1 - new, abs=1e-6)
    assert memorisation(p.target[:30], p.target[:30], fitted=fitted) == pytest.approx(0, abs=1e-7)
    with pytest.raises(InputError, match="fitted"):
        memorisation(p.source, p.target, owner=p.owner, fitted=fitted[:, :3])
    with pytest.raises(InputError, match=r"fitted.*first: 1"):
        memorisation(p.source, p.target, owner=p.owner, fitted=np.eye(5) * np.array([[1], [0], [1], [1], [1]]))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(12, 25), d=st.integers(2, 6))
def test_invariances(seed, n, d):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, n, d)) + 0.3
    q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    order = rng.permutation(n)
    for metric in (l2i, alignment, uniformity, hubness, variance_ratio):
        value = metric(x, y)
        assert metric(x @ q, y @ q) == pytest.approx(value, abs=1e-4)
        assert metric(x[order], y[order]) == pytest.approx(value, abs=1e-4)
        scaled = 3 * value if metric is l2i else value
        assert metric(3 * x, 3 * y) == pytest.approx(scaled, abs=1e-4)
    for metric in (l2i, variance_ratio):
        assert metric(x + 2, y + 2) == pytest.approx(metric(x, y), rel=1e-3)
    for metric in (alignment, uniformity, hubness):
        length = rng.uniform(0.5, 2, (n, 1))
        assert metric(x * length, y) == pytest.approx(metric(x, y), abs=1e-4)
