import builtins
import sys

import numpy as np
import ot
import pytest
from scipy.spatial.distance import cdist

from gapkit.errors import InputError
from gapkit.metrics import Reference, centroid_distance, measure, median_bandwidth, sinkhorn_divergence


def by_pot(x, y, a, b, entropy):
    x, y = x.astype(np.float64), y.astype(np.float64)

    def cost(u, v, p, q):
        return ot.solve(cdist(u, v, "sqeuclidean"), p, q, reg=entropy, reg_type="KL", tol=1e-12, max_iter=50_000).value

    return cost(x, y, a, b) - cost(x, x, a, a) / 2 - cost(y, y, b, b) / 2


@pytest.mark.parametrize("regularisation", [0.25, 2.0])
@pytest.mark.parametrize("kind", ["single", "several"])
def test_pot_as_oracle(kind, regularisation, request):
    p = request.getfixturevalue(kind)
    n = len(p.source)
    a, b = np.full(n, 1 / n), 1 / np.bincount(p.owner)[p.owner] / n
    expected = by_pot(p.source, p.target, a, b, regularisation * median_bandwidth(p.target) ** 2)
    found = sinkhorn_divergence(p.source, p.target, owner=p.owner, regularisation=regularisation)
    assert found == pytest.approx(expected, rel=1e-6)
    assert sinkhorn_divergence(p.source, p.target[:20]) == pytest.approx(
        by_pot(p.source, p.target[:20], a, np.full(20, 1 / 20), 0.25 * median_bandwidth(p.target[:20]) ** 2), rel=1e-6
    )


def test_the_ends_of_the_entropy(single):
    # Much entropy: the squared centroid distance. Little: the squared Wasserstein distance, here that of sorted rows.
    x, y = single.source, single.target
    assert sinkhorn_divergence(x, y, regularisation=1e5) == pytest.approx(centroid_distance(x, y) ** 2, rel=1e-3)
    x = np.arange(8.0)[:, None]
    y = 1.5 * x + 3 + 0.2 * (x % 3)
    assert sinkhorn_divergence(x, y, regularisation=0.02) == pytest.approx(((x - y) ** 2).mean(), rel=1e-3)
    assert sinkhorn_divergence(x, y, regularisation=1e5) == pytest.approx((x - y).mean() ** 2, rel=1e-3)


def test_a_shift_costs_its_square(single):
    x = single.source
    assert sinkhorn_divergence(x, x + 1) == pytest.approx(6, rel=1e-6)
    # Far beyond what the exponential of a cost can hold.
    assert sinkhorn_divergence(x, x + 1000) == pytest.approx(6e6, rel=1e-5)
    assert 0 <= sinkhorn_divergence(x, x) < 1e-12


def test_the_log_domain_gives_the_same(single, monkeypatch):
    usual = sinkhorn_divergence(single.source, single.target)
    monkeypatch.setattr("gapkit.metrics.sinkhorn.UNDERFLOW", 0.0)
    assert sinkhorn_divergence(single.source, single.target) == pytest.approx(usual, rel=1e-7)


def test_no_convergence_too_many_rows_and_bad_widths(single, monkeypatch):
    x, y = single.source, single.target
    with pytest.raises(InputError, match=r"40 x 40 rows need .* max_memory"):
        sinkhorn_divergence(x, y, max_memory=1000)
    for options in ({"bandwidth": 0.0}, {"regularisation": -1.0}, {"bandwidth": float("nan")}, {"bandwidth": "wide"}):
        with pytest.raises(InputError, match="positive finite"):
            sinkhorn_divergence(x, y, **options)
    monkeypatch.setattr("gapkit.metrics.sinkhorn.ITERATIONS", 2)
    with pytest.raises(InputError, match=r"no convergence in 2 iterations; raise `regularisation`"):
        sinkhorn_divergence(x, y, regularisation=0.01)


def test_without_pot_the_log_domain_is_undefined_and_says_what_installs_it(single, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "ot":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "ot", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    assert np.isfinite(sinkhorn_divergence(single.source, single.target))
    monkeypatch.setattr("gapkit.metrics.sinkhorn.UNDERFLOW", 0.0)
    with pytest.raises(InputError, match=r"pip install 'gapkit\[ot\]'"):
        sinkhorn_divergence(single.source, single.target)
    names = ["sinkhorn-divergence", "energy-distance"]
    estimates = measure(single.source, Reference.from_target(single.target, n_resamples=10), metrics=names)
    assert np.isnan(estimates["sinkhorn-divergence"].value)
    assert "gapkit[ot]" in estimates["sinkhorn-divergence"].why
    assert np.isfinite(estimates["energy-distance"].value)
