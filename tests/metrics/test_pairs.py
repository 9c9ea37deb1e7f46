"""Cosines, centroid distance and RMG beside plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapkit.metrics import (
    centroid_distance,
    cosine,
    cosine_margin,
    residual_cosine,
    rmg,
    unpaired_cosine,
)


def cos(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_cosines_by_loops(several):
    x, y, owner = several.source.astype(float), several.target.astype(float), several.owner
    n = len(x)
    table = np.array([[np.mean([cos(x[i], t) for t in y[owner == j]]) for j in range(n)] for i in range(n)])
    off = ~np.eye(n, dtype=bool)
    assert cosine(x, y, owner=owner) == pytest.approx(np.diag(table).mean(), abs=1e-6)
    assert unpaired_cosine(x, y, owner=owner) == pytest.approx(table[off].mean(), abs=1e-6)
    assert cosine_margin(x, y, owner=owner) == pytest.approx(np.diag(table).mean() - table[off].mean(), abs=1e-6)
    assert unpaired_cosine(x[:7], y) == pytest.approx(np.mean([[cos(a, b) for b in y] for a in x[:7]]), abs=1e-6)


def test_residual_cosine_by_loops(several):
    x, y, owner = several.source.astype(float), several.target.astype(float), several.owner
    clips = range(len(x))
    x, y = x - x.mean(0), y - np.mean([y[owner == c].mean(0) for c in clips], axis=0)
    loops = np.mean([np.mean([cos(x[c], t) for t in y[owner == c]]) for c in clips])
    assert residual_cosine(several.source + 3, several.target - 1, owner=owner) == pytest.approx(loops, abs=1e-5)


def test_rmg_by_loops(several):
    x, y, owner = several.source.astype(float), several.target.astype(float), several.owner
    n = len(x)

    def distance(a, b):
        return (1 - cos(a, b)) / 2

    pair = np.mean([np.mean([distance(x[c], t) for t in y[owner == c]]) for c in range(n)])
    inside_x = np.mean([distance(x[i], x[j]) for i in range(n) for j in range(n) if i != j])
    inside_y = np.mean(
        [
            np.mean([[distance(a, b) for b in y[owner == j]] for a in y[owner == i]])
            for i in range(n)
            for j in range(n)
            if i != j
        ]
    )
    expected = pair / ((inside_x + inside_y) / 2 + pair)
    assert rmg(several.source, several.target, owner=owner) == pytest.approx(expected, abs=1e-6)


def test_rmg_ends():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((50, 8))
    assert rmg(y, y) == pytest.approx(0, abs=1e-6)
    a, b = np.tile([1.0, 0.0], (20, 1)), np.tile([0.0, 1.0], (20, 1))
    assert rmg(a, b) == pytest.approx(1.0)
    assert rmg(a, a) == 0.0
    assert rmg(rng.standard_normal((3000, 8)), rng.standard_normal((3000, 8))) == pytest.approx(0.5, abs=0.01)


def test_centroid_distance_counts_clips_and_not_captions():
    x, y = [[0.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [3.0, 0.0], [3.0, 0.0], [0.0, 8.0]]
    # Clip means (3, 0) and (0, 8), their mean (1.5, 4).
    assert centroid_distance(x, y, owner=[0, 0, 0, 1]) == pytest.approx(np.hypot(1.5, 4))
    # Unrelated rows: all count alike.
    assert centroid_distance(x, y) == pytest.approx(np.hypot(2.25, 2))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(3, 20), d=st.integers(2, 6))
def test_invariances(seed, n, d):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, n, d)) + 0.3
    q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    order = rng.permutation(n)
    length = rng.uniform(0.5, 2, (n, 1))
    for metric in (cosine, unpaired_cosine, cosine_margin, rmg):
        value = metric(x, y)
        assert metric(x @ q, y @ q) == pytest.approx(value, abs=1e-5)
        assert metric(x[order], y[order]) == pytest.approx(value, abs=1e-5)
        assert metric(x * length, y) == pytest.approx(value, abs=1e-5)
    assert centroid_distance(x @ q + 1, y @ q + 1) == pytest.approx(centroid_distance(x, y), abs=1e-5)
    assert centroid_distance(x[order], y) == pytest.approx(centroid_distance(x, y), abs=1e-5)
    assert residual_cosine(x + 2, y - 1) == pytest.approx(residual_cosine(x, y), abs=1e-4)


def test_float64_agrees_with_float32_input(several):
    for metric in (cosine, unpaired_cosine, cosine_margin, rmg, centroid_distance, residual_cosine):
        wide = metric(several.source.astype(np.float64), several.target.astype(np.float64), owner=several.owner)
        assert metric(several.source, several.target, owner=several.owner) == wide
        half = metric(several.source.astype(np.float16), several.target.astype(np.float16), owner=several.owner)
        assert half == pytest.approx(wide, abs=2e-3)
