"""How often 95 % intervals hold what they are about, by simulation of two bridges on the same clips."""

import dataclasses
import math

import numpy as np
import pytest

from gapkit.metrics import Reference, measure
from gapkit.statistics import paired_difference

pytestmark = pytest.mark.slow

N, D, SAMPLES, DRAWS = 200, 6, 400, 300
SHIFTS = (0.6, 0.35)
NOISE = 0.5
WIDTH = math.sqrt(2 * (1 + NOISE**2) * D)
NAMES = (
    "cosine", "centroid-distance", "mmd", "energy-distance", "recall@10", "rmg", "residual-cosine", "separability",
    "ndcg-pooled@10",
)  # fmt: skip
DEGENERATE = ("residual-mmd", "residual-energy-distance")
"""Both sides have one shape: nothing is left without the means, and first order is all noise."""

SHAPES = (
    "residual-mmd", "residual-mmd-multi", "residual-mmd-imq", "residual-energy-distance", "residual-rmg",
    "residual-knn-mixing", "residual-knn-cross-share", "residual-sinkhorn-divergence",
)  # fmt: skip


def draw(rng, n):
    """Targets, and two bridges that share most of their noise and end at different offsets."""
    concept, own, other = rng.standard_normal((3, n, D))
    shift = np.eye(D)[:2] * np.array(SHIFTS)[:, None]
    near = concept + NOISE * own + shift[0], concept + NOISE * (0.8 * own + 0.6 * other) + shift[1]
    return near, concept + NOISE * rng.standard_normal((n, D))


@pytest.fixture(scope="module")
def samples():
    """Estimates of both bridges in every sample."""
    found = []
    for seed in range(SAMPLES):
        bridges, target = draw(np.random.default_rng([seed, 11]), N)
        reference = Reference.from_target(target, n_resamples=DRAWS, seed=seed)
        # One width for all samples, so that all are about one number.
        reference = dataclasses.replace(reference, bandwidth=WIDTH)
        found.append([measure(x, reference, [*NAMES, *DEGENERATE]) for x in bridges])
    return found


def truth(samples, name, bridge):
    """What the interval is about; in closed form where there is one."""
    variance = 1 + NOISE**2
    if name == "mmd":
        # Means of a Gaussian kernel over normal variables.
        inside = (WIDTH**2 / (WIDTH**2 + 2 * variance)) ** (D / 2)
        return 2 * inside * (1 - math.exp(-(SHIFTS[bridge] ** 2) / (2 * (WIDTH**2 + 2 * variance))))
    if name == "cosine":
        bridges, target = draw(np.random.default_rng(1), 400_000)
        x = bridges[bridge]
        return float(((x * target).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(target, axis=1)).mean())
    if name == "centroid-distance":
        # At this number of clips, its floor included: the mean of x - y has variance 2 NOISE^2 / n.
        shift = np.eye(D)[bridge] * SHIFTS[bridge]
        means = shift + NOISE * math.sqrt(2 / N) * np.random.default_rng(2).standard_normal((400_000, D))
        return float(np.linalg.norm(means, axis=1).mean())
    return float(np.mean([pair[bridge][name].value for pair in samples]))


@pytest.mark.parametrize("bridge", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_intervals_cover(samples, name, bridge):
    about = truth(samples, name, bridge)
    covered = np.mean([pair[bridge][name].low <= about <= pair[bridge][name].high for pair in samples])
    assert 0.92 <= covered <= 0.98


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_the_difference_of_two_bridges_cover(samples, name):
    about = truth(samples, name, 0) - truth(samples, name, 1)
    found = [paired_difference(a[name].draws, b[name].draws, value=a[name].value - b[name].value) for a, b in samples]
    assert 0.92 <= np.mean([f.low <= about <= f.high for f in found]) <= 0.98
    # As wide as what one sample differs from another.
    spread = np.std([f.value for f in found])
    assert np.mean([(f.high - f.low) / 3.92 for f in found]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("name", DEGENERATE)
def test_where_the_sides_have_one_shape_intervals_cover(samples, name):
    # First order then is as large as what only pairs add; what is there twice is taken off.
    values = np.array([[row[name].value for row in pair] for pair in samples])
    draws = np.array([[row[name].draws for row in pair] for pair in samples])
    for mine, its in ((values[:, 0], draws[:, 0]), (values[:, 0] - values[:, 1], draws[:, 0] - draws[:, 1])):
        assert 0.85 < its.std(axis=1).mean() / mine.std() < 1.2
        low, high = np.quantile(its, [0.025, 0.975], axis=1)
        assert 0.92 <= np.mean((low <= mine.mean()) & (mine.mean() <= high)) <= 0.98


@pytest.fixture(scope="module")
def shapes():
    """Value, ends of the interval and spread of the draws, in samples of two sides of different shape."""
    n, stretch, found = 150, np.repeat([1.0, 0.5], D // 2), []
    for seed in range(300):
        concept, one, two = np.random.default_rng([seed, 11]).standard_normal((3, n, D))
        reference = Reference.from_target(concept + NOISE * two, n_resamples=DRAWS, seed=seed)
        reference = dataclasses.replace(reference, bandwidth=WIDTH)
        estimates = measure(stretch * (concept + NOISE * one) + 0.4, reference, SHAPES)
        found.append([(e.value, e.low, e.high, e.draws.std()) for e in estimates.values()])
    return np.array(found)


@pytest.mark.parametrize("name", SHAPES)
def test_intervals_of_what_is_left_without_the_means_cover(shapes, name):
    value, low, high, spread = shapes[:, SHAPES.index(name)].T
    covered = np.mean((low <= value.mean()) & (value.mean() <= high))
    # What hangs on the nearest rows, or on the transport, is told to first order with some room to spare.
    careful = name.startswith(("residual-knn", "residual-sinkhorn"))
    assert 0.92 <= covered <= (1.0 if careful else 0.98)
    assert 0.9 < spread.mean() / value.std() < (1.4 if careful else 1.2)
