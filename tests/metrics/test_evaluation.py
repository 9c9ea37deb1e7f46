import dataclasses

import numpy as np
import pytest
import torch

from gapkit.metrics import METRICS, Reference, measure, metric_names, register_metric
from gapkit.metrics import pair as pairs
from gapkit.statistics import paired_difference

SPECIAL = {
    "l2i", "alignment", "knn-mixing", "knn-cross-share", "c2st-knn", "c2st-mlp", "residual-c2st-mlp",
    "residual-l2i", "separability-margin", "gap-length", "gap-consistency", "gap-orthogonality",
    "uniformity-pooled", "mutual-knn", "mutual-knn-calibrated", "mutual-knn-kept", "cka", "cka-debiased",
    "cka-calibrated", "cka-kept", "cknna", "procrustes-distance", "uniformity", "hubness", "variance-ratio",
    "prdc-precision", "prdc-recall", "prdc-density", "prdc-coverage", "memorisation", "cka-rbf",
    "residual-mmd-multi", "residual-mmd-imq", "residual-sinkhorn-divergence", "residual-knn-mixing",
    "residual-knn-cross-share", "residual-rmg", "flip-int8@1", "flip-binary@1", "flip-noise@1",
}  # fmt: skip
CORE = [name for name in metric_names() if name not in SPECIAL and not METRICS.get(name).needs]
"""Without those that have no draws or need more than two clouds: test_structure_rows.py."""

PAIRED_ONLY = {"cosine", "cosine-margin", "rmg", "residual-cosine", "recall@1", "recall@5", "recall@10", "map@10"}
PAIRED_ONLY |= {"recall-back@1", "recall-back@5", "recall-back@10", "map-back@10"}
PAIRED_ONLY |= {"flip-int8@1", "flip-binary@1", "flip-noise@1"}
PAIRED_ONLY |= {"recall-pooled@1", "recall-pooled@5", "recall-pooled@10", "ndcg-pooled@10"}


@pytest.mark.parametrize("kind", ["single", "several"])
def test_values_are_those_of_the_functions(kind, request):
    p = request.getfixturevalue(kind)
    estimates = measure(p.source, Reference.from_target(p.target, owner=p.owner, n_resamples=50), CORE)
    assert list(estimates) == CORE
    for name, estimate in estimates.items():
        alone = METRICS.get(name).function(p.source, p.target, owner=p.owner)
        assert estimate.value == pytest.approx(alone, abs=1e-7, rel=2e-6), name
        assert estimate.draws.shape == (50,)
        assert estimate.low <= estimate.high
        assert estimate.n == len(p.source)
        low, high = METRICS.get(name).range
        assert low <= estimate.value <= high


@pytest.mark.parametrize("paired", [True, False])
def test_scaled_rows_give_the_kernel_of_directions_in_the_pass_of_the_others(several, paired, monkeypatch):
    p, names = several, ["mmd", "uniformity", "uniformity-pooled"]
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (p.source, p.target))
    passes = []
    inside = pairs.clip_sums
    monkeypatch.setattr(pairs, "clip_sums", lambda *a, **k: passes.append(len(a[2])) or inside(*a, **k))
    together = measure(p.source, p.target, names, owner=p.owner, paired=paired, n_resamples=30, normalise=True)
    assert passes == [2, 2, 2]  # inside the source, inside the target, across
    apart = measure(x, y, names, owner=p.owner, paired=paired, n_resamples=30)
    assert list(together) == names
    for name, e in together.items():
        assert e.value == pytest.approx(apart[name].value, abs=1e-6)
        assert e.draws == pytest.approx(apart[name].draws, abs=1e-6)


def test_unpaired_values_are_those_of_the_functions(several):
    p = several
    x = np.concatenate([p.source, p.source + 0.1])[:41]
    estimates = measure(x, Reference.from_target(p.target, n_resamples=50), CORE, paired=False)
    assert set(estimates) == set(CORE) - PAIRED_ONLY
    # Means of distances of about 1 in float32, in two orders of the same kernels: some roundings of 6e-8 apart.
    for name, estimate in estimates.items():
        assert estimate.value == pytest.approx(METRICS.get(name).function(x, p.target), abs=4e-7), name
        assert estimate.draws.shape == (50,)
        assert estimate.n == 41


@pytest.mark.parametrize("paired", [True, False])
def test_draws_lie_around_the_value(single, paired):
    # Copies of a clip inside a resample would push kernels and norms up; nothing here may drift by more than a
    # tenth of the interval.
    reference = Reference.from_target(single.target, n_resamples=4000)
    for name, e in measure(single.source, reference, CORE, paired=paired).items():
        assert abs(np.mean(e.draws) - e.value) < 0.1 * (e.high - e.low) + 1e-9, name
        assert e.low <= e.value <= e.high, name


def test_copies_would_bias_the_interval(single):
    reference = Reference.from_target(single.target, n_resamples=500)
    e = measure(single.source, reference, metrics=["mmd"])["mmd"]
    w = reference.weights.numpy()
    x, y, n = single.source.astype(float), single.target.astype(float), 40
    kernel = [
        np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * reference.bandwidth**2))
        for a, b in ((x, x), (y, y), (x, y))
    ]
    h = kernel[0] + kernel[1] - kernel[2] - kernel[2].T
    naive = [(np.outer(r, r) * h).sum() - (r * np.diag(h)).sum() for r in w]
    assert np.mean(naive) / (n * (n - 1)) > e.value + 5 * abs(np.mean(e.draws) - e.value)


def test_rows_share_their_resamples(single):
    reference = Reference.from_target(single.target, n_resamples=400)
    names = ["cosine", "mmd", "centroid-distance"]
    a = measure(single.source, reference, metrics=names)
    b = measure(single.source * 0.99, reference, metrics=names)
    for name in names[1:]:
        apart = np.hypot(a[name].draws.std(), b[name].draws.std())
        assert (a[name].draws - b[name].draws).std() < 0.2 * apart
    assert paired_difference(a["mmd"].draws, b["mmd"].draws).p < 0.01


def test_the_same_seed_gives_the_same_numbers_and_torch_the_same_as_numpy(several):
    p = several

    def run(seed, kind):
        reference = Reference.from_target(kind(p.target), owner=kind(p.owner), seed=seed, n_resamples=40)
        return measure(kind(p.source), reference, CORE)

    a, b, t, other = run(3, np.asarray), run(3, np.asarray), run(3, torch.as_tensor), run(4, np.asarray)
    for name in a:
        assert a[name].value == b[name].value == t[name].value
        assert (a[name].draws == b[name].draws).all()
        assert (a[name].draws == t[name].draws).all()
    assert (a["cosine"].draws != other["cosine"].draws).any()


def test_one_metric_does_not_change_another(single):
    reference = Reference.from_target(single.target, n_resamples=20)
    together = measure(single.source, reference, CORE)
    for name in CORE:
        alone = measure(single.source, reference, metrics=[name])[name]
        assert alone.value == pytest.approx(together[name].value, abs=1e-9)
        assert alone.draws == pytest.approx(together[name].draws, abs=1e-6)


def test_collapse_is_measured_and_not_a_crash(several):
    p = several
    point = np.tile(p.target.mean(axis=0), (len(p.source), 1))
    estimates = measure(point, Reference.from_target(p.target, owner=p.owner, n_resamples=100), CORE)
    assert np.isnan(estimates["residual-cosine"].value)
    assert "all rows are the same" in estimates["residual-cosine"].why
    assert estimates["residual-cosine"].draws.size == 0
    for name, e in estimates.items():
        if name != "residual-cosine":
            assert np.isfinite([e.value, e.low, e.high]).all(), name
            assert e.why == ""
    assert estimates["effective-rank"].value == 0
    assert estimates["cosine-margin"].value == pytest.approx(0, abs=0.02)
    assert estimates["residual-mmd"].value > 0.05


def test_the_oracle_row(single):
    estimates = measure(single.target, Reference.from_target(single.target, n_resamples=100), CORE)
    ends = {"cosine": 1, "centroid-distance": 0, "mmd": 0, "mmd-multi": 0, "separability": 0.5, "separability-auc": 0.5}
    ends |= {"rmg": 0, "residual-cosine": 1, "residual-mmd": 0, "residual-separability": 0.5, "recall@1": 1}
    for name, end in ends.items():
        e = estimates[name]
        assert (e.value, e.low, e.high) == pytest.approx((end, end, end), abs=1e-6), name


def test_without_resamples_there_is_no_interval(single):
    for e in measure(single.source, Reference.from_target(single.target, n_resamples=0), CORE).values():
        assert np.isfinite(e.value)
        assert e.draws.size == 0
        assert np.isnan([e.low, e.high]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cosine", "mmd", "cosine-margin"])
def test_intervals_cover(name):
    def draw(rng, n):
        c = rng.standard_normal((n, 3))
        return c + 0.7 * rng.standard_normal((n, 3)) + 0.5, c + 0.7 * rng.standard_normal((n, 3))

    rng = np.random.default_rng(0)
    base = Reference.from_target(draw(rng, 400)[1], n_resamples=0)

    def reference(y, resamples, seed):
        made = Reference.from_target(y, n_resamples=resamples, seed=seed)
        return dataclasses.replace(made, bandwidth=base.bandwidth)

    x, y = draw(rng, 6000)
    truth = measure(x, reference(y, 0, 0), metrics=[name])[name].value
    covered = 0
    for seed in range(200):
        x, y = draw(rng, 80)
        e = measure(x, reference(y, 300, seed), metrics=[name])[name]
        covered += e.low <= truth <= e.high
    assert 0.90 <= covered / 200 <= 0.98


@pytest.fixture
def plugin():
    """Register metrics for one test only."""
    metric_names()
    before = dict(METRICS._items)
    yield register_metric
    METRICS._items.clear()
    METRICS._items.update(before)


def test_a_metric_of_ones_own(plugin, several):
    @plugin("largest-product", group="closure", better="higher")
    def largest_product(source, target):
        """Largest product of a pair."""
        return float((source * target).sum(axis=1).max())

    @plugin("mean-product", group="closure", better="higher", cost="n^2 d")
    def mean_product(source, target, *, owner=None):
        """Mean product."""
        return float((source[owner] * target).sum(axis=1).mean())

    p = several
    reference = Reference.from_target(p.target, owner=p.owner, n_resamples=300)
    estimates = measure(p.source, reference, ["largest-product", "mean-product"])
    products = (p.source[p.owner] * p.target).sum(axis=1)
    assert estimates["largest-product"].value == pytest.approx(products.max())
    assert estimates["largest-product"].draws.shape == (200,)
    assert estimates["largest-product"].high == pytest.approx(products.max())
    assert estimates["mean-product"].value == pytest.approx(products.mean(), rel=1e-5)
    assert estimates["mean-product"].draws.size == 0
    assert METRICS.get("largest-product").definition == "Largest product of a pair."


@pytest.mark.parametrize("needs", [(), ("original", "fitted")])
def test_what_a_plugin_does_to_its_arrays_stays_with_it(plugin, single, needs):
    @plugin("centres-in-place", group="closure", better="higher", needs=needs)
    def centres_in_place(source, target, *, owner, **others):
        """Writes to all that it is given."""
        for values in (source, target, owner, *others.values()):
            values -= values.max(axis=0)
        return 0.0

    x, y = single.source.astype(np.float32), single.target.astype(np.float32)
    original, fitted = x + 1, y + 1
    given = [v.copy() for v in (x, y, original, fitted)]
    options = {"original": original, "fitted": fitted, "n_resamples": 3}
    alone = measure(x, y, ["cosine"], **options)["cosine"].value
    assert measure(x, y, ["centres-in-place", "cosine"], **options)["cosine"].value == alone
    for before, after in zip(given, (x, y, original, fitted), strict=True):
        np.testing.assert_array_equal(before, after)


def test_generic_draws_agree_with_the_built_in_ones(plugin, single):
    @plugin("own-cosine", group="closure", better="higher")
    def own_cosine(source, target):
        """Cosine again."""
        x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (source, target))
        return float((x * y).sum(axis=1).mean())

    estimates = measure(single.source, Reference.from_target(single.target), metrics=["cosine", "own-cosine"])
    assert estimates["own-cosine"].draws == pytest.approx(estimates["cosine"].draws[:200], abs=1e-5)


def test_an_unknown_group_is_refused(plugin):
    with pytest.raises(ValueError, match="group"):
        plugin("odd", group="fashion", better="higher")
    with pytest.raises(ValueError, match="better"):
        plugin("odd", group="closure", better="up")
