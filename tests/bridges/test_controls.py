"""The controls: noise alone, and the network without its topology loss."""

from __future__ import annotations

import numpy as np
import pytest
from conformance import QUICK, toy_pairs

from gapkit.bridges import make_bridge
from gapkit.bridges.registry import load_bridge
from gapkit.errors import InputError

SOURCE, TARGET = toy_pairs(400, 48)


def test_the_angle_is_that_of_the_noise():
    for sigma in (0.02, 0.126, 0.5):
        moved = make_bridge("noise-only", sigma=sigma).fit(SOURCE, TARGET).transform(SOURCE)
        assert (moved * SOURCE).sum(1).mean() == pytest.approx(1 / np.sqrt(1 + 48 * sigma**2), abs=0.01)


def test_the_noise_is_white():
    sigma = 1e-3
    added = (make_bridge("noise-only", sigma=sigma).fit(SOURCE, TARGET).transform(SOURCE) - SOURCE) / sigma
    # What the sphere leaves: deviation one across the row, none along it.
    assert (added * SOURCE).sum(1).std() < 0.1
    assert np.square(added).sum(1).mean() == pytest.approx(47, rel=0.02)
    assert abs(added.mean(0)).max() < 5 / 400**0.5
    across = np.corrcoef(added)
    assert abs(across[np.triu_indices(400, 1)]).max() < 6 / 48**0.5


def test_without_noise_it_is_identity_or_mean_shift():
    still, centred = (make_bridge("noise-only", sigma=0, centre=c).fit(SOURCE, TARGET) for c in (False, True))
    np.testing.assert_allclose(still.transform(SOURCE), SOURCE, atol=1e-6)
    shifted = make_bridge("mean-shift").fit(SOURCE, TARGET).transform(SOURCE)
    np.testing.assert_array_equal(centred.transform(SOURCE), shifted)


def test_a_row_keeps_its_noise_in_any_order_and_at_any_length():
    bridge = make_bridge("noise-only").fit(SOURCE, TARGET)
    moved = bridge.transform(SOURCE)
    order = np.random.default_rng(0).permutation(len(SOURCE))
    np.testing.assert_array_equal(bridge.transform(SOURCE[order]), moved[order])
    for length in (3, 1e-4, 7e3):
        np.testing.assert_allclose(bridge.transform(SOURCE * np.float32(length)), moved, atol=2e-6)
    other = make_bridge("noise-only", random_state=1).fit(SOURCE, TARGET).transform(SOURCE)
    assert abs(np.corrcoef((moved - SOURCE).ravel(), (other - SOURCE).ravel())[0, 1]) < 0.35  # both shrink the row


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sigma": -0.1}, "sigma must be a number of at least 0, got -0.1"),
        ({"sigma": float("nan")}, "sigma must be"),
        ({"sigma": "0.1"}, "sigma must be"),
        ({"random_state": "a"}, "random_state must be a whole number, got 'a'"),
    ],
    ids=str,
)
def test_parameters_out_of_range(wrong, words):
    with pytest.raises(InputError, match=words):
        make_bridge("noise-only", **wrong).fit(SOURCE, TARGET)


def test_plain_is_the_network_without_its_topology_loss():
    plain = make_bridge("residual-mlp-plain", **QUICK).fit(SOURCE, TARGET).transform(SOURCE)
    off, on = (
        make_bridge("residual-mlp", **QUICK, topology_weight=w).fit(SOURCE, TARGET).transform(SOURCE) for w in (0, 0.5)
    )
    np.testing.assert_array_equal(plain, off)
    assert not np.array_equal(plain, on)
    assert not {"topology", "topology_weight"} & set(make_bridge("residual-mlp-plain").get_params())


def test_numbers_of_numpy_are_numbers(tmp_path):
    options = {"hidden": np.int64(8), "steps": np.int32(3), "lr": np.float64(1e-3), "random_state": np.int64(1)}
    plain = {name: value.item() for name, value in options.items()}
    made = make_bridge("residual-mlp", **options).fit(SOURCE, TARGET)
    made.save(tmp_path)
    expected = make_bridge("residual-mlp", **plain).fit(SOURCE, TARGET).transform(SOURCE)
    np.testing.assert_array_equal(made.transform(SOURCE), expected)
    np.testing.assert_array_equal(load_bridge(tmp_path).transform(SOURCE), expected)
