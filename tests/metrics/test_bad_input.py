import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import METRICS, Reference, measure, metric_names

MOVED = ("mutual-knn-kept", "cka-kept")
"""Compare the source with itself before it was moved: the target is not looked at."""

X = np.random.default_rng(0).standard_normal((6, 3))
HOLE = np.where(np.arange(18).reshape(6, 3) == 4, np.nan, X)
WITH_TARGET = [name for name in metric_names() if name not in ("effective-rank", *MOVED)]


def call(name, source, target, **options):
    """The metric with all that it needs."""
    metric = METRICS.get(name)
    return metric.function(
        source, target, **options, **{need: "aabbcc" if need == "labels" else X for need in metric.needs}
    )


@pytest.mark.parametrize("name", metric_names())
@pytest.mark.parametrize("x", [HOLE, X * np.inf, X[0], np.empty((0, 3)), [["a"]], X.astype(complex)])
def test_a_source_that_cannot_be_used(name, x):
    with pytest.raises(InputError, match="source") as caught, np.errstate(invalid="ignore"):
        call(name, x, X)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WITH_TARGET)
@pytest.mark.parametrize("y", [HOLE, X[:, :2], X[0]])
def test_a_target_that_cannot_be_used(name, y):
    with pytest.raises(InputError, match="target"):
        call(name, X, y)


@pytest.mark.parametrize("name", WITH_TARGET)
@pytest.mark.parametrize("owner", [[0, 1, 2, 3, 4, 6], [0, 1, 2, 3, 4, 4], [-1, 1, 2, 3, 4, 5], [0, 1], np.ones(6)])
def test_an_owner_that_does_not_fit(name, owner):
    with pytest.raises(InputError, match="owner"):
        call(name, X, X, owner=owner)


@pytest.mark.parametrize("name", [n for n in metric_names() if METRICS.get(n).needs_pairs and n not in MOVED])
def test_pairs_that_do_not_match(name):
    with pytest.raises(InputError, match="owner"):
        call(name, X, X[:4])


@pytest.mark.parametrize(
    "name", [n for n in metric_names() if n not in {"cosine", "centroid-distance", "l2i", "alignment"}]
)
def test_one_clip_is_no_cloud(name):
    with pytest.raises(InputError, match="expected"):
        call(name, X[:1], X[:1])


@pytest.mark.parametrize("name", ["cosine", "unpaired-cosine", "cosine-margin", "rmg", "recall@1", "map@10"])
def test_a_zero_row_has_no_direction(name):
    x = X.copy()
    x[2] = 0
    with pytest.raises(InputError, match=r"source.*first: 2"):
        call(name, x, X)
    with pytest.raises(InputError, match=r"target.*first: 2"):
        call(name, X, x)


def test_reference_and_measure():
    for target in (HOLE, X[:1], np.ones((5, 3))):
        with pytest.raises(InputError, match="target"):
            Reference.from_target(target)
    reference = Reference.from_target(X, n_resamples=5)
    with pytest.raises(InputError, match="paired=False"):
        measure(X[:4], reference)
    with pytest.raises(InputError, match="features"):
        measure(X[:, :2], reference)
    with pytest.raises(InputError, match="did you mean mmd"):
        measure(X, reference, metrics=["mdm"])
    with pytest.raises(InputError, match="at least 2"):
        measure(X[:1], reference, paired=False)
