import numpy as np
import pytest
from scipy import stats

from gapkit.errors import InputError
from gapkit.statistics import bootstrap_weights, holm, paired_difference, percentile_interval


def test_weights_are_resamples_and_repeat_with_the_seed():
    w = bootstrap_weights(50, 2000, seed=3)
    assert w.shape == (2000, 50)
    assert (w.sum(axis=1) == 50).all()
    # Multinomial: mean 1, variance 1 - 1/n.
    assert w.mean() == 1
    assert w.var() == pytest.approx(1 - 1 / 50, rel=0.02)
    assert (w == bootstrap_weights(50, 2000, seed=3)).all()
    assert (w != bootstrap_weights(50, 2000, seed=4)).any()
    assert bootstrap_weights(5, 0, seed=0).shape == (0, 5)


def test_interval_of_a_mean_agrees_with_scipy():
    x = np.random.default_rng(0).exponential(size=80)
    ours = percentile_interval(bootstrap_weights(80, 20_000, seed=1) @ x / 80)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=20_000, method="percentile", rng=2).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_interval_without_draws_is_nan():
    assert np.isnan(percentile_interval([])).all()
    assert np.isnan(percentile_interval([1.0, np.nan])).all()


def test_paired_difference_uses_what_the_draws_share():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 10, 999)
    found = paired_difference(shared + 1 + rng.normal(0, 0.1, 999), shared)
    assert found.low > 0.7
    assert found.high < 1.3
    assert found.p == pytest.approx(2 / 1000)
    assert paired_difference(shared, shared).p == 1.0
    assert paired_difference(shared, shared + 1, value=-1.5).value == -1.5
    assert paired_difference(shared, shared + 1).p == pytest.approx(2 / 1000)


def test_p_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(1)
    p = []
    for seed in range(300):
        x, y = rng.normal(size=(2, 60))
        w = bootstrap_weights(60, 199, seed=seed)
        p.append(paired_difference(w @ x / 60, w @ y / 60).p)
    assert 0.01 < np.mean(np.array(p) <= 0.05) < 0.10


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.03, 0.5]) == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]).shape == (0,)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap_weights(0, 5, seed=0),
        lambda: bootstrap_weights(5, -1, seed=0),
        lambda: percentile_interval([1.0], level=1.0),
        lambda: paired_difference([1.0], [1.0, 2.0]),
        lambda: paired_difference([], []),
        lambda: holm([1.2]),
        lambda: holm([np.nan]),
    ],
)
def test_bad_input(call):
    with pytest.raises(InputError):
        call()
