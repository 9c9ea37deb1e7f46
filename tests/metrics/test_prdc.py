from importlib import import_module

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import points, prdc


def away(a, b):
    return np.sqrt(((a[:, None].astype(float) - b[None].astype(float)) ** 2).sum(-1))


def published(real, fake, k):
    """Naeem et al. 2020, closed balls: radii exclude the row itself, pairs mean nothing."""

    def radii(rows):
        return np.sort(away(rows, rows), axis=1)[:, k]

    d, r, f = away(real, fake), radii(real), radii(fake)
    inside = d <= r[:, None] * (1 + 1e-12)
    return inside.any(0).mean(), (d <= f * (1 + 1e-12)).any(1).mean(), inside.sum(0).mean() / k, inside.any(1).mean()


def by_loops(x, y, owner, k):
    """Clips as units: nothing of a row's own clip, rows of a clip share its weight."""
    share, n = 1 / np.bincount(owner)[owner], len(x)

    def radius(rows, clips, weights, i):
        left = float(k)
        distances = away(rows[i : i + 1], rows)[0]
        for j in np.argsort(distances, kind="stable"):
            if clips[j] != clips[i]:
                left -= weights[j]
                if left < 1e-9:
                    return distances[j]
        raise AssertionError

    r_x = np.array([radius(x, np.arange(n), np.ones(n), i) for i in range(n)])
    r_y = np.array([radius(y, owner, share, i) for i in range(len(y))])
    d = away(x, y)
    d[np.arange(n)[:, None] == owner[None]] = np.inf
    in_y, in_x = d <= r_y * (1 + 1e-6), d <= r_x[:, None] * (1 + 1e-6)
    per_clip = lambda v: np.mean([v[owner == c].mean() for c in range(n)])  # noqa: E731
    return in_y.any(1).mean(), per_clip(in_x.any(0)), (in_y @ share).mean() / k, per_clip(in_y.any(0))


def four(found):
    return found.precision, found.recall, found.density, found.coverage


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_loops_as_oracle(kind, k, request):
    p = request.getfixturevalue(kind)
    expected = by_loops(p.source, p.target, p.owner, k)
    assert 0 < expected[1] < 1
    assert four(prdc(p.source, p.target, owner=p.owner, k=k)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("k", [1, 5])
def test_the_published_definition(single, k):
    rng = np.random.default_rng(0)
    for x, y in ((single.source, single.target), (rng.standard_normal((60, 4)), rng.standard_normal((90, 4)) * 0.8)):
        expected = published(y, x, k)
        assert four(prdc(x, y, k=k, paired=False)) == pytest.approx(expected, abs=1e-9)


def test_boundaries_are_inside_whatever_the_blocks(monkeypatch):
    # Equal sides: the k-th neighbour of every row lies exactly on its ball.
    x = np.random.default_rng(1).standard_normal((300, 20)) + 3
    module = import_module("gapkit.metrics.prdc")
    for block in (2**21, 1000, 1):
        monkeypatch.setattr(module, "BLOCK", block)
        found = prdc(x, x, k=4)
        assert (found.density, found.coverage) == (1.0, 1.0)
        assert found.precision == found.recall < 1
        assert four(prdc(x, x, k=4, paired=False)) == (1.0, 1.0, 1.25, 1.0)


def test_exchangeable_sides_however_pairs_depend():
    rng = np.random.default_rng(2)
    concept = rng.standard_normal((700, 5))
    x, y = concept + 0.1 * rng.standard_normal((2, 700, 5))
    # A target on the rim of a ball has its source inside every second time.
    assert 0.9 - 0.03 < prdc(x, y).density < 1
    x, y = rng.standard_normal((2, 700, 5))
    found = prdc(x, y)
    assert found.density == pytest.approx(1, abs=0.08)
    assert found.coverage == pytest.approx(1 - 2.0**-5, abs=0.02)


def test_ends():
    rng = np.random.default_rng(3)
    y = rng.standard_normal((200, 4))
    assert four(prdc(y + 50, y)) == (0, 0, 0, 0)
    # A source at one point among the targets is precise and reaches nothing.
    found = prdc(np.zeros((200, 4)), y)
    assert (found.precision, found.recall) == (1, 0)
    assert found.coverage < 0.2
    # Narrow: in place, without the rim. Wide: everywhere, mostly outside.
    narrow, wide = prdc(rng.standard_normal((200, 4)) / 3, y), prdc(rng.standard_normal((200, 4)) * 3, y)
    assert narrow.precision > 0.95 > 0.5 > narrow.recall
    assert wide.recall > 0.8 > 0.5 > wide.precision
    assert four(prdc(np.ones((20, 3)), np.ones((20, 3)), k=5)) == (1, 1, pytest.approx(19 / 5), 1)


def test_a_target_said_twice_says_nothing_new(several):
    p = several
    twice = np.concatenate([p.target, p.target]), np.concatenate([p.owner, p.owner])
    once = four(prdc(p.source, p.target, owner=p.owner, k=3))
    assert four(prdc(p.source, twice[0], owner=twice[1], k=3)) == pytest.approx(once, abs=1e-9)


def test_invariances(single):
    x, y = single.source, single.target
    q = np.linalg.qr(np.random.default_rng(4).standard_normal((6, 6)))[0]
    base = four(prdc(x, y))
    order = np.random.default_rng(5).permutation(40)
    for a, b in ((x @ q, y @ q), (x + 4, y + 4), (x * 7, y * 7), (x * 1e20, y * 1e20), (x[order], y[order])):
        assert four(prdc(a, b)) == pytest.approx(base, abs=1e-9)


def test_too_few_clips(single):
    assert prdc(single.source, single.target, k=39).coverage == 1
    with pytest.raises(InputError, match="at least 40 clips"):
        prdc(single.source, single.target, k=40)
    with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
        prdc(single.source, single.target, k=0)


def test_pairs_of_equal_rows_are_asked_for_once(monkeypatch):
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((2, 8, 5))[:, rng.integers(0, 8, 400)]
    plain = prdc(x, y, k=20)
    monkeypatch.setattr(points, "PAIRS", 50)
    assert prdc(x, y, k=20) == plain
