"""What all distances of distributions have in common."""

import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gapkit import metrics
from gapkit.errors import InputError
from gapkit.metrics import METRICS, Reference, measure

IN_TABLES = [
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
]

WIDTH = 2.5


def rff(x, y, **options):
    return metrics.mmd_random_features(x, y, bandwidth=WIDTH, n_features=256, **options).value


def sinkhorn(x, y, **options):
    return metrics.sinkhorn_divergence(x, y, bandwidth=WIDTH, regularisation=1.0, **options)


def biased(x, y, **options):
    return metrics.mmd(x, y, bandwidth=WIDTH, estimator="biased", **options)


DISTANCES = {
    "mmd": lambda x, y, **o: metrics.mmd(x, y, bandwidth=WIDTH, **o),
    "biased": biased,
    "imq": lambda x, y, **o: metrics.mmd_imq(x, y, bandwidth=WIDTH, **o),
    "linear": metrics.mmd_linear,
    "rff": rff,
    "frechet": metrics.frechet_distance,
    "sliced": metrics.sliced_wasserstein,
    "energy": metrics.energy_distance,
    "sinkhorn": sinkhorn,
    "residual-frechet": metrics.residual_frechet_distance,
    "residual-sliced": metrics.residual_sliced_wasserstein,
    "residual-energy": metrics.residual_energy_distance,
}
NEVER_NEGATIVE = {"biased", "frechet", "sliced", "sinkhorn", "residual-frechet", "residual-sliced"}
DIRECTIONS_STAY = {"rff", "sliced", "residual-sliced"}
"""Random directions are fixed, so that a rotation of both sides changes the value a little."""


@st.composite
def sides(draw):
    """Paired clouds, neither one point, with an offset and scales that differ by axis."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    d = draw(st.integers(1, 4))
    n = draw(st.integers(d + 3, 20))
    c = rng.standard_normal((n, d)) * rng.uniform(0.3, 2, d)
    x = c + draw(st.sampled_from([0.1, 1.0])) * rng.standard_normal((n, d)) + draw(st.sampled_from([0.0, 1.0]))
    y = c + 0.7 * rng.standard_normal((n, d))
    return x.astype(np.float32), y.astype(np.float32)


def close(value):
    return pytest.approx(value, rel=2e-3, abs=2e-5)


@pytest.mark.parametrize("name", DISTANCES)
@given(pair=sides(), seed=st.integers(0, 1000))
@hypothesis_settings(max_examples=15, deadline=None)
def test_invariances(name, pair, seed):
    f, (x, y) = DISTANCES[name], pair
    rng = np.random.default_rng(seed)
    n, d = x.shape
    value = f(x, y)
    assert math.isfinite(value)
    if name in NEVER_NEGATIVE:
        assert value >= 0
        assert f(x, x) < 1e-5
    shift = rng.uniform(-3, 3, d).astype(np.float32)
    assert f(x + shift, y + shift) == close(value)
    if name.startswith("residual"):
        assert f(x + shift, y) == close(value)
    if name not in DIRECTIONS_STAY:
        rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
        assert f(x @ rotation, y @ rotation) == close(value)
    if name != "residual-energy":
        # Its folds are dealt out by place.
        order = rng.permutation(n)
        assert f(x[order], y[order]) == close(value)
    assert f(y, x) == close(value)
    # Every target twice says nothing new; nor does the order of the targets.
    twice, owner = np.concatenate([y, y]), np.tile(np.arange(n), 2)
    assert f(x, twice, owner=owner) == close(value)
    mixed = rng.permutation(2 * n)
    assert f(x, twice[mixed], owner=owner[mixed]) == close(value)
    if name in {"biased", "sliced", "residual-sliced", "sinkhorn"}:
        # Distances of the two clouds themselves and no estimates of something behind them: copies change nothing.
        assert f(np.concatenate([x, x]), np.concatenate([y, y])) == close(value)


@pytest.mark.parametrize("name", ["energy", "frechet", "sliced", "linear"])
@given(pair=sides(), scale=st.sampled_from([1e-12, 1e-3, 7.0, 1e12]))
@hypothesis_settings(max_examples=10, deadline=None)
def test_units(name, pair, scale):
    f, (x, y) = DISTANCES[name], pair
    power = 1 if name in {"energy", "sliced"} else 2
    assert f(x * np.float32(scale), y * np.float32(scale)) == pytest.approx(
        scale**power * f(x, y), rel=1e-3, abs=1e-5 * scale**power
    )


RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 6)), RNG.standard_normal((40, 6)) + 0.5
CONSTANT = np.where(np.arange(6) == 2, 7.0, X), np.where(np.arange(6) == 2, 7.0, Y)
HARD = {
    "float16": (X.astype(np.float16), Y.astype(np.float16)),
    "constant column": CONSTANT,
    "constant column of one side": (CONSTANT[0], Y),
    "nearly collapsed": (1 + 1e-6 * X, 1 + 1e-6 * Y),
    "nearly collapsed source": (1 + 1e-6 * X, Y),
    "collapsed source": (np.ones((40, 6)), Y),
    "collapsed target": (X, np.ones((40, 6))),
    "all one point": (np.zeros((40, 6)), np.zeros((40, 6))),
    "huge": (1e30 * X, 1e30 * Y),
    "huge source": (1e30 * X, Y),
    "tiny": (1e-38 * X, 1e-38 * Y),
    "too large for float32": (3e38 * np.sign(X), 3e38 * np.sign(Y)),
    "far apart": (X + 1e6, Y),
    "two clips": (X[:2], Y[:2]),
    "unequal": (X, Y[:25]),
}


UNDEFINED = {
    "collapsed target": {"mmd-imq", "mmd-rff", "sinkhorn-divergence"},
    "all one point": {"mmd-imq", "mmd-rff", "sinkhorn-divergence"},
    "two clips": {"frechet", "residual-frechet", "residual-energy-distance"},
    "too large for float32": set(IN_TABLES) - {"frechet", "residual-frechet", "mmd-linear"},
}
"""No width, no covariance, no two folds, or no float32 for the difference of two rows."""


@pytest.mark.parametrize("name", IN_TABLES)
@pytest.mark.parametrize("case", HARD)
def test_hard_input_has_a_value_or_one_line_of_reason(name, case):
    x, y = HARD[case]
    if name in UNDEFINED.get(case, ()):
        with pytest.raises(InputError, match=r"^[^\n]+$"):
            METRICS.get(name).function(x, y)
        return
    value = METRICS.get(name).function(x, y)
    low, high = METRICS.get(name).range
    assert math.isfinite(value)
    assert low <= value <= high
    if case == "all one point":
        assert value == 0
    if case == "float16":
        assert value == pytest.approx(METRICS.get(name).function(X, Y), abs=0.01, rel=0.01)
    if case == "nearly collapsed" and not name.startswith("mmd"):
        power = 1 if "sliced" in name or "energy" in name else 2
        assert value == pytest.approx(1e-6**power * METRICS.get(name).function(X, Y), rel=0.15)


def test_hard_rows_in_a_table():
    for case in ("collapsed source", "constant column", "huge source", "far apart", "nearly collapsed source"):
        x, y = HARD[case]
        for name, e in measure(x, Reference.from_target(y, n_resamples=20), metrics=IN_TABLES).items():
            assert math.isfinite(e.value), (case, name)
            if case != "huge source":
                assert e.low <= e.high, (case, name)
    few = measure(X[:5], Reference.from_target(Y[:5], n_resamples=20), metrics=["frechet", "residual-frechet"])
    for e in few.values():
        assert math.isnan(e.value)
        assert "more clips than dimensions" in e.why


def test_draws_of_random_features_and_of_the_exact_mmd_move_together(several):
    p = several
    for paired in (True, False):
        reference = Reference.from_target(p.target, owner=p.owner, n_resamples=300)
        e = measure(p.source, reference, metrics=["mmd", "mmd-rff"], paired=paired)
        assert np.corrcoef(e["mmd"].draws, e["mmd-rff"].draws)[0, 1] > 0.98
        assert e["mmd-rff"].draws.std() == pytest.approx(e["mmd"].draws.std(), rel=0.1)


def test_what_belongs_to_the_target_is_worked_out_once(single, monkeypatch):
    calls = []
    modules = {"gaussian": "frechet", "project": "sliced_wasserstein", "lines": "sliced_wasserstein"}
    for name, module in modules.items():
        module = importlib.import_module(f"gapkit.metrics.{module}")
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, f=original, n=name, **o: calls.append(n) or f(*a, **o))
    reference = Reference.from_target(single.target, n_resamples=10)
    names = IN_TABLES
    first = measure(single.source, reference, metrics=names)
    assert calls.count("gaussian") == 2  # source and target
    assert calls.count("project") == calls.count("lines") == 1
    again = measure(single.source, reference, metrics=names)
    assert calls.count("gaussian") == 3
    assert calls.count("project") == calls.count("lines") == 1
    for name in names:
        assert first[name].value == again[name].value
        assert (first[name].draws == again[name].draws).all()


def test_little_memory_gives_the_same(several):
    p = several
    names = ["sliced-wasserstein", "residual-sliced-wasserstein", "mmd-rff", "frechet"]
    roomy, tight = (
        measure(
            p.source, Reference.from_target(p.target, owner=p.owner, n_resamples=30, max_memory=memory), metrics=names
        )
        for memory in (2**29, 2**12)
    )
    for name in names:
        assert tight[name].value == pytest.approx(roomy[name].value, abs=1e-7)
        assert tight[name].draws == pytest.approx(roomy[name].draws, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["frechet", "sliced-wasserstein", "sinkhorn-divergence", "residual-frechet"])
def test_first_order_intervals_cover_the_value_at_this_number_of_clips(name):
    def draw(rng):
        c = rng.standard_normal((60, 5))
        return c @ np.diag([1.5, 1, 1, 0.5, 0.5]) + 0.7 * rng.standard_normal((60, 5)) + 0.4, c + rng.standard_normal(
            (60, 5)
        )

    rng = np.random.default_rng(0)
    found = []
    for seed in range(250):
        x, y = draw(rng)
        found.append(measure(x, Reference.from_target(y, n_resamples=300, seed=seed), metrics=[name])[name])
    truth = np.mean([e.value for e in found])
    covered = np.mean([e.low <= truth <= e.high for e in found])
    assert 0.91 <= covered <= 0.99
