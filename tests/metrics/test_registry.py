import math
from importlib.metadata import EntryPoint

import pytest

import gapkit.registry
from gapkit.errors import InputError
from gapkit.metrics import METRICS, metric_names
from gapkit.metrics.registry import _Metrics, register_metric, takes_owner

NAMES = [
    "cosine",
    "centroid-distance",
    "mmd",
    "mmd-multi",
    "separability",
    "separability-auc",
    "rmg",
    "share-risen",
    "residual-cosine",
    "residual-mmd",
    "residual-separability",
    "recall@1",
    "recall@5",
    "recall@10",
    "map@10",
    "unpaired-cosine",
    "cosine-margin",
    "effective-rank",
    "mmd-imq",
    "mmd-linear",
    "mmd-rff",
    "frechet",
    "sliced-wasserstein",
    "energy-distance",
    "sinkhorn-divergence",
    "residual-frechet",
    "residual-sliced-wasserstein",
    "residual-energy-distance",
    "residual-l2i",
    "residual-rmg",
    "residual-mmd-multi",
    "residual-mmd-imq",
    "residual-sinkhorn-divergence",
    "residual-knn-mixing",
    "residual-knn-cross-share",
    "residual-c2st-mlp",
    "recall-back@1",
    "recall-back@5",
    "recall-back@10",
    "map-back@10",
    "recall-pooled@1",
    "recall-pooled@5",
    "recall-pooled@10",
    "ndcg-pooled@10",
    "zero-shot-accuracy",
    "flip-int8@1",
    "flip-binary@1",
    "flip-noise@1",
    "cluster-ari",
    "cluster-nmi",
    "cluster-ari-ward",
    "cluster-nmi-ward",
    "l2i",
    "alignment",
    "knn-mixing",
    "knn-cross-share",
    "c2st-knn",
    "c2st-mlp",
    "separability-margin",
    "gap-length",
    "gap-consistency",
    "gap-orthogonality",
    "uniformity-pooled",
    "mutual-knn",
    "mutual-knn-calibrated",
    "mutual-knn-kept",
    "cka",
    "cka-debiased",
    "cka-calibrated",
    "cka-rbf",
    "cka-kept",
    "cknna",
    "procrustes-distance",
    "uniformity",
    "hubness",
    "variance-ratio",
    "prdc-precision",
    "prdc-recall",
    "prdc-density",
    "prdc-coverage",
    "memorisation",
]

NO_DIRECTION = {"unpaired-cosine", "gap-orthogonality", "variance-ratio", "memorisation"}


def test_the_built_in_names_in_table_order():
    assert [name for name in metric_names() if METRICS.origin(name) == "gapkit"] == NAMES
    assert 9 <= len(metric_names(default=True)) <= 13


@pytest.mark.parametrize("name", NAMES)
def test_records_are_complete(name):
    m = METRICS.get(name)
    assert m.name == name
    assert m.group in {"closure", "residual closure", "preservation"}
    assert m.range[0] < m.range[1]
    assert m.best is None or m.range[0] <= m.best <= m.range[1]
    assert m.definition.endswith(".")
    assert "\n" not in m.definition
    assert takes_owner(m.function)
    assert math.isfinite(m.scale)
    assert (m.better == "none") == (name in NO_DIRECTION)


def test_a_name_that_is_taken():
    with pytest.raises(InputError, match="registered twice"):

        @register_metric("cosine", group="closure", better="higher")
        def mine(source, target):
            return 0.0


def test_an_entry_point_that_nobody_described_is_left_out_with_a_warning(monkeypatch):
    point = EntryPoint(name="square-root", value="math:sqrt", group="gapkit.metrics")
    monkeypatch.setattr(gapkit.registry, "entry_points", lambda group: [point])
    metrics = _Metrics("metric", "gapkit.metrics", "gapkit.metrics")
    with pytest.warns(RuntimeWarning, match=r"square-root.*register_metric"):
        assert "square-root" not in metrics.names()
