from itertools import permutations

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import mean_average_precision_back, recall_at_k, recall_back_at_k
from gapkit.metrics.cloud import cloud, directions
from gapkit.metrics.retrieval_back import places, precisions_back, recalls_back


def test_one_to_one_it_is_retrieval_with_the_sides_changed(single):
    x, y = single.source, single.target + 1.5 * np.random.default_rng(0).standard_normal((40, 6))
    for k in (1, 3, 10):
        assert recall_back_at_k(x, y, k=k) == pytest.approx(recall_at_k(y, x, k=k), abs=1e-9)
    assert recall_back_at_k(x, y, k=5) != pytest.approx(recall_at_k(x, y, k=5), abs=1e-9)


def test_ties_are_the_mean_over_all_orders():
    # One source nearer, the own one level with two others, one behind.
    x = np.array([(1.0, 0.5), (1.0, 0.1), (1.0, 0.5), (1.0, 0.5), (1.0, 2.0)])
    y = np.tile([(1.0, 0.0)], (5, 1))
    found = places(*(directions(cloud(v, name="x"), "x") for v in (x, y)))
    ranks = [1 + order.index(0) for order in permutations([1, 0, 2, 3, 4]) if order[0] == 1 and order[-1] == 4]
    for k in (1, 2, 3, 4):
        assert float(recalls_back(found, k)[0]) == pytest.approx(np.mean([r <= k for r in ranks]))
        expected = np.mean([1 / r if r <= k else 0 for r in ranks])
        assert float(precisions_back(found, k)[0]) == pytest.approx(expected)


def test_clips_count_the_same_however_many_targets_they_have(several):
    p = several
    twice = np.concatenate([p.target, p.target[p.owner == 3]]), np.concatenate([p.owner, p.owner[p.owner == 3]])
    for measure in (lambda *a, **o: recall_back_at_k(*a, k=3, **o), mean_average_precision_back):
        once = measure(p.source, p.target, owner=p.owner)
        assert 0 < once < 1
        assert measure(p.source, twice[0], owner=twice[1]) == pytest.approx(once, abs=1e-9)


def test_a_collapsed_cloud_gets_chance():
    rng = np.random.default_rng(1)
    point, spread = np.tile(rng.standard_normal(64), (200, 1)), rng.standard_normal((200, 64))
    harmonic = sum(1 / r for r in range(1, 11)) / 200
    for x, y in ((point, spread), (point, point)):
        assert recall_back_at_k(x, y, k=10) == pytest.approx(10 / 200)
        assert mean_average_precision_back(x, y) == pytest.approx(harmonic)
    # Targets that are one point see the sources in one order: each is first for all and right for one.
    assert recall_back_at_k(spread, point, k=10) == pytest.approx(10 / 200)
    assert recall_back_at_k(spread, spread, k=1) == 1


def test_blocks_do_not_matter(several):
    x, y = (
        directions(cloud(v, name="x", owner=o), "x")
        for v, o in ((several.source, None), (several.target, several.owner))
    )
    whole, part = places(x, y), places(x, y, max_memory=1)
    assert (whole.ahead == part.ahead).all()
    assert (whole.tied == part.tied).all()


def test_k_must_be_positive(single):
    with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
        recall_back_at_k(single.source, single.target, k=0)
    with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
        mean_average_precision_back(single.source, single.target, k=0)
