"""Every metric of the registry on input at its limits: a number in its range, or one line that says what is missing."""

import re

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import METRICS, Reference, measure, metric_names

CLASSED = ("zero-shot-accuracy", "cluster-ari", "cluster-nmi", "cluster-ari-ward", "cluster-nmi-ward")
NAMES = [name for name in metric_names() if METRICS.origin(name) == "gapkit"]
N, D = 210, 4
RNG = np.random.default_rng(3)
X, Y, BEFORE = (RNG.standard_normal((N, D)).astype(np.float32) for _ in range(3))
FITTED = RNG.standard_normal((50, D)).astype(np.float32)
FLAT = np.array([1, 1, 0, 1], dtype=np.float32)
ZERO = np.where(np.arange(N)[:, None] == 3, np.float32(0), X)
ONE = np.ones_like(X)

HARD = {
    "equal sides": (Y, Y.copy()),
    "constant column": (X * FLAT + 2 * (1 - FLAT), Y * FLAT + 2 * (1 - FLAT)),
    "constant column of the source": (X * FLAT + 2, Y),
    "nearly collapsed": (1 + np.float32(1e-5) * X, 1 + np.float32(1e-5) * Y),
    "nearly collapsed source": (1 + np.float32(1e-5) * X, Y),
    "collapsed source": (ONE, Y),
    "collapsed target": (X, ONE),
    "all one point": (ONE, ONE.copy()),
    "two points": (np.eye(D, dtype=np.float32)[np.arange(N) % 2], Y),
    "huge norms": (X * np.float32(1e30), Y * np.float32(1e30)),
    "tiny norms": (X * np.float32(1e-30), Y * np.float32(1e-30)),
    "far from zero": (X + 1e4, Y + 1e4),
    "float16": (X.astype(np.float16), Y.astype(np.float16)),
    "largest float16": tuple(np.sign(v).astype(np.float16) * np.float16(65504) for v in (X, Y)),
    "a zero row": (ZERO, Y),
    "more dimensions than clips": (np.hstack([X] * 60), np.hstack([Y] * 60)),
    "one column": (X[:, :1], Y[:, :1]),
}

DIRECTIONS = {
    "cosine", "unpaired-cosine", "cosine-margin", "rmg", "share-risen", "alignment", "uniformity", "uniformity-pooled",
    "gap-length", "gap-consistency", "gap-orthogonality", "mutual-knn", "mutual-knn-calibrated", "mutual-knn-kept",
    "cknna", "hubness", "recall@1", "recall@5", "recall@10", "map@10", "memorisation",
    "recall-back@1", "recall-back@5", "recall-back@10", "map-back@10",
    "recall-pooled@1", "recall-pooled@5", "recall-pooled@10", "ndcg-pooled@10",
    *CLASSED, "flip-int8@1", "flip-binary@1", "flip-noise@1",
}  # fmt: skip
"""A row of length zero has no direction."""

NO_WIDTH = {
    "mmd", "mmd-multi", "mmd-imq", "mmd-rff", "sinkhorn-divergence", "variance-ratio", "residual-mmd",
    "residual-mmd-multi", "residual-mmd-imq", "residual-sinkhorn-divergence",
}  # fmt: skip
"""Measure in units of the target's spread."""

UNDEFINED = {
    "collapsed source": {"residual-cosine", "residual-rmg"},
    "collapsed target": {*NO_WIDTH, "residual-cosine", "residual-rmg"},
    "all one point": {
        *NO_WIDTH,
        "residual-cosine",
        "residual-rmg",
        "gap-length",
        "gap-consistency",
        "gap-orthogonality",
    },
    "a zero row": DIRECTIONS,
    "more dimensions than clips": {"frechet", "residual-frechet"},
}


def call(name, x, y, **options):
    metric = METRICS.get(name)
    known = {"original": np.resize(BEFORE, x.shape), "fitted": np.resize(FITTED, (50, x.shape[1]))}
    known["labels"] = np.arange(len(x)) % 2
    if name.endswith("c2st-mlp"):
        options["rounds"] = 1
    return metric.function(x, y, **options, **{need: known[need] for need in metric.needs})


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("name", NAMES)
def test_a_value_or_one_line(name, kind):
    x, y = HARD[kind]
    if name in UNDEFINED.get(kind, ()):
        with pytest.raises(InputError, match=r"expected|same") as caught:
            call(name, x, y)
        assert "\n" not in str(caught.value)
        return
    value = call(name, x, y)
    low, high = METRICS.get(name).range
    assert np.isfinite(value)
    assert low - 1e-6 <= value <= high + 1e-6


@pytest.mark.parametrize("kind", HARD)
def test_measured_together(kind):
    x, y = HARD[kind]
    known = {"original": np.resize(BEFORE, x.shape), "fitted": np.resize(FITTED, (50, x.shape[1]))}
    names = [name for name in NAMES if not name.endswith("c2st-mlp")]
    if kind in ("collapsed target", "all one point"):
        # No width to fix: there is no reference.
        with pytest.raises(InputError, match="target"):
            Reference.from_target(y, fitted=known["fitted"], n_resamples=20)
        return
    found = measure(
        x, Reference.from_target(y, fitted=known["fitted"], n_resamples=20), names, original=known["original"]
    )
    for name, e in found.items():
        if name in UNDEFINED.get(kind, ()):
            assert np.isnan([e.value, e.low, e.high]).all(), name
            assert e.why
            assert "\n" not in e.why
        else:
            assert np.isfinite(e.value), (name, e.why)
            assert np.isfinite(e.draws).all(), name
            assert e.why == ""


@pytest.mark.parametrize("name", NAMES)
def test_identical_sides_are_the_best_there_is(name):
    # Whatever a metric calls best, equal sides reach it, or say what chance leaves.
    metric = METRICS.get(name)
    extra = {"original": Y, "fitted": Y, "labels": np.arange(len(Y)) % 2}
    options = {"rounds": 1} if name.endswith("c2st-mlp") else {}
    value = metric.function(Y, Y.copy(), **options, **{need: extra[need] for need in metric.needs})
    # A margin takes the cosine of strangers away; balls of 5 neighbours do not reach everyone; nothing rose; classes
    # that were dealt out are no clusters; signs and noise change answers of equal sides too.
    others = {
        "cosine-margin",
        "prdc-precision",
        "prdc-recall",
        "share-risen",
        "flip-binary@1",
        "flip-noise@1",
        *CLASSED,
    }
    if name not in others and metric.best is not None:
        assert value == pytest.approx(metric.best, abs=1e-5)


LEAST = {
    "cosine": 1, "l2i": 1, "alignment": 1, "centroid-distance": 1, "share-risen": 1,
    "residual-knn-mixing": 19, "residual-knn-cross-share": 19, "gap-length": 200,
    "residual-mmd": 4, "residual-mmd-multi": 4, "residual-mmd-imq": 4, "residual-energy-distance": 4,
    "residual-rmg": 4,
    "gap-consistency": 200, "gap-orthogonality": 200,
    "mutual-knn": 11, "mutual-knn-calibrated": 11, "mutual-knn-kept": 11, "cknna": 11,
    "knn-mixing": 16, "knn-cross-share": 16, "c2st-knn": 16, "hubness": 10,
    "prdc-precision": 6, "prdc-recall": 6, "prdc-density": 6, "prdc-coverage": 6,
    "frechet": D + 1, "residual-frechet": D + 1, "cka-debiased": 4, **dict.fromkeys(CLASSED, 4),
}  # fmt: skip
"""Clips that a metric needs, where that is not 2."""


@pytest.mark.parametrize("name", NAMES)
def test_one_clip_fewer_than_a_metric_needs(name):
    least = LEAST.get(name, 2)
    assert np.isfinite(call(name, X[:least], Y[:least]))
    if least > 1:
        with pytest.raises(InputError, match=r"expected|needs") as caught:
            call(name, X[: least - 1], Y[: least - 1])
        # What, how many, and how many there are.
        assert "\n" not in str(caught.value)
        assert re.search(r"got \d+", str(caught.value))


@pytest.mark.parametrize("name", NAMES)
def test_a_bandwidth_of_zero_is_refused_where_there_is_one(name):
    function = METRICS.get(name).function
    if name in {"mmd", "mmd-imq", "residual-mmd", "sinkhorn-divergence"}:
        for width in (0.0, -1.0, np.nan, np.inf):
            with pytest.raises(InputError, match=r"bandwidth: expected .*positive"):
                function(X, Y, bandwidth=width)
    else:
        with pytest.raises(TypeError, match="bandwidth"):
            function(X, Y, bandwidth=0.0)
