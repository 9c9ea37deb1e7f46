import math
from itertools import pairwise

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import gap_consistency, gap_direction, gap_length, gap_orthogonality


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def cos(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("kind", ["single", "several"])
def test_loops_as_oracle(kind, request):
    p = request.getfixturevalue(kind)
    x, y = unit(p.source.astype(float)), unit(p.target.astype(float))
    y = np.array([y[p.owner == c].mean(0) for c in range(len(x))])
    order = np.random.default_rng(3).permutation(len(x))
    groups = [order[i : i + 7] for i in range(0, len(x) - 6, 7)]
    gaps = [np.mean([x[c] - y[c] for c in g], axis=0) for g in groups]
    pairs = [cos(a, b) for i, a in enumerate(gaps) for b in gaps[i + 1 :]]
    gap = np.mean(gaps, axis=0)
    beside = [np.mean([abs(cos(side[b] - side[a], gap)) for a, b in pairwise(order)]) for side in (x, y)]
    found = gap_direction(p.source, p.target, owner=p.owner, group_size=7, seed=3)
    assert found.n_groups == len(groups)
    assert found.length == pytest.approx(np.mean([np.linalg.norm(g) for g in gaps]), rel=1e-5)
    assert found.length_sd == pytest.approx(np.std([np.linalg.norm(g) for g in gaps]), rel=1e-3)
    assert found.consistency == pytest.approx(np.mean(pairs), abs=1e-6)
    assert (found.orthogonality_source, found.orthogonality_target) == pytest.approx(tuple(beside), rel=1e-5)
    assert found.orthogonality == pytest.approx(np.mean(beside), rel=1e-5)
    options = {"owner": p.owner, "group_size": 7, "seed": 3}
    assert gap_length(p.source, p.target, **options) == found.length
    assert gap_consistency(p.source, p.target, **options) == found.consistency
    assert gap_orthogonality(p.source, p.target, **options) == found.orthogonality


def test_a_constant_gap_and_none():
    rng = np.random.default_rng(0)
    d = 200
    c = rng.standard_normal((1000, d))
    c[:, 0] = 0  # the gap runs along the first axis, across everything else
    c = unit(c)
    x, y = c.copy(), c.copy()
    x[:, 0], y[:, 0] = 1.0, -1.0
    found = gap_direction(x, y)
    assert found.consistency == pytest.approx(1, abs=1e-6)
    assert found.orthogonality == pytest.approx(0, abs=1e-6)
    assert found.length == pytest.approx(math.sqrt(2), rel=1e-2)
    assert found.n_groups == 10
    # No common gap: groups disagree, and the angle is that of two random directions.
    z = unit(rng.standard_normal((2, 1000, d)))
    found = gap_direction(z[0], z[1])
    assert found.consistency == pytest.approx(0, abs=0.03)
    assert found.orthogonality == pytest.approx(math.sqrt(2 / (math.pi * d)), rel=0.15)
    # No gap at all.
    found = gap_direction(c, c)
    assert (found.length, found.consistency, found.orthogonality) == (0, 0, 0)


def test_single_points():
    rng = np.random.default_rng(1)
    y, point = rng.standard_normal((200, 4)), np.ones((200, 4))
    found = gap_direction(point, y)
    assert math.isnan(found.orthogonality_source)
    assert found.orthogonality == found.orthogonality_target
    assert -1 <= found.consistency <= 1
    with pytest.raises(InputError, match="two different rows"):
        gap_direction(point, -point)


def test_too_few_clips(single):
    with pytest.raises(InputError, match="at least 2 groups of 100 clips, got 40"):
        gap_direction(single.source, single.target)
    with pytest.raises(InputError, match="group_size: expected a whole number of at least 1, got 0"):
        gap_direction(single.source, single.target, group_size=0)
