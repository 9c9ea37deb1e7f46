"""The measures of structure inside rows: values of the functions, honest draws, and input at its limits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gapkit.errors import InputError
from gapkit.metrics import METRICS, Reference, measure, metric_names, neighbourhood, neighbours
from gapkit.metrics.registry import takes_owner

STRUCTURE = [
    "l2i",
    "alignment",
    "knn-mixing",
    "knn-cross-share",
    "c2st-knn",
    "c2st-mlp",
    "residual-c2st-mlp",
    "residual-l2i",
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

NAMES = [name for name in STRUCTURE if name != "c2st-mlp" and not name.startswith("residual-")]
"""The network is slow and has tests of its own; the residuals have theirs in test_residual_of.py."""

BY_GROUPS = {"gap-length", "gap-consistency", "gap-orthogonality"}
"""Take 200 clips."""

NO_DRAWS = {
    "cka",
    "cka-debiased",
    "cka-calibrated",
    "cka-kept",
    "cknna",
    "procrustes-distance",
    "hubness",
    "prdc-coverage",
    *BY_GROUPS,
}


def pairs(n, d, counts, seed=0):
    rng = np.random.default_rng(seed)
    concept = rng.standard_normal((n, d))
    owner = np.repeat(np.arange(n), counts)
    x = concept + 0.6 * rng.standard_normal((n, d)) + 0.4
    y = 0.9 * concept[owner] + 0.5 * rng.standard_normal((len(owner), d))
    before, fitted = x + 0.5 * rng.standard_normal((n, d)), rng.standard_normal((90, d))
    return tuple(v.astype(np.float32) for v in (x, y, before, fitted)), owner


def call(name, x, y, before, fitted, **options):
    metric = METRICS.get(name)
    extra = {"original": before, "fitted": fitted, "labels": np.arange(len(x)) % 4}
    return metric.function(x, y, **options, **{need: extra[need] for need in metric.needs})


def test_the_network_inside_a_row(single):
    reference = Reference.from_target(single.target, n_resamples=30, seed=2)
    e = measure(single.source, reference, ["c2st-mlp"])["c2st-mlp"]
    assert e.value == pytest.approx(METRICS.get("c2st-mlp").function(single.source, single.target, seed=2))
    assert e.low <= e.value <= e.high
    assert e.draws.shape == (30,)


@pytest.mark.parametrize("paired", [True, False])
def test_draws_lie_around_the_value(paired):
    arrays, owner = pairs(60, 4, 2)
    x, y, before, fitted = arrays
    reference = Reference.from_target(y, owner=owner, n_resamples=3000, fitted=fitted)
    for name, e in measure(x, reference, NAMES, paired=paired, original=before).items():
        if name not in NO_DRAWS:
            assert abs(np.mean(e.draws) - e.value) < 0.1 * (e.high - e.low) + 1e-9, name
            assert e.low <= e.value <= e.high, name


def test_draws_weigh_clips(single):
    # The mean of the values that a metric gives each clip, written out for one resample.
    x, y = single.source, single.target
    reference = Reference.from_target(y, n_resamples=3)
    draws = measure(x, reference, ["l2i"])
    w = reference.weights[1].numpy()
    away = np.linalg.norm(x.astype(float) - y, axis=1)
    assert draws["l2i"].draws[1] == pytest.approx(w @ away / w.sum(), rel=1e-5)


def test_uniformity_draws_follow_the_resampled_kernel():
    arrays, owner = pairs(200, 4, 2)
    reference = Reference.from_target(arrays[1], owner=owner, n_resamples=300)
    names = ["uniformity", "uniformity-pooled"]
    estimates = measure(arrays[0], reference, names)
    x = arrays[0].astype(float) / np.linalg.norm(arrays[0], axis=1, keepdims=True)
    kernel = np.exp(-2 * ((x[:, None] - x[None]) ** 2).sum(-1))
    np.fill_diagonal(kernel, 0)
    w = reference.weights.double().numpy()
    exact = np.log(((w @ kernel) * w).sum(1) / (200**2 - (w**2).sum(1)))
    assert np.corrcoef(exact, estimates["uniformity"].draws)[0, 1] > 0.95
    assert exact.std() == pytest.approx(estimates["uniformity"].draws.std(), rel=0.1)
    assert np.ptp(estimates["uniformity-pooled"].draws) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "several"), [("knn-mixing", 1), ("knn-mixing", 2), ("mutual-knn", 1), ("c2st-knn", 1)]
)
def test_intervals_cover(name, several):
    # The mean over many samples of this size, which is what the interval is about.
    estimates = []
    for seed in range(120):
        (x, y, _, _), owner = pairs(100, 6, several, seed=seed)
        reference = Reference.from_target(y, owner=owner, n_resamples=200, seed=seed)
        estimates.append(measure(x, reference, [name])[name])
    truth = np.mean([e.value for e in estimates])
    assert np.mean([e.low <= truth <= e.high for e in estimates]) >= 0.85
    widths = [(e.high - e.low) / 3.92 for e in estimates]
    assert 0.75 < np.mean(widths) / np.std([e.value for e in estimates]) < 1.6


def test_intervals_of_few_clips_stay_in_the_range():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((5, 16))
        found = measure(x, x + rng.standard_normal((5, 16)), ["uniformity", "uniformity-pooled"], n_resamples=500)
        for name, estimate in found.items():
            low, high = METRICS.get(name).range
            assert low <= estimate.low <= estimate.value <= estimate.high <= high


def test_rows_share_what_they_need(monkeypatch):
    arrays, owner = pairs(60, 4, 1)
    x, y, before, _ = arrays
    searches = []

    def counted(queries, gallery, k, **options):
        searches.append((len(queries), len(gallery)))
        return neighbours.search(queries, gallery, k, **options)

    monkeypatch.setattr(neighbourhood, "search", counted)
    reference = Reference.from_target(y, owner=owner, n_resamples=2)
    names = ["knn-mixing", "knn-cross-share", "c2st-knn", *(name for name in NAMES if name.startswith("prdc"))]
    measure(x, reference, names)
    assert sorted(searches) == [(60, 60), (60, 60), (120, 120)]  # balls of both sides, and the pooled set
    searches.clear()
    measure(before, reference, names)
    assert sorted(searches) == [(60, 60), (120, 120)]  # the targets' balls are known


def test_one_metric_does_not_change_another_and_seeds_repeat():
    x, y, before, fitted = pairs(210, 4, 1)[0]

    def run(names, kind=np.asarray):
        reference = Reference.from_target(kind(y), n_resamples=10, fitted=kind(fitted))
        return measure(kind(x), reference, names, original=kind(before))

    together, again = run(NAMES), run(NAMES, torch.as_tensor)
    for name in NAMES:
        assert together[name].value == again[name].value
        assert (together[name].draws == again[name].draws).all()
        alone = run([name])[name]
        assert alone.value == pytest.approx(together[name].value, abs=1e-9)


def test_collapse_is_measured_and_not_a_crash():
    arrays, owner = pairs(210, 5, 2)
    _, y, before, fitted = arrays
    point = np.tile(y.mean(axis=0), (210, 1))
    reference = Reference.from_target(y, owner=owner, n_resamples=20, fitted=fitted)
    estimates = measure(point, reference, [*NAMES, "cka-rbf"], original=before)
    for name, e in estimates.items():
        assert np.isfinite(e.value), (name, e.why)
    expected = {
        "mutual-knn": 10 / 209,
        "mutual-knn-kept": 10 / 209,
        "mutual-knn-calibrated": 0,
        "cka": 0,
        "cka-debiased": 0,
        "cka-calibrated": 0,
        "cka-rbf": 0,
        "cka-kept": 0,
        "cknna": 0,
        "procrustes-distance": 1,
        "uniformity": 0,
        "variance-ratio": 0,
        "prdc-recall": 0,
    }
    for name, value in expected.items():
        assert estimates[name].value == pytest.approx(value, abs=1e-6), name
    assert estimates["hubness"].value > 4
    assert estimates["knn-mixing"].value < 1.6


def test_the_oracle_row():
    arrays, _ = pairs(210, 5, 1)
    _, y, _, fitted = arrays
    estimates = measure(y, Reference.from_target(y, n_resamples=20, fitted=fitted), NAMES, original=y)
    ends = dict.fromkeys(("l2i", "alignment", "separability-margin", "procrustes-distance", "memorisation"), 0)
    ends |= dict.fromkeys(BY_GROUPS, 0)
    ends |= dict.fromkeys(("mutual-knn", "mutual-knn-calibrated", "mutual-knn-kept", "cka", "cka-debiased"), 1)
    ends |= dict.fromkeys(("cka-calibrated", "cka-kept", "cknna", "variance-ratio", "prdc-density", "prdc-coverage"), 1)
    ends |= {"knn-mixing": 2, "knn-cross-share": 0.5, "c2st-knn": 0.5}
    for name, end in ends.items():
        assert estimates[name].value == pytest.approx(end, abs=1e-6), name
    for name in ("prdc-precision", "prdc-recall"):
        assert 0.7 < estimates[name].value < 1


def test_what_is_missing_leaves_its_metrics_out():
    x, y, _, _ = pairs(210, 4, 1)[0]
    assert set(measure(x, Reference.from_target(y, n_resamples=0), NAMES)) == set(NAMES) - {
        "mutual-knn-kept",
        "cka-kept",
        "memorisation",
    }
    few = measure(x[:150], Reference.from_target(y[:150], n_resamples=5), ["gap-consistency", "l2i"])
    assert np.isnan(few["gap-consistency"].value)
    assert "at least 2 groups of 100 clips" in few["gap-consistency"].why
    assert np.isfinite(few["l2i"].value)


# Input at its limits: a value, or one line.

ALL = [name for name in metric_names() if name in {*STRUCTURE, "cka-rbf"}]


def plain():
    rng = np.random.default_rng(3)
    return tuple(rng.standard_normal((210, 4)).astype(np.float32) for _ in range(2))


def limits():
    x, y = plain()
    constant = np.array([1, 1, 0, 1], dtype=np.float32)
    return {
        "constant columns": (x * constant + 2 * (1 - constant), y * constant + 2 * (1 - constant)),
        "one point": (np.ones_like(x), y),
        "two points": (np.eye(4, dtype=np.float32)[np.arange(210) % 2], y),
        "very long": (x * np.float32(1e30), y * np.float32(1e30)),
        "very short": (x * np.float32(1e-30), y * np.float32(1e-30)),
        "far from zero": (x + 1e4, y + 1e4),
        "half": (x.astype(np.float16), y.astype(np.float16)),
        "equal": (y, y.copy()),
    }


@pytest.mark.parametrize("kind", limits())
@pytest.mark.parametrize("name", [name for name in ALL if name in NAMES or name == "cka-rbf"])
def test_limits_have_a_value(name, kind):
    x, y = limits()[kind]
    low, high = METRICS.get(name).range
    value = call(name, x, y, y[::-1].copy(), y[:50])
    assert np.isfinite(value)
    assert low - 1e-6 <= value <= high + 1e-6
    if kind in ("very long", "very short") and name != "l2i":
        x, y = plain()
        assert value == pytest.approx(call(name, x, y, y[::-1].copy(), y[:50]), abs=5e-3)


@pytest.mark.parametrize(("name", "n"), [(name, n) for name in ALL for n in (2, 3, 9, 210) if n == 2 or name in NAMES])
def test_few_clips_and_zero_rows_have_a_value_or_one_line(name, n):
    x, y = plain()
    if n == 210:
        x[3] = 0
    try:
        value, line = call(name, x[:n], y[:n], y[:n][::-1].copy(), y[:50]), "expected"
    except InputError as error:
        value, line = 0.0, str(error)
    assert np.isfinite(value)
    assert "expected" in line
    assert "\n" not in line


def test_every_measure_is_described():
    docs = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name in ALL:
        metric = METRICS.get(name)
        assert not metric.default
        assert takes_owner(metric.function)
        assert f"| `{name}` |" in docs
