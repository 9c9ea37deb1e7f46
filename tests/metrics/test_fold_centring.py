"""Means removed fold by fold: what is left has no floor, and its intervals cover."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from gapkit.metrics import METRICS, Reference, measure, metric_names, residual_mmd
from gapkit.metrics import pair as pairs
from gapkit.metrics.fold_centring import fold_centred, joined_folds
from gapkit.metrics.neighbours import search
from gapkit.metrics.pair import pair_of
from gapkit.metrics.points import points

BY_FOLD = [name for name in metric_names() if METRICS.get(name).centring == "folds"]
UNRELATED = [name for name in BY_FOLD if not METRICS.get(name).needs_pairs]
KERNELS = ["residual-mmd", "residual-mmd-multi", "residual-mmd-imq", "residual-energy-distance"]
NOISE = 0.5


def draw(rng, n, d, targets, *, paired):
    """Two sides of one law that differ by a shift, and whose rows the targets are; items of several are alike."""
    owner = np.repeat(np.arange(n), targets)
    concept, other = rng.standard_normal((2, n, d))
    other = concept if paired else other
    x = concept + NOISE * rng.standard_normal((n, d)) + 0.7
    return x, other[owner] + NOISE * rng.standard_normal((len(owner), d)), owner


def values(make, names, repeats, *, paired, width=None, **options):
    """Estimates of several samples: (repeats, names) of value, low, high and spread of the draws."""
    found = []
    for seed in range(repeats):
        x, y, owner = make(np.random.default_rng([seed, 3]))
        reference = Reference.from_target(y, owner=owner, seed=seed, **options)
        reference = reference if width is None else dataclasses.replace(reference, bandwidth=width)
        estimates = measure(x, reference, names, paired=paired).values()
        found.append([(e.value, e.low, e.high, e.draws.std() if e.draws.size else 0) for e in estimates])
    return np.array(found)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("targets", [1, 4])
def test_equal_laws_have_no_floor(paired, targets):
    names, repeats, d = BY_FOLD if paired else UNRELATED, 30, 64
    found = values(lambda rng: draw(rng, 75, d, targets, paired=paired), names, repeats, paired=paired, n_resamples=0)
    mean, error = found[:, :, 0].mean(axis=0), found[:, :, 0].std(axis=0) / math.sqrt(repeats)
    # Half of a distance of strangers is what pairs are apart, less what they share.
    rows = np.random.default_rng(0).standard_normal((3, 50_000, d))
    a, b = rows[0] + NOISE * rows[1], rows[0] + NOISE * rows[2]
    apart = (1 - ((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean()) / 2
    level = {"residual-knn-cross-share": 0.5, "residual-rmg": apart / (apart + 0.5)}
    for name, at, by in zip(names, mean, error, strict=True):
        if name == "residual-knn-mixing":
            # One law reaches about 2 - 2 / k at most.
            assert 1.94 < at < 2
        else:
            assert abs(at - level.get(name, 0)) < 3.5 * by, name
            assert by < {"residual-knn-cross-share": 2e-3, "residual-energy-distance": 2e-3}.get(name, 1e-3), name


@pytest.mark.parametrize("targets", [1, 3])
def test_sides_that_differ_by_a_shift_differ_by_nothing(targets):
    # Rows of one item are equal, so that each side is the other one shifted.
    x = np.random.default_rng(0).standard_normal((75, 8))
    found = measure(x, np.repeat(x, targets, axis=0) + 5, KERNELS, owner=np.repeat(np.arange(75), targets))
    for e in found.values():
        assert e.value == pytest.approx(0, abs=2e-7)


@pytest.mark.parametrize("paired", [True, False])
def test_a_source_that_is_narrower_is_found_as_it_is(paired):
    n, d, variance = 75, 64, 1 + NOISE**2
    width = math.sqrt(2 * variance * d)

    def narrow(rng):
        x, y, owner = draw(rng, n, d, 1, paired=paired)
        return 0.9 * x, y, owner

    def inside(spread):
        return (width**2 / (width**2 + spread)) ** (d / 2)

    a, b = 0.81 * variance, variance
    truth = inside(2 * a) + inside(2 * b) - 2 * inside(a + b)
    found = values(narrow, ["residual-mmd"], 60, paired=paired, width=width, n_resamples=0)[:, 0, 0]
    assert found.mean() == pytest.approx(truth, abs=3 * found.std() / math.sqrt(60))
    assert found.mean() > 3 * found.std()


@pytest.mark.parametrize("stretch", [1.0, 0.5])
def test_intervals_of_unrelated_sides_cover(stretch):
    n, d, repeats = 150, 6, 120
    scale = np.repeat([1.0, stretch], d // 2)

    def make(rng):
        x, y, owner = draw(rng, n, d, 1, paired=False)
        return scale * x, y, owner

    names = ["residual-mmd", "residual-energy-distance"]
    width = math.sqrt(2 * (1 + NOISE**2) * d)
    found = values(make, names, repeats, paired=False, width=width, n_resamples=200)
    for value, low, high, spread in found.transpose(1, 2, 0):
        # 120 samples tell coverage to 2 %.
        assert 0.9 <= np.mean((low <= value.mean()) & (value.mean() <= high)) <= 0.99
        assert 0.85 < spread.mean() / value.std() < 1.25


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ([1, 1, 1, 1], [2, 2]),
        ([2, 2, 1, 1, 1], [3, 4]),
        ([5, 1, 1], [2, 5]),
        ([3, 3, 2, 2, 2], [3, 4, 5]),
        ([3] * 5, [3] * 5),
        ([2] * 30, [8, 8, 12, 16, 16]),
        ([500, 1, 1, 1, 2], [5, 500]),
    ],
)
def test_small_folds_become_one_and_none_is_parted(sizes, left):
    given = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    x, y = joined_folds((given, given))
    np.testing.assert_array_equal(x, y)
    assert sorted(np.bincount(x)) == left
    for fold in range(len(sizes)):
        assert len(np.unique(x[given == fold])) == 1


@pytest.mark.parametrize(("n", "m"), [(3, 3), (2, 40), (40, 3)])
@pytest.mark.parametrize("name", UNRELATED)
def test_too_few_items_are_one_line(name, n, m):
    x, y = np.random.default_rng(0).standard_normal((2, 40, 4))
    found = measure(x[:n], y[:m], [name], paired=n == m, n_resamples=0)[name]
    assert math.isnan(found.value)
    assert found.why.startswith("source, target: expected two folds with at least 2 items of each side, got")
    assert "\n" not in found.why


def test_one_pass_serves_all_kernels_and_their_draws(several, monkeypatch):
    p, passes, inside = several, [], pairs.clip_sums
    monkeypatch.setattr(pairs, "clip_sums", lambda *a, **k: passes.append(len(a[2])) or inside(*a, **k))
    reference = Reference.from_target(p.target, owner=p.owner, n_resamples=20)
    measure(p.source, reference, KERNELS)
    # A Gaussian tells its own slope; the three others bring theirs.
    assert passes == [7, 7, 7]  # inside the source, inside the target, between them
    measure(p.source + 1, reference, KERNELS)
    assert passes[3:] == [7, 7]  # the target is known


def test_folds_are_the_same_for_the_function_and_in_a_table(several):
    p = several
    for seed in (0, 4):
        table = measure(p.source, p.target, ["residual-mmd"], owner=p.owner, seed=seed, n_resamples=0)
        width = Reference.from_target(p.target, owner=p.owner, seed=seed).bandwidth
        alone = residual_mmd(p.source, p.target, owner=p.owner, bandwidth=width, seed=seed)
        assert alone == pytest.approx(table["residual-mmd"].value, abs=1e-7)
    assert residual_mmd(p.source, p.target, owner=p.owner) != residual_mmd(p.source, p.target, owner=p.owner, seed=1)


@pytest.mark.parametrize("memory", [2**12, 2**16, 2**27])
def test_tile_size_does_not_matter(memory):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 300, 16))
    options = {"owner": np.tile(np.arange(300), 2), "bandwidth": 5.0}
    both = np.concatenate([y, y + 0.1])
    whole = residual_mmd(x, both, **options)
    assert residual_mmd(x, both, max_memory=memory, **options) == pytest.approx(whole, abs=1e-8)


def test_blocks_and_single_rows_are_those_of_the_whole(several):
    side = fold_centred(pair_of(several.source, several.target, several.owner)).y
    whole, some = side.rows, torch.tensor([40, 3, 3, 17])
    fresh = dataclasses.replace(side)
    torch.testing.assert_close(fresh.block(slice(5, 31)), whole[5:31])
    torch.testing.assert_close(fresh.take(some), whole[some])


@pytest.mark.parametrize("among_themselves", [True, False])
def test_neighbours_of_crowded_labels_by_sorting(among_themselves):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 400, 5)).astype(np.float32)
    label_a, label_b = rng.integers(0, 4, 400), rng.integers(0, 4, 400)
    if among_themselves:
        b, label_b = a, label_a
    queries, gallery = points(torch.from_numpy(a), None if among_themselves else torch.from_numpy(b))
    found = search(queries, gallery, 7, clips=(torch.from_numpy(label_a), torch.from_numpy(label_b)))
    away = np.where(label_a[:, None] == label_b, np.inf, cdist(a, b))
    np.testing.assert_array_equal(found.indices.numpy(), away.argsort(axis=1)[:, :7])


@pytest.mark.parametrize("folds", [2, 30, 60])
def test_folds_of_the_reference_are_joined_where_they_are_many(folds):
    x, y = np.random.default_rng(0).standard_normal((2, 60, 4))
    found = measure(x, Reference.from_target(y, folds=folds, n_resamples=50), ["residual-mmd"])["residual-mmd"]
    assert abs(found.value) < 0.02
    assert found.low < found.value < found.high
