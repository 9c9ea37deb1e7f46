from importlib import import_module

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import Reference, cknna, measure, mutual_knn, mutual_knn_kept
from gapkit.metrics.calibration import mutual_knn_calibrated


def unit(v):
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def clip_rows(target, owner):
    y = unit(target.astype(float))
    return unit(np.array([y[owner == c].mean(0) for c in range(owner.max() + 1)]))


def nearest(rows, k):
    sim = rows @ rows.T
    np.fill_diagonal(sim, -np.inf)
    return np.argsort(-sim, axis=1)[:, :k]


def by_sets(a, b, k):
    return np.mean([len(set(i) & set(j)) / k for i, j in zip(nearest(a, k), nearest(b, k), strict=True)])


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("k", [1, 5, 20])
def test_sets_as_oracle(kind, k, request):
    p = request.getfixturevalue(kind)
    expected = by_sets(unit(p.source.astype(float)), clip_rows(p.target, p.owner), k)
    assert mutual_knn(p.source, p.target, owner=p.owner, k=k) == pytest.approx(expected, abs=1e-9)
    chance = k / (len(p.source) - 1)
    calibrated = mutual_knn_calibrated(p.source, p.target, owner=p.owner, k=k)
    assert calibrated == pytest.approx((expected - chance) / (1 - chance), abs=1e-9)


def test_kept(single):
    x, rng = single.source, np.random.default_rng(0)
    moved = x + 0.5 * rng.standard_normal(x.shape)
    q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    assert mutual_knn_kept(x, original=x) == 1.0
    assert mutual_knn_kept(3 * x @ q, original=x) == pytest.approx(1.0)
    expected = by_sets(unit(moved), unit(x.astype(float)), 10)
    assert mutual_knn_kept(moved, single.target, original=x, owner=single.owner) == pytest.approx(expected, abs=1e-9)
    with pytest.raises(InputError, match=r"original: expected one row .*40.*39"):
        mutual_knn_kept(x, original=x[1:])
    with pytest.raises(InputError, match="original"):
        mutual_knn_kept(x, original=x[:, 1:])


def test_ties_agree_by_chance_only():
    rng = np.random.default_rng(1)
    spread, point = rng.standard_normal((101, 5)), np.ones((101, 5))
    for a, b in ((point, spread), (spread, point), (point, point), (point * 1e20, 2 * point)):
        assert mutual_knn(a, b) == pytest.approx(0.1)
        assert mutual_knn_calibrated(a, b) == pytest.approx(0)
        assert mutual_knn_kept(a, original=b) == pytest.approx(0.1)
    # Two points a side, the halves unrelated: a neighbour is a random clip of one's own half.
    halves = [np.eye(2)[rng.permutation(400) % 2] for _ in range(2)]
    assert mutual_knn(*halves, k=10) == pytest.approx(10 / 400, abs=0.01)
    # Nothing moved, duplicates included: all is kept.
    assert mutual_knn_kept(halves[0], original=halves[0]) == 1.0


def test_unrelated_clouds_are_at_chance():
    x, y = np.random.default_rng(2).standard_normal((2, 500, 30))
    assert mutual_knn(x, y) == pytest.approx(10 / 499, abs=0.01)
    assert mutual_knn_calibrated(x, y) == pytest.approx(0, abs=0.01)


def test_too_few_clips(single):
    assert mutual_knn(single.source, single.target, k=39) == 1.0
    for function in (mutual_knn, mutual_knn_calibrated, cknna):
        with pytest.raises(InputError, match="more than 40 clips, got 40"):
            function(single.source, single.target, k=40)
    with pytest.raises(InputError, match="more than 10 clips"):
        mutual_knn_kept(single.source[:10], original=single.source[:10])
    with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
        mutual_knn(single.source, single.target, k=0)


def test_one_search_a_side_serves_all(single, monkeypatch):
    module, searched = import_module("gapkit.metrics.mutual_knn"), []
    search = module.search

    def counted(queries, gallery, k, **options):
        searched.append(k)
        return search(queries, gallery, k, **options)

    monkeypatch.setattr(module, "search", counted)
    names = ["mutual-knn", "mutual-knn-calibrated", "mutual-knn-kept", "cknna", "prdc-precision", "prdc-density"]
    reference = Reference.from_target(single.target, n_resamples=2, normalise=True)
    measure(single.source + 1, reference, names, original=single.source)
    assert searched == [10, 10, 10]  # source, target, and the source before it was moved
    measure(single.source + 2, reference, names, original=single.source)
    assert searched == [10, 10, 10, 10]
