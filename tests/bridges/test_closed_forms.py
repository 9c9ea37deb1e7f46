"""The closed forms against what they are defined to be."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from conformance import toy_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as SklearnRidge

from gapkit.bridges import make_bridge
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.bridges.ridge import ALPHAS
from gapkit.errors import InputError

SOURCE, TARGET = toy_pairs()


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_mean_shift_is_the_gap_vector():
    expected = unit(SOURCE + TARGET.mean(0) - SOURCE.mean(0))
    np.testing.assert_allclose(make_bridge("mean-shift").fit(SOURCE, TARGET).transform(SOURCE), expected, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), length=st.floats(0.0, 0.95))
def test_the_frame_loses_nothing(seed, length):
    rng = np.random.default_rng(seed)
    points = torch.from_numpy(unit(rng.normal(size=(20, 5))))
    centre = torch.from_numpy(unit(rng.normal(size=(1, 5)))[0] * length)
    torch.testing.assert_close(from_frame(to_frame(points, centre), centre), points, atol=1e-9, rtol=0)


def test_c3_maps_targets_onto_themselves():
    # With the same rows on both sides the two centres agree and nothing moves.
    np.testing.assert_allclose(make_bridge("c3").fit(TARGET, TARGET).transform(TARGET), TARGET, atol=1e-6)


def test_procrustes_finds_a_pure_rotation():
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0].astype(np.float32)
    bridge = make_bridge("procrustes").fit(SOURCE, SOURCE @ turn)
    np.testing.assert_allclose(bridge.transform(SOURCE), SOURCE @ turn, atol=2e-5)


def test_procrustes_agrees_with_scipy():
    x = unit(SOURCE - SOURCE.mean(0)).astype(np.float64)
    y = unit(TARGET - TARGET.mean(0)).astype(np.float64)
    expected, _ = scipy.linalg.orthogonal_procrustes(x, y)
    bridge = make_bridge("procrustes").fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.rotation_.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.01, 1.0, 30.0])
def test_ridge_agrees_with_scikit_learn(alpha):
    oracle = SklearnRidge(alpha=alpha).fit(SOURCE.astype(np.float64), TARGET.astype(np.float64))
    bridge = make_bridge("ridge", alpha=alpha).fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.transform(SOURCE), unit(oracle.predict(SOURCE)), atol=1e-5)


def test_ridge_chooses_by_leaving_one_out():
    x, y = SOURCE[:40].astype(np.float64), TARGET[:40].astype(np.float64)

    def loo_error(alpha):
        errors = []
        for i in range(len(x)):
            keep = np.arange(len(x)) != i
            model = SklearnRidge(alpha=alpha).fit(x[keep], y[keep])
            errors.append(np.mean((model.predict(x[i : i + 1]) - y[i]) ** 2))
        return np.mean(errors)

    assert make_bridge("ridge").fit(x, y).alpha_ == min(ALPHAS, key=loo_error)


def test_nearest_caption_answers_with_a_fitted_target():
    moved = make_bridge("nearest-caption").fit(SOURCE, TARGET).transform(SOURCE)
    nearest = (SOURCE @ TARGET.T).argmax(axis=1)
    np.testing.assert_array_equal(moved, TARGET[nearest])


def test_memory_is_a_softmax_mean_of_distinct_targets():
    bridge = make_bridge("memory", temperature=0.1, centre=False).fit(SOURCE, np.concatenate([TARGET, TARGET[:20]]))
    weights = np.exp(SOURCE @ TARGET.T / 0.1)
    expected = unit(weights / weights.sum(1, keepdims=True) @ TARGET)
    np.testing.assert_allclose(bridge.transform(SOURCE), expected, atol=1e-5)


def test_memory_at_temperature_zero_is_the_nearest_caption():
    nearest = make_bridge("nearest-caption").fit(SOURCE, TARGET).transform(SOURCE)
    cold = make_bridge("memory", temperature=1e-6, centre=False).fit(SOURCE, TARGET).transform(SOURCE)
    np.testing.assert_allclose(cold, nearest, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("ridge", {"alpha": -1}, "alpha must be"),
        ("ridge", {"alpha": "auto"}, "alpha must be"),
        ("memory", {"temperature": 0}, "temperature must be"),
        ("memory", {"temperature": "0.01"}, "temperature must be a number above 0, got '0.01'"),
    ],
)
def test_parameters_out_of_range(name, params, words):
    with pytest.raises(InputError, match=words):
        make_bridge(name, **params).fit(SOURCE, TARGET)
