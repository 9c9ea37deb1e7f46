"""Linear and Gaussian CKA, CKNNA and Procrustes distance beside n x n matrices, written out."""

from importlib import import_module

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist

from gapkit.errors import InputError
from gapkit.metrics import cka, cka_kept, cka_rbf, cknna, procrustes_distance


def clip_means(target, owner):
    return np.array([target[owner == c].astype(float).mean(0) for c in range(owner.max() + 1)])


def hsic(K, L):
    n = len(K)
    H = np.eye(n) - 1 / n
    return np.trace(K @ H @ L @ H)


def hsic_unbiased(K, L):
    """Song et al. 2012, equation 5, times n (n - 3); nothing is taken to be symmetric."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    return np.trace(K @ L) + one @ K @ one * (one @ L @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ K @ L @ one


def aligned(K, L, criterion):
    return criterion(K, L) / np.sqrt(criterion(K, K) * criterion(L, L))


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("offset", [0, 50])
def test_pairs_of_rows_as_oracle(kind, offset, request):
    p = request.getfixturevalue(kind)
    x, y = p.source.astype(float), clip_means(p.target, p.owner)
    K, L = x @ x.T, y @ y.T
    source = p.source + np.float32(offset)
    options = {"owner": p.owner}
    # float32 itself moves rows at an offset of 50 by 2e-6.
    near = 1e-6 if offset == 0 else 1e-4
    assert cka(source, p.target, **options) == pytest.approx(aligned(K, L, hsic), abs=near)
    assert cka(source, p.target, debiased=True, **options) == pytest.approx(aligned(K, L, hsic_unbiased), abs=near)
    assert cka_kept(p.target, original=p.target * 3 + 1) == pytest.approx(1, abs=1e-5)
    moved = p.source + 0.3
    moved[:, 0] *= 2
    M = moved.astype(float) @ moved.astype(float).T
    assert cka_kept(moved, original=source) == pytest.approx(aligned(M, K, hsic), abs=near)
    assert cka_kept(moved, original=source, debiased=True) == pytest.approx(aligned(M, K, hsic_unbiased), abs=near)


def mean_kernel(rows, owner, width):
    kernel = np.exp(-((rows[:, None] - rows[None]) ** 2).sum(-1) / (2 * width**2))
    n = owner.max() + 1
    return np.array([[kernel[np.ix_(owner == i, owner == j)].mean() for j in range(n)] for i in range(n)])


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("width", [0.4, 1.0])
def test_gaussian_kernels_as_oracle(kind, width, request, monkeypatch):
    p = request.getfixturevalue(kind)
    x, y, n = p.source.astype(float), p.target.astype(float), len(p.source)
    K = mean_kernel(x, np.arange(n), width * np.median(pdist(x)))
    L = mean_kernel(y, p.owner, width * np.median(pdist(y)))
    for tile in (512, 7):
        monkeypatch.setattr(import_module("gapkit.metrics.cka_rbf"), "TILE", tile)
        options = {"owner": p.owner, "width": width}
        assert cka_rbf(p.source, p.target, **options) == pytest.approx(aligned(K, L, hsic), abs=1e-5)
        value = cka_rbf(p.source, p.target, debiased=True, **options)
        assert value == pytest.approx(aligned(K, L, hsic_unbiased), abs=2e-5)


def unit(v):
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def masked(K, L, k):
    n = len(K)

    def near(M):
        M = M.copy()
        np.fill_diagonal(M, -np.inf)
        mask = np.zeros((n, n))
        np.put_along_axis(mask, np.argsort(-M, axis=1)[:, :k], 1, axis=1)
        return mask

    a, b = near(K), near(L)
    across = hsic_unbiased(a * b * K, a * b * L)
    return across / np.sqrt(hsic_unbiased(a * K, a * K) * hsic_unbiased(b * L, b * L))


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("k", [3, 10])
def test_masked_kernels_as_oracle(kind, k, request):
    p = request.getfixturevalue(kind)
    x, y = unit(p.source.astype(float)), unit(clip_means(unit(p.target), p.owner))
    assert cknna(p.source, p.target, owner=p.owner, k=k) == pytest.approx(masked(x @ x.T, y @ y.T, k), abs=1e-5)


def test_all_neighbours_are_debiased_cka(single):
    value = cka(unit(single.source), unit(single.target), debiased=True)
    assert cknna(single.source, single.target, k=39) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("kind", ["single", "several"])
def test_scipy_as_oracle_of_procrustes(kind, request):
    p = request.getfixturevalue(kind)
    expected = procrustes(p.source.astype(float), clip_means(p.target, p.owner))[2]
    assert procrustes_distance(p.source, p.target, owner=p.owner) == pytest.approx(expected, abs=1e-6)


METRICS = [cka, lambda x, y: cka(x, y, debiased=True), cka_rbf, cknna, procrustes_distance]


@pytest.mark.parametrize("metric", METRICS)
def test_invariances_of_each_side_alone(metric, single):
    rng = np.random.default_rng(0)
    x, y = single.source, single.target
    q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    order = rng.permutation(40)
    base = metric(x, y)
    others = [(x @ q, y), (x, 5 * y), (x[order], y[order])]
    if metric is not cknna:
        others += [(x + 3, y), (x, y - 7)]
    for a, b in others:
        assert metric(a, b) == pytest.approx(base, abs=1e-4)


def test_ends_and_single_points(single):
    x, y, point = single.source, single.target, np.ones((40, 6))
    for metric, same, nothing in zip(METRICS, (1, 1, 1, 1, 0), (0, 0, 0, 0, 1), strict=True):
        assert metric(x, x) == pytest.approx(same, abs=1e-6)
        for a, b in ((point, y), (x, point), (point, point)):
            assert metric(a, b) == nothing
    assert cka_kept(point, original=x) == 0


def test_bias():
    x, y = np.random.default_rng(1).standard_normal((2, 200, 150))
    assert cka(x, y) > 0.4
    assert cka(x, y, debiased=True) == pytest.approx(0, abs=0.02)
    assert cka_rbf(x, y) > 0.4
    assert cka_rbf(x, y, debiased=True) == pytest.approx(0, abs=0.02)
    # More dimensions than clips: some rotation nearly always fits.
    assert procrustes_distance(x[:50], y[:50]) < 0.25


def test_very_long_rows(single):
    for metric in METRICS:
        base = metric(single.source, single.target)
        huge = single.source * np.float32(1e30), single.target * np.float32(1e-30)
        assert metric(*huge) == pytest.approx(base, abs=1e-4)


def test_bad_input():
    x = np.random.default_rng(2).standard_normal((3, 2))
    assert 0 <= cka(x, x[::-1].copy()) <= 1
    for metric in (cka, cka_rbf):
        with pytest.raises(InputError, match="at least 4 clips"):
            metric(x, x, debiased=True)
    with pytest.raises(InputError, match="at least 4 clips"):
        cknna(x, x, k=2)
    with pytest.raises(InputError, match="k: expected a whole number of at least 2, got"):
        cknna(np.eye(5), np.eye(5), k=1)
    with pytest.raises(InputError, match="positive"):
        cka_rbf(x, x, width=0)
    most = np.ones((9, 2))
    most[0] = 5
    with pytest.raises(InputError, match=r"source: the median distance .* linear cka"):
        cka_rbf(most, np.arange(18.0).reshape(9, 2))
