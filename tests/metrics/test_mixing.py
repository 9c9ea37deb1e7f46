"""Mixing of the pooled set, the vote of its neighbours, and the network beside them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binom
from sklearn.neighbors import KNeighborsClassifier

from gapkit.errors import InputError
from gapkit.metrics import c2st_knn, c2st_mlp, cross_modal_share, knn_mixing, linear_separability
from gapkit.metrics.network import network_correctness
from gapkit.metrics.pair import pair_of


def by_loops(x, y, owner, k):
    """Index, cross-modal share and accuracy, one row at a time; rows of other clips until their weights make k."""
    x, y = x.astype(float), y.astype(float)
    rows, clips = np.concatenate([x, y]), np.concatenate([np.arange(len(x)), owner])
    share = np.concatenate([np.ones(len(x)), 1 / np.bincount(owner)[owner]])
    source = np.arange(len(rows)) < len(x)
    index, cross, right = (np.zeros(len(rows)) for _ in range(3))
    for i in range(len(rows)):
        left, taken = float(k), {True: 0.0, False: 0.0}
        for j in np.argsort(((rows - rows[i]) ** 2).sum(1), kind="stable"):
            if clips[j] != clips[i] and left > 1e-12:
                part = min(share[j], left)
                taken[bool(source[j])] += part
                left -= part
        own, other = taken[bool(source[i])] / k, taken[not source[i]] / k
        index[i], cross[i], right[i] = 1 / (own**2 + other**2), other, (np.sign(round(own - other, 9)) + 1) / 2
    return [
        (np.mean(v[source]) + np.mean([v[~source][owner == c].mean() for c in range(len(x))])) / 2
        for v in (index, cross, right)
    ]


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("k", [1, 4, 13])
def test_loops_as_oracle(kind, k, request):
    p = request.getfixturevalue(kind)
    index, cross, right = by_loops(p.source, p.target, p.owner, k)
    assert 1 < index < 2 or k == 1
    assert knn_mixing(p.source, p.target, owner=p.owner, k=k) == pytest.approx(index, abs=1e-9)
    assert cross_modal_share(p.source, p.target, owner=p.owner, k=k) == pytest.approx(cross, abs=1e-9)
    assert c2st_knn(p.source, p.target, owner=p.owner, k=k) == pytest.approx(right, abs=1e-9)


def test_sklearn_as_oracle_of_the_vote(single):
    x, y = single.source, single.target
    rows, label, clip = np.concatenate([x, y]), np.repeat([1, 0], 40), np.tile(np.arange(40), 2)
    right = [
        KNeighborsClassifier(7).fit(rows[clip != c], label[clip != c]).predict(rows[clip == c]) == label[clip == c]
        for c in range(40)
    ]
    assert c2st_knn(x, y, k=7) == pytest.approx(np.mean(right))


def test_ends():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 200, 8))
    assert knn_mixing(x + 50, y) == 1.0
    assert cross_modal_share(x + 50, y) == 0.0
    assert c2st_knn(x + 50, y) == 1.0
    # Equal sides: neighbours come in twos, one of each.
    assert knn_mixing(y, y) == 2.0
    assert cross_modal_share(y, y) == 0.5
    assert c2st_knn(y, y) == 0.5
    # Everything at one point is mixed, whatever the order of the rows.
    assert knn_mixing(np.ones((60, 3)), np.ones((60, 3))) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("count", [1, 3])
def test_one_distribution_is_mixed_however_pairs_depend(count):
    # A concept a clip, noise a row: x and y are exchangeable, and near each other.
    rng = np.random.default_rng(1)
    concept = rng.standard_normal((400, 6))
    owner = np.repeat(np.arange(400), count)
    x = concept + 0.2 * rng.standard_normal((400, 6))
    y = concept[owner] + 0.2 * rng.standard_normal((len(owner), 6))
    assert cross_modal_share(x, y, owner=owner) == pytest.approx(0.5, abs=0.012)
    assert c2st_knn(x, y, owner=owner) == pytest.approx(0.5, abs=0.06)
    assert 2 - 2 / 30 - 0.03 < knn_mixing(x, y, owner=owner, k=30) < 2


def test_the_ceiling_of_the_index():
    x, y = np.random.default_rng(5).standard_normal((2, 600, 6))
    for k in (5, 10, 30):
        p = np.arange(k + 1) / k
        expected = (binom.pmf(np.arange(k + 1), k, 0.5) / (p**2 + (1 - p) ** 2)).sum()
        assert knn_mixing(x, y, k=k) == pytest.approx(expected, abs=0.03)
    assert expected == pytest.approx(2 - 2 / 30, abs=0.01)


def test_unrelated_sides_weigh_the_same():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((150, 4)), rng.standard_normal((600, 4))
    assert cross_modal_share(x, y) == pytest.approx(0.5, abs=0.03)
    assert c2st_knn(x, y) == pytest.approx(0.5, abs=0.08)


def test_a_target_said_twice_says_nothing_new(several):
    p = several
    twice = np.concatenate([p.target, p.target]), np.concatenate([p.owner, p.owner])
    for metric in (knn_mixing, cross_modal_share, c2st_knn):
        once = metric(p.source, p.target, owner=p.owner, k=8)
        assert metric(p.source, twice[0], owner=twice[1], k=8) == pytest.approx(once, abs=1e-9)


def test_too_few_rows_for_a_neighbourhood(single):
    for metric in (knn_mixing, c2st_knn):
        assert np.isfinite(metric(single.source, single.target, k=78))
        with pytest.raises(InputError, match=r"at least 79 clips .* got 78"):
            metric(single.source, single.target, k=79)
        with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
            metric(single.source, single.target, k=0)


# The network.


def test_the_network_sees_what_a_cut_does_not():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 250, 6))
    assert c2st_mlp(x + 3, y) == 1.0
    assert c2st_mlp(x, y) == pytest.approx(0.5, abs=0.08)
    assert c2st_mlp(x / 2, y) > 0.75 > 0.6 > linear_separability(x / 2, y)


def test_the_network_is_exactly_mixed_on_equal_sides_and_repeats_itself(several):
    p = several
    assert c2st_mlp(p.target, p.target, rounds=3) == 0.5
    state = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    first, again = (c2st_mlp(p.source, p.target, owner=p.owner, rounds=3, seed=1) for _ in range(2))
    assert first == again
    assert (np.random.get_state()[1] == state[0]).all()  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), state[1])


def test_the_network_holds_out_the_clip_and_counts_clips():
    # Rows of a clip are all but equal: a network that saw a clip's other rows would know its side.
    rng = np.random.default_rng(4)
    x = rng.standard_normal((60, 100))
    y = np.concatenate([x, x, x]) + 1e-3 * rng.standard_normal((180, 100))
    assert c2st_mlp(x, y, owner=np.tile(np.arange(60), 3), rounds=10) == pytest.approx(0.5, abs=0.1)
    # One clip with most of the targets is one clip.
    x, y = rng.standard_normal((30, 4)) + 4, rng.standard_normal((129, 4))
    y[29:] += 4
    pair = replace(pair_of(x, y, np.minimum(np.arange(129), 29)), folds=(np.arange(30) % 3,) * 2)
    right = network_correctness(pair, rounds=10)[1]
    assert right.shape == (30,)
    assert right[:29].mean() > 0.95 > 0.3 > right[29]


def test_the_network_at_the_limits(single):
    x, y = single.source, single.target
    constant = x.copy()
    constant[:, 2] = 1
    for a, b in ((x * np.float32(1e30), y * np.float32(1e30)), (constant, constant + 1), (np.ones_like(x), y)):
        assert 0 <= c2st_mlp(a, b, rounds=1) <= 1
    assert c2st_mlp(np.ones_like(x), np.ones_like(x), rounds=1) == 0.5


@pytest.mark.parametrize("folds", [1, [0, 1], np.zeros(40, dtype=int)])
def test_bad_folds(single, folds):
    with pytest.raises(InputError, match="fold"):
        c2st_mlp(single.source, single.target, folds=folds)
