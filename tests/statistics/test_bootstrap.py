import numpy as np
import pytest
from scipy import stats

from gapkit.errors import InputError
from gapkit.statistics import bootstrap_weights, percentile_interval


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


@pytest.mark.parametrize(
    "call",
    [
        lambda: bootstrap_weights(0, 5, seed=0),
        lambda: bootstrap_weights(5, -1, seed=0),
        lambda: percentile_interval([1.0], level=1.0),
    ],
)
def test_bad_input(call):
    with pytest.raises(InputError):
        call()
