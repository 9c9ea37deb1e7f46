import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from gapkit.metrics import energy_distance


def from_matrices(x, y, paired):
    x, y = x.astype(np.float64), y.astype(np.float64)
    off_x, off_y = (~np.eye(len(v), dtype=bool) for v in (x, y))
    between = cdist(x, y)[off_x] if paired else cdist(x, y)
    return 2 * between.mean() - cdist(x, x)[off_x].mean() - cdist(y, y)[off_y].mean()


@pytest.mark.parametrize("paired", [True, False])
def test_whole_matrices_as_oracle(single, paired):
    x, y = single.source, single.target
    assert energy_distance(x, y, paired=paired) == pytest.approx(from_matrices(x, y, paired), rel=1e-6)
    if not paired:
        assert energy_distance(x, y[:25]) == pytest.approx(from_matrices(x, y[:25], False), rel=1e-6)


def test_several_targets_of_a_clip(several):
    p = several
    x = p.source.astype(np.float64)
    groups = [p.target[p.owner == c].astype(np.float64) for c in range(30)]
    off = [(i, j) for i in range(30) for j in range(30) if i != j]
    between = np.mean([cdist(x[i : i + 1], groups[j]).mean() for i, j in off])
    inside = np.mean([cdist(groups[i], groups[j]).mean() for i, j in off])
    expected = 2 * between - inside - cdist(x, x)[~np.eye(30, dtype=bool)].mean()
    assert energy_distance(p.source, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-5)


def test_scipy_and_a_closed_form_in_one_dimension():
    # Quantiles of N(0, 1) and N(1, 1) instead of draws: E|N(m, 2)| = 2 / sqrt(pi) exp(-m^2 / 4) + m erf(m / 2).
    x = stats.norm.ppf((np.arange(3000) + 0.5) / 3000)
    y = x[np.random.default_rng(0).permutation(3000)] + 1
    exact = 2 * (2 / math.sqrt(math.pi) * math.exp(-0.25) + math.erf(0.5)) - 4 / math.sqrt(math.pi)
    assert energy_distance(x[:, None], y[:, None], paired=False) == pytest.approx(exact, rel=0.01)
    # scipy takes the root of the biased one: distances of rows to themselves count.
    n = 3000
    inside = cdist(x[:, None], x[:, None]).sum() / n**2 * 2
    unbiased = stats.energy_distance(x, y) ** 2 + inside - inside * n / (n - 1)
    assert energy_distance(x[:, None], y[:, None], paired=False) == pytest.approx(unbiased, rel=1e-5)


def test_unbiased_with_pairs_that_depend_on_each_other():
    rng = np.random.default_rng(1)
    values = []
    for _ in range(60):
        c = rng.standard_normal((30, 4))
        x, y = c + 0.3 * rng.standard_normal((2, 30, 4))
        values.append((energy_distance(x, y), energy_distance(x, y, paired=False)))
    kept_out, kept_in = np.mean(values, axis=0)
    error = np.std(values, axis=0)[0] / math.sqrt(60)
    assert abs(kept_out) < 3 * error
    assert kept_in < -10 * error


@pytest.mark.parametrize("memory", [4 * 16 * 16, 2**27])
def test_tile_size_does_not_matter(memory):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((700, 32)), rng.standard_normal((700, 32)) + 0.2
    assert energy_distance(x, y, max_memory=memory) == pytest.approx(from_matrices(x, y, True), rel=1e-5)
