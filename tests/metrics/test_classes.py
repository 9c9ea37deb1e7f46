"""Metrics of classes: which items count, what a class is called by, and what is told where classes are missing."""

import math

import numpy as np
import pytest

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.metrics import METRICS, cluster_agreement, measure, zero_shot_accuracy

NAMES = ("zero-shot-accuracy", "cluster-ari", "cluster-nmi", "cluster-ari-ward", "cluster-nmi-ward")
RNG = np.random.default_rng(0)
CLASS = np.repeat(np.arange(4), 10)
CENTRE = 5 * np.eye(4)[CLASS]
X, Y = (CENTRE + 0.3 * RNG.standard_normal((40, 4)) for _ in range(2))


def of(name, labels, x=X, y=Y):
    return METRICS.get(name).function(x, y, labels=labels)


@pytest.mark.parametrize("name", NAMES)
def test_classes_that_are_apart_are_found_whatever_they_are_called(name):
    assert of(name, CLASS) == of(name, np.array(list("zcab"))[CLASS]) == 1
    assert of(name, RNG.permutation(CLASS)) < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_parts_every_class(name):
    assert of(name, CLASS, x=X + 20 * np.eye(4)[0]) < (0.3 if name == "zero-shot-accuracy" else 0.9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("missing", ["", " ", None, math.nan])
def test_items_without_a_label_and_classes_of_one_item_are_left_aside(name, missing):
    labels = [missing if i % 5 == 0 else "alone" if i == 1 else f"class {c}" for i, c in enumerate(CLASS)]
    kept = [i for i, label in enumerate(labels) if str(label).startswith("class")]
    assert of(name, labels) == pytest.approx(of(name, CLASS[kept], X[kept], Y[kept]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["one"] * 40, r"at least 2 classes of 2 items or more, got 1 \(one\)$"),
        ([""] * 40, "got 0; 40 of 40 items have no label"),
        (["a"] * 20 + [""] * 20, r"got 1 \(a\); 20 of 40 items have no label"),
        (list(range(40)), "got 0$"),
        (["a", "b"], r"labels: expected one an item \(40\), got 2"),
    ],
)
def test_too_few_classes_are_told_in_one_line(name, labels, said):
    with pytest.raises(InputError, match=said):
        of(name, labels)


def test_the_own_targets_are_no_text_of_a_class():
    # Each target is its own source; without it the class lies elsewhere.
    x = np.array([[1, 0.0], [0, 1], [1, 0.1], [0.1, 1]])
    assert zero_shot_accuracy(x, x, labels=list("aabb")) == 0


def test_equal_texts_have_chance():
    assert zero_shot_accuracy(X, np.ones_like(Y), labels=CLASS) == pytest.approx(1 / 4)


def test_pairs_bring_their_labels_and_the_interval_is_over_items():
    labels = np.where(np.arange(40) % 5 == 0, "", CLASS.astype(str))
    x = X + 2 * RNG.standard_normal(X.shape)
    found = measure(PairedEmbeddings(x, Y, labels=labels), metrics=list(NAMES), n_resamples=200)
    assert set(found) == set(NAMES)
    estimate = found["zero-shot-accuracy"]
    assert estimate.value == pytest.approx(zero_shot_accuracy(x, Y, labels=labels))
    # Of 32 items that count: the standard error of their share.
    error = np.sqrt(estimate.value * (1 - estimate.value) / 32)
    assert estimate.draws.std() == pytest.approx(error, rel=0.25)
    assert len(found["cluster-ari"].draws) == 0
    assert measure(X, Y, metrics=["cluster-ari"]).left_out == {"cluster-ari": "needs labels"}


def test_an_unknown_score_or_method():
    with pytest.raises(InputError, match="score: expected one of ari, nmi"):
        cluster_agreement(X, Y, labels=CLASS, score="f1")
    with pytest.raises(InputError, match="method: expected one of kmeans, ward"):
        cluster_agreement(X, Y, labels=CLASS, method="single")
