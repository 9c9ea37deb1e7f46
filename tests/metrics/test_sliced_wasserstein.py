import math

import numpy as np
import ot
import pytest
import torch

from gapkit.errors import InputError
from gapkit.metrics import residual_sliced_wasserstein, sliced_wasserstein
from gapkit.metrics.pair import pair_of
from gapkit.metrics.sliced_wasserstein import lines, project, seen_from, sliced


def by_pot(x, y, a=None, b=None, n_projections=512, seed=0):
    x, y = x.astype(np.float64), y.astype(np.float64)
    along = lines(pair_of(x, y, paired=False).y, n_projections, seed).numpy().T.astype(np.float64)
    return ot.sliced_wasserstein_distance(x, y, a, b, projections=along)


def shares(p):
    return np.full(len(p.source), 1 / len(p.source)), 1 / np.bincount(p.owner)[p.owner] / len(p.source)


@pytest.mark.parametrize("m", [40, 30, 27, 1])
def test_pot_as_oracle_for_any_two_sizes(single, m):
    x, y = single.source, single.target[: max(m, 2)]
    assert sliced_wasserstein(x, y) == pytest.approx(by_pot(x, y), rel=1e-6)
    assert sliced_wasserstein(y, x) == pytest.approx(by_pot(y, x), rel=1e-6)


def test_pot_as_oracle_for_several_targets(several):
    p = several
    expected = by_pot(p.source, p.target, *shares(p))
    assert sliced_wasserstein(p.source, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-6)
    x, y = p.source - p.source.mean(axis=0), p.target - shares(p)[1] @ p.target
    expected = by_pot(x, y, *shares(p))
    assert residual_sliced_wasserstein(p.source, p.target, owner=p.owner) == pytest.approx(expected, rel=1e-5)


def test_one_dimension_is_the_distance_of_quantiles():
    x, y = np.array([[0.0], [1.0], [5.0]]), np.array([[0.0], [2.0]])
    # Thirds against halves: 0-0, then 1-0 and 1-2 for a sixth each, then 5-2.
    expected = math.sqrt(0 / 3 + 1 / 6 + 1 / 6 + 9 / 3)
    assert sliced_wasserstein(x, y, n_projections=1) == pytest.approx(expected, rel=1e-6)


def test_shift_and_its_residual():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 8))
    shift = np.zeros(8)
    shift[0] = 3
    # The mean of (t . s)^2 over directions is |s|^2 / d, here up to the noise of 20,000 of them.
    assert sliced_wasserstein(x, x + shift, n_projections=20_000) == pytest.approx(3 / math.sqrt(8), rel=0.02)
    assert residual_sliced_wasserstein(x, x + shift) == pytest.approx(0, abs=1e-6)
    whole, rest = sliced_wasserstein(x, 2 * x + shift), residual_sliced_wasserstein(x, 2 * x + shift)
    assert rest < whole


@pytest.mark.parametrize("kind", ["single", "several"])
def test_blocks_of_lines_do_not_matter(kind, request):
    p = request.getfixturevalue(kind)
    whole = sliced_wasserstein(p.source, p.target, owner=p.owner)
    assert sliced_wasserstein(p.source, p.target, owner=p.owner, max_memory=1) == pytest.approx(whole, rel=1e-8)
    both = pair_of(p.source, p.target, p.owner)
    along = lines(both.y, 64, 0)
    a, b = (sliced(both, along, pushes=True, max_memory=memory) for memory in (1, 2**28))
    for left, right in zip((*a.pushes, *a.residual_pushes), (*b.pushes, *b.residual_pushes), strict=True):
        assert left.numpy() == pytest.approx(right.numpy(), abs=1e-6)
    known = project(seen_from(both.y.mean, both.y), along, order=True)
    assert sliced(both, along, known=known).square == pytest.approx(b.square, rel=1e-8)


@pytest.mark.parametrize("kind", ["single", "several", "unrelated"])
def test_pushes_are_the_derivative(kind, request):
    p = request.getfixturevalue("several" if kind == "unrelated" else kind)
    if kind == "unrelated":
        both = pair_of(p.source, p.target[:50], paired=False)
        owner = np.arange(50)
    else:
        both = pair_of(p.source, p.target, p.owner)
        owner = both.y.owner.numpy()
    along = lines(both.y, 16, 0)
    found = sliced(both, along, pushes=True)
    x, y = (side.rows.numpy().astype(np.float64) for side in (both.x, both.y))
    t, step = along.numpy().T.astype(np.float64), 1e-5

    def square(wx, wy):
        rows = wy[owner] / np.bincount(owner)[owner]
        return ot.sliced_wasserstein_distance(x, y, wx, rows, projections=t) ** 2

    even = [np.full(both.x.n, 1 / both.x.n), np.full(both.y.n, 1 / both.y.n)]
    for side in (0, 1):
        for clip in (0, 3, 11, 19):
            ends = []
            for sign in (1, -1):
                w = [v.copy() for v in even]
                w[side] *= 1 - sign * step
                w[side][clip] += sign * step
                ends.append(square(*w))
            assert float(found.pushes[side][clip]) == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=2e-4)


def test_directions_depend_on_the_seed_and_the_width_alone(single):
    x, y = single.source, single.target
    assert sliced_wasserstein(x, y) == sliced_wasserstein(torch.from_numpy(x), torch.from_numpy(y))
    assert sliced_wasserstein(x, y, seed=1) == sliced_wasserstein(x, y, seed=1) != sliced_wasserstein(x, y)
    a, b = lines(pair_of(x, y).y, 600, 5), lines(pair_of(y, x).y, 600, 5)
    assert (a == b).all()
    assert torch.linalg.vector_norm(a, dim=1).numpy() == pytest.approx(np.ones(600), abs=1e-6)


def test_no_directions(single):
    with pytest.raises(InputError, match="n_projections: expected a whole number of at least 1, got 0"):
        sliced_wasserstein(single.source, single.target, n_projections=0)
