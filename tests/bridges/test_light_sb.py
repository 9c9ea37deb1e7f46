from __future__ import annotations

import numpy as np
import pytest
from conformance import toy_pairs

from gapkit.bridges import make_bridge
from gapkit.errors import InputError

SOURCE, TARGET = toy_pairs(400)
FAST = {"steps": 200, "batch_size": 64}


def clouds(n=600, dim=6, seed=0):
    """Targets lie in two clusters along one axis, sources in one cloud; no row belongs to a row."""
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, n, dim))
    source += 2
    target[:, 0] += np.where(rng.random(n) < 0.5, 3, -3)
    target[:, 1] += 4
    return source.astype(np.float32), target.astype(np.float32)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_untrained_it_is_nearly_c3():
    moved = (
        make_bridge("light-sb", sampler="mean", components=10, steps=1, lr=1e-30).fit(SOURCE, TARGET).transform(SOURCE)
    )
    c3 = make_bridge("c3").fit(SOURCE, TARGET).transform(SOURCE)
    assert (moved * c3).sum(1).mean() > 0.98


def test_it_learns_the_shape_of_the_targets_without_pairs():
    source, target = clouds()
    moved = (
        make_bridge("light-sb", steps=600, lr=3e-3, components=10, sampler="draw")
        .fit(source, target[:500])
        .transform(source)
    )
    c3 = make_bridge("c3").fit(source, target).transform(source)
    wanted, got, plain = (np.quantile(unit(rows)[:, 0], [0.1, 0.3, 0.5, 0.7, 0.9]) for rows in (target, moved, c3))
    assert np.abs(got - wanted).max() < 0.5 * np.abs(plain - wanted).max()


def test_draws_differ_and_means_do_not():
    bridge = make_bridge("light-sb", **FAST, sampler="draw").fit(SOURCE, TARGET)
    first, second = bridge.samples(SOURCE, 2)
    np.testing.assert_array_equal(first, bridge.transform(SOURCE))
    assert np.abs(first - second).max() > 0.01
    still = bridge.set_params(sampler="mean").samples(SOURCE, 2)
    np.testing.assert_array_equal(still[0], still[1])


@pytest.mark.parametrize("option", [{"epsilon": 0.5}, {"components": 3}, {"sampler": "mean"}, {"lr": 1e-2}], ids=str)
def test_every_option_does_something(option):
    plain, other = (make_bridge("light-sb", **FAST, **o).fit(SOURCE, TARGET).transform(SOURCE) for o in ({}, option))
    assert np.isfinite(other).all()
    assert not np.array_equal(plain, other)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epsilon": 0}, "epsilon must be"),
        ({"components": 0}, "components must be"),
        ({"sampler": "median"}, "sampler must be one of mean, draw"),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        make_bridge("light-sb", **wrong).fit(SOURCE, TARGET)
