"""Sinkhorn's barycentres against POT's plan, and what may go wrong on the way there."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import ot
import pytest
from conformance import toy_pairs

from gapkit.bridges import load_bridge, make_bridge
from gapkit.errors import GapkitError, InputError

SOURCE, TARGET = toy_pairs(120)
TARGET = TARGET[:90]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def seen(rows, centre_of):
    """Directions from a mean, in float64."""
    return unit(rows.astype(np.float64) - centre_of.mean(0))


@pytest.mark.parametrize("regularisation", [0.03, 0.1, 1.0])
def test_fitted_rows_go_to_the_barycentres_of_the_plan(regularisation):
    bridge = make_bridge("ot", regularisation=regularisation).fit(SOURCE, TARGET)
    u, v = seen(SOURCE, SOURCE), seen(TARGET, TARGET)
    cost = ot.dist(u, v)
    assert bridge.epsilon_ == pytest.approx(regularisation * np.median(cost), rel=1e-5)
    plan = ot.sinkhorn([], [], cost, bridge.epsilon_, method="sinkhorn", numItermax=20_000, stopThr=1e-13)
    np.testing.assert_allclose(plan.sum(0), 1 / 90, atol=1e-9)
    moved = seen(bridge.transform(SOURCE), TARGET)
    np.testing.assert_allclose(moved, unit(plan @ v), atol=2e-3)


def test_new_rows_go_where_the_dual_potential_says():
    bridge = make_bridge("ot").fit(SOURCE[:80], TARGET)
    u, v = seen(SOURCE[80:], SOURCE[:80]), seen(TARGET, TARGET)
    cost = ot.dist(seen(SOURCE[:80], SOURCE[:80]), v)
    _, log = ot.sinkhorn([], [], cost, bridge.epsilon_, numItermax=20_000, stopThr=1e-13, log=True)
    weights = log["v"] * np.exp(-ot.dist(u, v) / bridge.epsilon_)
    np.testing.assert_allclose(seen(bridge.transform(SOURCE[80:]), TARGET), unit(weights @ v), atol=2e-3)


def test_little_regularisation_finds_the_assignment():
    # Targets are the sources, turned a little and in another order: each must find its own.
    rng = np.random.default_rng(0)
    order = rng.permutation(60)
    turn = np.linalg.qr(np.eye(12) + 0.05 * rng.normal(size=(12, 12)))[0]
    turn *= np.sign(np.diag(turn))
    target = (SOURCE[:60] @ turn)[order]
    bridge = make_bridge("ot", regularisation=0.01).fit(SOURCE[:60], target)
    nearest = (bridge.transform(SOURCE[:60]) @ target.T).argmax(1)
    assert (order[nearest] == np.arange(60)).mean() > 0.95


def test_much_regularisation_leaves_the_main_axes():
    # To first order in 1 / eps the plan is 1/nm (1 + 2 (u - mean).(v - mean) / eps).
    bridge = make_bridge("ot", regularisation=50.0).fit(SOURCE, TARGET)
    u, v = seen(SOURCE, SOURCE), seen(TARGET, TARGET)
    expected = v.mean(0) + 2 / bridge.epsilon_ * (u - u.mean(0)) @ np.cov(v, rowvar=False, ddof=0)
    np.testing.assert_allclose(seen(bridge.transform(SOURCE), TARGET), unit(expected), atol=0.02)


def test_every_target_gets_its_share():
    # A nearest neighbour would leave out the far cluster: nine tenths of the sources are in the near one.
    rng = np.random.default_rng(0)
    near, far = np.eye(6)[1], np.eye(6)[2]
    source = unit(3 * np.eye(6)[0] + np.where(rng.random((200, 1)) < 0.9, near, far) + 0.1 * rng.normal(size=(200, 6)))
    target = unit(3 * np.eye(6)[3] + np.where(rng.random((200, 1)) < 0.5, near, far) + 0.1 * rng.normal(size=(200, 6)))
    moved = make_bridge("ot", regularisation=0.02).fit(source, target).transform(source)
    in_far = ((moved @ far) > (moved @ near)).mean()
    assert 0.35 < in_far < 0.65


def test_of_many_rows_some_are_drawn():
    a, again, b, all_rows = (
        make_bridge("ot", n_max=n, random_state=s).fit(SOURCE, TARGET) for n, s in ((50, 0), (50, 0), (50, 1), (200, 0))
    )
    assert len(a.memory_) == len(a.potentials_) == 50
    assert len(all_rows.memory_) == 90
    np.testing.assert_array_equal(a.transform(SOURCE), again.transform(SOURCE))
    assert not np.array_equal(a.transform(SOURCE), b.transform(SOURCE))
    # The centres are those of all rows.
    np.testing.assert_allclose(a.target_centre_.numpy(), TARGET.mean(0), atol=1e-6)


def test_constant_dimensions_and_few_rows():
    flat = SOURCE.copy()
    flat[:, :3] = 0
    for source, target in ((flat, TARGET), (SOURCE, flat), (SOURCE[:2], TARGET[:3])):
        moved = make_bridge("ot").fit(source, target).transform(SOURCE)
        np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)


def test_no_convergence_is_said():
    with pytest.raises(
        GapkitError, match=r"did not converge in 3 iterations .*; raise regularisation above 0\.01"
    ) as caught:
        make_bridge("ot", regularisation=0.01, max_iter=3).fit(SOURCE, TARGET)
    assert not isinstance(caught.value, InputError)
    assert "\n" not in str(caught.value)


def test_rows_that_coincide_are_refused():
    equal = np.repeat(SOURCE[:1], 9, axis=0)
    with pytest.raises(InputError, match="source: expected rows that differ"):
        make_bridge("ot").fit(equal, TARGET)
    two = np.repeat(SOURCE[:2], [9, 1], axis=0)
    with pytest.raises(InputError, match="more than half of the drawn rows coincide"):
        make_bridge("ot").fit(two, two)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"regularisation": 0}, "regularisation must be a number above 0, got 0"),
        ({"regularisation": float("inf")}, "regularisation must be"),
        ({"regularisation": "auto"}, "regularisation must be"),
        ({"n_max": 1}, "n_max must be a whole number of at least 2, got 1"),
        ({"n_max": 10.0}, "n_max must be"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"random_state": None}, "random_state must be a whole number"),
    ],
    ids=str,
)
def test_parameters_out_of_range(wrong, words):
    with pytest.raises(InputError, match=words):
        make_bridge("ot", **wrong).fit(SOURCE, TARGET)


def test_without_pot_the_extra_is_named_and_a_fitted_bridge_still_works(monkeypatch, tmp_path):
    make_bridge("ot").fit(SOURCE, TARGET).save(tmp_path)
    for name in [name for name in sys.modules if name == "ot" or name.startswith("ot.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"needs the package POT; pip install 'gapkit\[ot\]'"):
        make_bridge("ot").fit(SOURCE, TARGET)
    assert load_bridge(tmp_path).transform(SOURCE).shape == SOURCE.shape


@pytest.mark.slow
def test_importing_pot_changes_nothing_for_others():
    script = """
import os, random, sys, warnings
import numpy as np, torch
import rich.style  # scikit-learn, which POT imports, imports it, and it draws from `random` when imported
from gapkit.bridges import make_bridge
rng = np.random.default_rng(0)
x, y = rng.normal(size=(2, 40, 6)) + np.eye(6)[:2, None] * 4
bridge = make_bridge("ot")
assert not any(name == "ot" or name.startswith("ot.") for name in sys.modules)
def state():
    return (dict(os.environ), list(warnings.filters), np.geterr(), np.random.get_state()[1].tolist(), random.getstate(),
            torch.get_rng_state().tolist(), torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled())
before = state()
bridge.fit(x, y).transform(x)
assert "ot" in sys.modules
for old, new in zip(before, state()):
    assert old == new, (old, new)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
