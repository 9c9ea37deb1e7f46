from itertools import permutations

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import calibrated, cka, mutual_knn, procrustes_distance
from gapkit.metrics.calibration import cka_calibrated, mutual_knn_calibrated


def again(score):
    """The same score, which the fast forms do not know."""
    return lambda *arrays, **options: score(*arrays, **options)


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize(
    ("score", "options"), [(mutual_knn, {"k": 5}), (mutual_knn, {}), (cka, {}), (cka, {"debiased": True})]
)
def test_fast_nulls_are_those_of_calling_again(kind, score, options, request):
    p = request.getfixturevalue(kind)
    both = [
        calibrated(f, p.source, p.target, owner=p.owner, n_permutations=60, seed=4, **options)
        for f in (score, again(score))
    ]
    for name in ("raw", "null_mean", "null_sd", "calibrated", "threshold", "gated", "p"):
        assert getattr(both[0], name) == pytest.approx(getattr(both[1], name), abs=1e-6), name


def test_more_dimensions_than_clips():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 90))
    y = 0.4 * x + rng.standard_normal((30, 90))
    fast, slow = (calibrated(f, x, y, n_permutations=40) for f in (cka, again(cka)))
    assert fast.null_mean == pytest.approx(slow.null_mean, abs=1e-6)
    assert fast.null_sd == pytest.approx(slow.null_sd, rel=1e-4)
    small = calibrated(cka, x, y, n_permutations=40, max_memory=1)
    assert small.null_sd == pytest.approx(fast.null_sd, rel=1e-5)


def test_all_shufflings_of_five_clips():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 5, 3))
    orders = [list(order) for order in permutations(range(5))]
    assert np.mean([mutual_knn(x[order], y, k=2) for order in orders]) == pytest.approx(2 / 4)
    raw, null = cka(x, y), np.mean([cka(x[order], y) for order in orders])
    assert cka_calibrated(x, y) == pytest.approx((raw - null) / (1 - null), abs=1e-6)
    assert mutual_knn_calibrated(x, y, k=2) == pytest.approx((mutual_knn(x, y, k=2) - 0.5) / 0.5)


def test_the_summary_is_that_of_the_null():
    scores = iter([0.6, *np.linspace(0.0, 0.8, 9)])  # raw, then 9 shuffled: 0.6, 0.7 and 0.8 reach it
    found = calibrated(lambda *_, **__: next(scores), np.eye(4), np.eye(4), n_permutations=9)
    assert found.raw == 0.6
    assert found.null_mean == pytest.approx(0.4)
    assert found.null_sd == pytest.approx(np.linspace(0, 0.8, 9).std())
    assert found.calibrated == pytest.approx(0.2 / 0.6)
    assert found.p == pytest.approx((3 + 1) / (9 + 1))
    assert found.threshold == pytest.approx(np.quantile([0.6, *np.linspace(0, 0.8, 9)], 0.95))
    assert found.gated == 0.0
    assert found.n_permutations == 9


def test_equal_and_unrelated_clouds():
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 120, 60))
    for score in (mutual_knn, cka):
        found = calibrated(score, x, x)
        assert (found.raw, found.calibrated, found.gated) == pytest.approx((1, 1, 1))
        assert found.p == 1 / 201
        found = calibrated(score, x, y)
        assert abs(found.calibrated) < 4 * found.null_sd / (1 - found.null_mean)
        assert found.p > 0.02
    # Width alone: the raw score rises with the dimensions, the calibrated one does not.
    values = [calibrated(cka, *rng.standard_normal((2, 120, d)), n_permutations=50) for d in (5, 50, 500)]
    assert values[0].raw < values[1].raw < values[2].raw
    assert values[2].raw > 0.75
    assert max(abs(v.calibrated) for v in values) < 0.05


@pytest.mark.parametrize(("score", "options"), [(cka, {}), (mutual_knn, {"k": 4})])
def test_p_values_of_unrelated_clouds_are_even(score, options):
    rng = np.random.default_rng(3)
    draws = rng.standard_normal((200, 2, 20, 3))
    p = [calibrated(score, *both, n_permutations=19, seed=s, **options).p for s, both in enumerate(draws)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.07)
    assert np.mean(p) == pytest.approx(0.5, abs=0.08)


def test_same_seed_same_numbers(several):
    p = several
    a, b, c = (calibrated(mutual_knn, p.source, p.target, owner=p.owner, seed=s) for s in (1, 1, 2))
    assert a == b
    assert a != c
    assert calibrated(procrustes_distance, p.source, p.target, owner=p.owner, n_permutations=3).n_permutations == 3


def test_single_points_and_bad_input(single):
    point = np.ones((40, 6))
    for score in (mutual_knn, cka):
        found = calibrated(score, point, single.target, n_permutations=5)
        assert (found.null_sd, found.calibrated, found.gated, found.p) == pytest.approx((0, 0, 0, 1))
    assert cka_calibrated(point, single.target) == 0
    with pytest.raises(InputError, match="n_permutations: expected a whole number of at least 1, got"):
        calibrated(cka, single.source, single.target, n_permutations=0)
    with pytest.raises(InputError, match=r"expected a function such as gapkit\.metrics\.cka, got 'cka'"):
        calibrated("cka", single.source, single.target)
    with pytest.raises(InputError, match="owner"):
        calibrated(cka, single.source, single.target[:30])
