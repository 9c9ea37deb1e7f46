import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.verdict.shares import closure, kept, not_below

BEFORE = {"cosine": 0.6, "centroid-distance": 0.5, "mmd": 0.16, "separability": 1.0}
BEST = {"cosine": 1.0, "centroid-distance": 0.0, "mmd": 0.0, "separability": 0.5}


def _way(share: float) -> dict[str, float]:
    """Values that close `share` of every gap."""
    values = {metric: BEFORE[metric] + share * (BEST[metric] - BEFORE[metric]) for metric in BEFORE}
    return {**values, "mmd": (1 - share) ** 2 * BEFORE["mmd"]}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_share_of_the_way_is_the_closure(share: float) -> None:
    assert closure(_way(share), BEFORE) == pytest.approx(share)


def test_the_mean_over_metrics() -> None:
    # Shares 1/2, 1/5, 3/4 (a sixteenth of the squared distance), 0.
    values = {"cosine": 0.8, "centroid-distance": 0.4, "mmd": 0.01, "separability": 1.0}
    assert closure(values, BEFORE) == pytest.approx((0.5 + 0.2 + 0.75 + 0.0) / 4)
    assert closure(values, BEFORE, ["cosine", "separability"]) == pytest.approx(0.25)


def test_a_wider_gap_is_negative_and_beyond_the_best_is_the_best() -> None:
    assert closure({**BEFORE, "centroid-distance": 1.5}, BEFORE) == pytest.approx(-2.0 / 4)
    assert closure({**_way(1.0), "mmd": -0.003, "separability": 0.41}, BEFORE) == 1.0


def test_a_metric_without_a_gap_does_not_count() -> None:
    flat = {**BEFORE, "mmd": -0.001, "separability": 0.48}
    values = {"cosine": 0.8, "centroid-distance": 0.5, "mmd": 0.3, "separability": 0.9}
    assert closure(values, flat) == pytest.approx(0.5 / 2)
    assert np.isnan(closure(values, {**BEFORE, "mmd": 0.0}, ["mmd"]))


def test_arrays_are_scored_draw_by_draw() -> None:
    rng = np.random.default_rng(0)
    before = {m: v * rng.uniform(0.9, 1.0, 50) for m, v in BEFORE.items()}
    before["mmd"][7] = -0.01
    values = {m: v * rng.uniform(0.0, 1.2, 50) for m, v in BEFORE.items()}
    whole = closure(values, before)
    each = [closure({m: v[b] for m, v in values.items()}, {m: v[b] for m, v in before.items()}) for b in range(50)]
    np.testing.assert_array_equal(whole, each)


def test_a_metric_without_a_best_value_is_refused() -> None:
    with pytest.raises(InputError, match="'effective-rank': has no best value"):
        closure({"effective-rank": 3.0}, {"effective-rank": 2.0}, ["effective-rank"])


def test_kept() -> None:
    assert kept(0.4, 0.5) == 0.8
    assert np.isnan(kept(0.4, 0.0))
    np.testing.assert_allclose(kept(np.array([0.3, 0.6]), np.array([0.6, 0.4])), [0.5, 1.5])


def test_no_value_counts_as_nearer_than_the_floor() -> None:
    floor = {"centroid-distance": 0.1, "separability": 0.55}
    at_the_floor = {**_way(0.5), **floor}
    below = {**_way(0.5), "centroid-distance": 0.02, "separability": 0.5}
    np.testing.assert_allclose(closure(below, BEFORE, floor=floor), closure(at_the_floor, BEFORE))
    assert closure(_way(0.5), BEFORE, floor=floor) == closure(_way(0.5), BEFORE)
    assert not_below("cosine", 0.9, {"cosine": 0.8}) == 0.8
