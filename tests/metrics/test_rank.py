import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import effective_rank
from gapkit.metrics.pair import pair_of
from gapkit.metrics.rank import effective_rank_of


def by_svd(x, weights=None):
    w = np.ones(len(x)) if weights is None else weights
    x = x - np.average(x, axis=0, weights=w)
    s = np.linalg.svd(np.sqrt(w)[:, None] * x, compute_uv=False)
    p = s[s > 1e-9 * s[0]] / s.sum()
    return np.exp(-(p * np.log(p)).sum())


@pytest.mark.parametrize("shape", [(60, 8), (12, 30), (20, 20)])
def test_svd_as_oracle(shape):
    x = np.random.default_rng(0).standard_normal(shape) * np.linspace(1, 3, shape[1]) + 5
    assert effective_rank(x) == pytest.approx(by_svd(x), rel=1e-4)


@pytest.mark.parametrize("shape", [(300, 64), (64, 300)])
@pytest.mark.parametrize("offset", [0, 3])
def test_directions_of_a_thousandth_count(shape, offset):
    # What bridges that answer with averages leave: singular values that fall by three powers of ten.
    x = (np.random.default_rng(4).standard_normal(shape) * np.arange(1.0, shape[1] + 1) ** -1.6 + offset).astype("f")
    assert effective_rank(x) == pytest.approx(by_svd(x.astype(float)), rel=1e-4)


def test_known_ranks():
    rng = np.random.default_rng(1)
    line = np.outer(rng.standard_normal(50), rng.standard_normal(6)).astype(np.float64)
    assert effective_rank(line) == pytest.approx(1.0, abs=1e-3)
    assert effective_rank(np.concatenate([np.eye(5), -np.eye(5)])) == pytest.approx(5.0)
    point = np.tile(rng.standard_normal(64) * 100, (30, 1))
    assert effective_rank(point) == 0.0
    assert effective_rank(point.astype(np.float32) * np.float32(1 + 1e-7)) == 0.0
    with pytest.raises(InputError):
        effective_rank(np.ones((1, 3)))


def test_invariances():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40, 7)) * np.arange(1, 8)
    q = np.linalg.qr(rng.standard_normal((7, 7)))[0]
    for other in (x @ q, x + 9, 4 * x, x[::-1], np.repeat(x, 2, axis=0)):
        assert effective_rank(other.copy()) == pytest.approx(effective_rank(x), rel=1e-4)


@pytest.mark.parametrize("shape", [(50, 6), (10, 25)])
def test_influence_is_the_derivative(shape):
    x = np.random.default_rng(3).standard_normal(shape) * np.linspace(1, 2, shape[1])
    influence, _ = effective_rank_of(pair_of(x, x)).influence()
    step = 1e-4
    for i in (0, 4, 9):
        w = np.ones(len(x))
        w[i] += step
        assert float(influence[i] - influence.mean()) / len(x) == pytest.approx(
            (by_svd(x, w) - by_svd(x)) / step, rel=0.02, abs=2e-3
        )
