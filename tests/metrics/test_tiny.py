import math

import numpy as np
import pytest

from gapkit.metrics import measure, metric_names

SLOW = {name for name in metric_names() if "c2st-mlp" in name}
NAMES = [name for name in metric_names() if name not in SLOW]


def sides(n, seed=0, d=3):
    """Source, target, source before it was moved, and fitted targets."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, d))
    x, y, original = (z + 0.5 * rng.normal(size=(n, d)) + shift for shift in (1, -1, 0))
    return x, y, {"original": original, "fitted": rng.normal(size=(6, d)), "labels": np.arange(n) % 2}


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("owner", [1, 2])
def test_two_to_four_items_have_no_interval_and_say_why(n, owner):
    """A resample of them is one item over and over now and then, which has no RMG and no rank."""
    x, y, more = sides(n)
    found = measure(
        x, np.repeat(y, owner, axis=0), NAMES, owner=np.repeat(np.arange(n), owner), n_resamples=100, **more
    )
    assert set(found) == set(NAMES)
    for name, estimate in found.items():
        assert math.isnan(estimate.low), name
        assert math.isnan(estimate.high), name
        assert len(estimate.draws) == 0, name
        assert estimate.no_interval == f"{n} items are too few for an interval of 95 %; give at least 5", name
    assert str(found).count(f"no intervals: {n} items are too few") == 1
    assert "95 % intervals from" not in str(found)


@pytest.mark.parametrize(("n", "m"), [(3, 40), (40, 3), (2, 2)])
def test_the_smaller_of_two_unrelated_sets_counts(n, m):
    found = measure(sides(n)[0], sides(m)[1], ["frechet", "mmd", "centroid-distance"], paired=False, n_resamples=50)
    assert {e.no_interval for e in found.values()} == {
        f"{min(n, m)} items are too few for an interval of 95 %; give at least 5"
    }


def test_without_resamples_nothing_is_missing():
    x, y, _ = sides(3)
    found = measure(x, y, ["cosine", "rmg"], n_resamples=0)
    assert {e.no_interval for e in found.values()} == {""}
    assert "no intervals" not in str(found)


@pytest.mark.parametrize("n", [5, 6])
@pytest.mark.parametrize("seed", range(3))
def test_from_five_items_on_undefined_resamples_are_too_rare_to_reach_an_interval(n, seed):
    """One item over and over has no unpaired cosine and no RMG: neither is the interval lost, nor does it reach 0."""
    x, y, _ = sides(n, seed)
    found = measure(x, y, ["cosine", "unpaired-cosine", "cosine-margin", "rmg"], n_resamples=1000, seed=seed)
    for name, estimate in found.items():
        assert estimate.no_interval == "", name
        assert -2 <= estimate.low < estimate.value < estimate.high <= 2, name
    assert found["rmg"].low > 0.2
