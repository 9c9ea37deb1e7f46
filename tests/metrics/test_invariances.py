"""What no metric may depend on, on clouds drawn by hypothesis: order of the clips, axes, unit, captions said twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapkit.metrics import METRICS, metric_names

# Neighbours of 30 and groups of 100 clips ask for more rows than a quick search has; test_mixing and
# test_gap_direction hold their invariances.
LARGE = {"gap-length", "gap-consistency", "gap-orthogonality", "c2st-mlp", "residual-c2st-mlp"}
NAMES = [name for name in metric_names() if METRICS.origin(name) == "gapkit" and name not in LARGE]
N, D = 60, 4
CLASSES = np.arange(N) % 5

BY_FOLD = {name for name in NAMES if METRICS.get(name).centring == "folds"}
POOLED = {"recall-pooled@1", "recall-pooled@5", "recall-pooled@10", "ndcg-pooled@10"}
FLIPS = {"flip-int8@1", "flip-binary@1", "flip-noise@1"}
CLASSED = {"zero-shot-accuracy", "cluster-ari", "cluster-nmi", "cluster-ari-ward", "cluster-nmi-ward"}
SEEDED = {
    "separability",
    "separability-auc",
    "separability-margin",
    "residual-separability",
    *BY_FOLD,
    *POOLED,
    "flip-noise@1",
}
"""Folds, noise, and who stands in the pool by what, go by place: another order is another draw."""
AXES = {*FLIPS, "residual-separability", "mmd-rff", "sliced-wasserstein", "residual-sliced-wasserstein"}
"""Look along axes or random directions that do not turn with the clouds."""
JUMPS = {
    "separability", "residual-separability", "separability-auc", "separability-margin", "c2st-knn", "share-risen",
    "recall@1", "recall@5", "recall@10", "map@10", "mutual-knn", "mutual-knn-calibrated", "mutual-knn-kept", "cknna",
    "prdc-precision", "prdc-recall", "prdc-density", "prdc-coverage", "hubness", "knn-mixing", "knn-cross-share",
    "residual-knn-mixing", "residual-knn-cross-share", "recall-back@1", "recall-back@5", "recall-back@10",
    "map-back@10", *POOLED, *CLASSED, *FLIPS,
}  # fmt: skip
"""Count: rounding may move one row across a border."""
POWER = {
    "centroid-distance": 1, "l2i": 1, "sliced-wasserstein": 1, "residual-sliced-wasserstein": 1, "energy-distance": 1,
    "residual-energy-distance": 1, "residual-l2i": 1, "frechet": 2, "residual-sinkhorn-divergence": 2,
    "residual-frechet": 2, "sinkhorn-divergence": 2, "mmd-linear": 2,
}  # fmt: skip
"""In units of the rows, or of their squares; all others have no unit."""
SHIFTED = {
    "centroid-distance", "mmd", "mmd-multi", "mmd-imq", "mmd-linear", "mmd-rff", "energy-distance", "frechet",
    "sliced-wasserstein", "sinkhorn-divergence", "separability", "separability-auc", "separability-margin", "c2st-knn",
    "l2i", "knn-mixing", "knn-cross-share", "residual-cosine", "residual-mmd", "residual-energy-distance",
    "residual-frechet", "residual-sliced-wasserstein", "residual-separability", "effective-rank", "cka",
    "residual-l2i", "residual-rmg", "residual-mmd-multi", "residual-mmd-imq", "residual-sinkhorn-divergence",
    "residual-knn-mixing", "residual-knn-cross-share",
    "cka-debiased", "cka-calibrated", "cka-rbf", "cka-kept", "procrustes-distance", "variance-ratio",
    "prdc-precision", "prdc-recall", "prdc-density", "prdc-coverage",
}  # fmt: skip
"""Look at differences of rows only: an offset common to both sides is not seen."""
ONE_SIDED = {name for name in NAMES if name.startswith("residual-")} | {
    "cka", "cka-debiased", "cka-calibrated", "cka-rbf", "procrustes-distance", "variance-ratio", "effective-rank",
}  # fmt: skip
"""Nor is the offset of one side."""


LISTS = {"recall@1", "recall@5", "recall@10", "map@10", "hubness"}
"""Look at the k nearest rows of a gallery, copies included."""
WIDTH = {
    "mmd", "mmd-multi", "mmd-imq", "mmd-rff", "residual-mmd", "sinkhorn-divergence", "cka-rbf", "residual-mmd-multi",
    "residual-mmd-imq", "residual-sinkhorn-divergence",
}  # fmt: skip
"""Take the median distance of rows, to which copies of a row count too."""


def clouds(seed):
    """Source, target, source before it was moved and fitted targets; a gap, and scales that differ by axis."""
    rng = np.random.default_rng(seed)
    c = rng.standard_normal((N, D)) * rng.uniform(0.5, 2, D)
    x = c + rng.choice([0.2, 1.0]) * rng.standard_normal((N, D)) + rng.choice([0.0, 0.7])
    return x, c + 0.6 * rng.standard_normal((N, D)), x + 0.4 * rng.standard_normal((N, D)), rng.standard_normal((70, D))


def call(name, x, y, before, fitted, labels=CLASSES, **options):
    metric = METRICS.get(name)
    known = {"original": before, "fitted": fitted, "labels": labels}
    return metric.function(x, y, **options, **{need: known[need] for need in metric.needs})


def same(name, value, unit=1.0):
    """A handful of border cases of 60 clips where counted, otherwise what float32 leaves."""
    rough = 0.06 if name in JUMPS else 2e-3
    return pytest.approx(value, rel=rough, abs=(rough if name in JUMPS else 2e-5) * unit)


given_seed = given(seed=st.integers(0, 2**32 - 1))
few = settings(max_examples=6, deadline=None)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SEEDED])
@given_seed
@few
def test_the_order_of_the_clips(name, seed):
    x, y, before, fitted = clouds(seed)
    order = np.random.default_rng(seed).permutation(N)
    value = call(name, x, y, before, fitted)
    assert call(name, x[order], y[order], before[order], fitted, CLASSES[order]) == same(name, value)
    # The targets in any order of their own, where owner says whose they are.
    assert call(name, x, y[order], before, fitted, owner=order) == same(name, value)


# A seed deals which items stand in a pool by which side, by their place: another order is another pool.
RANKINGS = [name for name in NAMES if name.startswith(("recall", "map")) and "pooled" not in name]


@pytest.mark.parametrize("name", RANKINGS)
@given_seed
@few
def test_ties_are_the_same_for_every_order(name, seed):
    # Few directions, so that most rows are level with others; several targets an item.
    rng = np.random.default_rng(seed)
    x, y = (rng.choice([-1.0, 1.0], (size, D)) for size in (N, 2 * N))
    owner, order, targets = rng.permutation(np.arange(2 * N) % N), rng.permutation(N), rng.permutation(2 * N)
    value = call(name, x, y, None, None, owner=owner)
    exactly = pytest.approx(value, rel=1e-12)
    assert call(name, x, y[targets], None, None, owner=owner[targets]) == exactly
    assert call(name, x[order], y, None, None, owner=np.argsort(order)[owner]) == exactly


@pytest.mark.parametrize("name", [name for name in NAMES if name not in AXES])
@given_seed
@few
def test_the_axes(name, seed):
    sides = clouds(seed)
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((D, D)))[0]
    assert call(name, *(side @ turn for side in sides)) == same(name, call(name, *sides))


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-9, 0.01, 3.0, 1e9]))
@few
def test_the_unit(name, seed, scale):
    sides = clouds(seed)
    unit = scale ** POWER.get(name, 0)
    assert call(name, *(scale * side for side in sides)) == same(name, unit * call(name, *sides), unit)


@pytest.mark.parametrize("name", sorted(SHIFTED))
@given_seed
@few
def test_an_offset(name, seed):
    x, y, before, fitted = clouds(seed)
    shift = np.random.default_rng(seed).uniform(-3, 3, D)
    value = call(name, x, y, before, fitted)
    assert call(name, x + shift, y + shift, before + shift, fitted) == same(name, value)
    if name in ONE_SIDED:
        assert call(name, x + shift, y, before, fitted) == same(name, value)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {"map@10", "hubness", *SEEDED} - POOLED and "recall@" not in name]
)
@given_seed
@few
def test_a_caption_said_twice(name, seed):
    # Clips are the unit: copies of all targets change nothing.
    x, y, before, fitted = clouds(seed)
    owner = np.tile(np.arange(N), 2)
    value = call(name, x, y, before, fitted)
    assert call(name, x, np.concatenate([y, y]), before, fitted, owner=owner) == (
        pytest.approx(value, rel=0.05, abs=2e-4) if name in WIDTH else same(name, value)
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name not in AXES | SEEDED])
@given_seed
@few
def test_columns_that_say_nothing(name, seed):
    sides = clouds(seed)
    # Zeros beside the columns move no distance and no direction.
    wide = [np.hstack([side, np.zeros((len(side), 2))]) for side in sides]
    assert call(name, *wide) == same(name, call(name, *sides))
