"""How often intervals of groups hold what they are about, by simulation of two bridges on the same items."""

import dataclasses
import math

import numpy as np
import pytest

from gapkit.metrics import Reference, measure
from gapkit.statistics import Groups

pytestmark = pytest.mark.slow

N, D, SAMPLES, DRAWS = 120, 4, 200, 200
SHARE = 0.5
"""Share of the variance that groups bring."""
NAMES = ("cosine", "mmd", "frechet", "recall@10", "separability")
ERROR = math.sqrt(0.95 * 0.05 / SAMPLES)
"""Standard error of a coverage of .95 seen in this many samples."""


def even():
    return Groups.from_labels(np.arange(N) // 3)


def uneven():
    sizes = np.maximum(1, np.round(N / 6 / np.arange(1, 60) ** 0.7)).astype(int)
    return Groups.from_labels(np.repeat(np.arange(59), sizes)[:N])


def several():
    rng = np.random.default_rng(7)
    return Groups.from_labels([rng.choice(60, 2, replace=False).tolist() for _ in range(N)])


def several_uneven():
    rng, odds = np.random.default_rng(7), 1 / np.arange(1, 71) ** 0.5
    return Groups.from_labels(
        [rng.choice(70, rng.integers(1, 4), replace=False, p=odds / odds.sum()).tolist() for _ in range(N)]
    )


def draw(groups, rng):
    """Two bridges that share most of their noise, and the targets."""

    def rows():
        of_groups = (groups.incidence @ rng.standard_normal((groups.n_groups, D))) / np.sqrt(groups.per_item)[:, None]
        return math.sqrt(SHARE) * of_groups + math.sqrt(1 - SHARE) * rng.standard_normal((N, D))

    concept, one = rows(), 0.6 * rows()
    other = 0.8 * one + 0.36 * rows()
    return (concept + one + np.eye(D)[0] * 0.6, concept + other + np.eye(D)[1] * 0.4), concept + 0.5 * rows()


@pytest.fixture(scope="module", params=[even, uneven, several, several_uneven], ids=lambda make: make.__name__)
def samples(request):
    """Estimates of both bridges in every sample."""
    groups, found = request.param(), []
    for seed in range(SAMPLES):
        bridges, target = draw(groups, np.random.default_rng([seed, 3]))
        reference = Reference.from_target(target, groups=groups, n_resamples=DRAWS, seed=seed)
        reference = dataclasses.replace(reference, bandwidth=3.2)
        found.append([measure(x, reference, NAMES) for x in bridges])
    return groups, found


def seen(values, lows, highs):
    """Share of the intervals that hold the mean of the values, which all of them are about."""
    return float(np.mean((np.asarray(lows) <= np.mean(values)) & (np.mean(values) <= np.asarray(highs))))


def bounds(groups):
    """92 to 98 %, three standard errors wider; no fixed draws of several groups an item are narrow enough."""
    return 0.92 - 3 * ERROR, 0.98 + 3 * ERROR if groups.single else 1.0


@pytest.mark.parametrize("name", NAMES)
def test_intervals_hold_the_value(samples, name):
    groups, found = samples
    own = [pair[0][name] for pair in found]
    low, high = bounds(groups)
    assert low <= seen([e.value for e in own], [e.low for e in own], [e.high for e in own]) <= high


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_paired_differences_hold_it(samples, name):
    groups, found = samples
    values = [a[name].value - b[name].value for a, b in found]
    ends = np.array([np.quantile(a[name].draws - b[name].draws, (0.025, 0.975)) for a, b in found])
    low, high = bounds(groups)
    assert low <= seen(values, *ends.T) <= high


def test_items_drawn_alone_would_not():
    """The bounds can be missed: draws of items hold the cosine of uneven groups too rarely."""
    groups, values, ends = uneven(), [], []
    for seed in range(SAMPLES):
        bridges, target = draw(groups, np.random.default_rng([seed, 3]))
        estimate = measure(bridges[0], target, ["cosine"], n_resamples=DRAWS, seed=seed)["cosine"]
        values.append(estimate.value)
        ends.append((estimate.low, estimate.high))
    assert seen(values, *np.array(ends).T) < bounds(groups)[0]
