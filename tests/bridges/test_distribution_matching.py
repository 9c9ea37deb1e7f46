"""ReAlign and CORAL: which moments of the target they reach, against oracles."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import scipy.linalg
import torch
from conformance import toy_pairs

from gapkit.bridges import make_bridge
from gapkit.errors import InputError

SOURCE, TARGET = toy_pairs(400)
RNG = np.random.default_rng(0)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cone(n, centre, covariance, seed=0):
    """Unit rows around a centre, with about this covariance."""
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(len(centre)), covariance, size=n)
    return unit(centre + noise).astype(np.float32)


def cov(rows):
    return np.cov(rows, rowvar=False, ddof=0)


def test_realign_is_its_three_steps():
    mx, my = SOURCE.mean(0), TARGET.mean(0)
    s = np.sqrt(np.trace(cov(TARGET)) / np.trace(cov(SOURCE)))
    on_sphere = unit(my + s * (SOURCE - mx))
    expected = unit(on_sphere - on_sphere.mean(0) + my)
    np.testing.assert_allclose(make_bridge("realign").fit(SOURCE, TARGET).transform(SOURCE), expected, atol=1e-6)


def test_realign_reaches_centroid_and_spread_where_a_shift_does_not():
    d = 24
    centre = np.eye(d)[0]
    source, target = (
        cone(3000, c, v * np.eye(d), seed=i) for i, (c, v) in enumerate([(centre, 4e-3), (-centre, 4e-2)])
    )
    moved, shifted = (make_bridge(n).fit(source, target).transform(source) for n in ("realign", "mean-shift"))
    wanted = np.trace(cov(target))
    assert np.trace(cov(moved)) == pytest.approx(wanted, rel=0.05)
    assert abs(np.trace(cov(shifted)) - wanted) > 0.5 * wanted
    assert np.linalg.norm(moved.mean(0) - target.mean(0)) < 0.01


def test_realign_corrects_what_the_sphere_moved():
    # Skewed residuals: projecting them onto the sphere moves their centroid.
    rng = np.random.default_rng(1)
    source = unit(np.eye(8)[0] + 0.5 * rng.exponential(size=(4000, 8))).astype(np.float32)
    target = cone(4000, np.eye(8)[1], 0.15 * np.eye(8))
    bridge = make_bridge("realign").fit(source, target)
    corrected = np.linalg.norm(bridge.transform(source).mean(0) - target.mean(0))
    bridge.correction_ = torch.zeros(8)
    uncorrected = np.linalg.norm(bridge.transform(source).mean(0) - target.mean(0))
    assert corrected < 0.5 * uncorrected


@pytest.mark.parametrize("form", ["coral", "monge"])
def test_the_map_carries_one_covariance_to_the_other(form):
    bridge = make_bridge("coral", form=form, shrinkage=0).fit(SOURCE, TARGET)
    a = bridge.weights_.double().numpy()
    np.testing.assert_allclose(a.T @ cov(SOURCE) @ a, cov(TARGET), atol=1e-6)
    moved = unit(TARGET.mean(0) + (SOURCE - SOURCE.mean(0)) @ a)
    np.testing.assert_allclose(bridge.transform(SOURCE), moved, atol=1e-5)


def test_coral_agrees_with_scipy():
    half = scipy.linalg.fractional_matrix_power
    expected = half(cov(SOURCE.astype(float)), -0.5) @ half(cov(TARGET.astype(float)), 0.5)
    bridge = make_bridge("coral", shrinkage=0).fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.weights_.numpy(), expected, atol=1e-4)


def test_monge_agrees_with_pot():
    x, y = SOURCE.astype(np.float64), TARGET.astype(np.float64)
    a, b = ot.gaussian.bures_wasserstein_mapping(x.mean(0), y.mean(0), cov(x), cov(y))
    bridge = make_bridge("coral", form="monge", shrinkage=0).fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.weights_.numpy(), a, atol=1e-4)
    np.testing.assert_allclose(bridge.transform(SOURCE), unit(x @ a + b), atol=1e-4)


def test_monge_moves_rows_less_than_coral():
    # Two flat clouds that lie across each other, at 60 degrees.
    long = np.diag([1e-4, 4e-2, 1e-4])
    turn = np.array([[1, 0, 0], [0, 0.5, -(0.75**0.5)], [0, 0.75**0.5, 0.5]])
    source, target = (cone(500, np.eye(3)[0], c, seed=i) for i, c in enumerate([long, turn @ long @ turn.T]))
    x = source - source.mean(0)
    coral, monge = (
        np.linalg.norm(x @ make_bridge("coral", form=form, shrinkage=0).fit(source, target).weights_.numpy() - x)
        for form in ("coral", "monge")
    )
    assert monge < 0.95 * coral


def test_the_two_forms_agree_where_covariances_commute():
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    rows = rng.normal(size=(300, 6))
    rows -= rows.mean(0)
    rows = np.linalg.qr(rows)[0]  # exactly uncorrelated, so both sides have the axes for eigenvectors
    source, target = (0.5 * rows * rng.uniform(0.5, 2, 6) @ axes.T for _ in range(2))
    # The sphere would spoil the covariances: one more coordinate fills rows up to length one.
    source, target = (np.c_[side, np.sqrt(1 - (side**2).sum(1))] for side in (source, target))
    weights = [
        make_bridge("coral", form=form, shrinkage=0).fit(source, target).weights_.numpy()[:6, :6]
        for form in ("coral", "monge")
    ]
    np.testing.assert_allclose(weights[0], weights[1], atol=2e-2)


def test_full_shrinkage_leaves_a_scaling():
    bridge = make_bridge("coral", shrinkage=1.0).fit(SOURCE, TARGET)
    s = np.sqrt(np.trace(cov(TARGET)) / np.trace(cov(SOURCE)))
    np.testing.assert_allclose(bridge.weights_.numpy(), s * np.eye(12), atol=1e-5)


@pytest.mark.parametrize("form", ["coral", "monge"])
@pytest.mark.parametrize("shrinkage", ["ledoit-wolf", 0.0])
def test_few_rows_and_constant_dimensions(form, shrinkage):
    constant = SOURCE.copy()
    constant[:, :3] = 0
    for source, target in ((SOURCE[:5], TARGET[:4]), (constant, TARGET), (SOURCE, constant), (constant, constant)):
        moved = make_bridge("coral", form=form, shrinkage=shrinkage).fit(source, target).transform(SOURCE)
        assert np.isfinite(moved).all()
        # Nothing is blown up: new rows stay in the cone of the targets.
        assert (moved @ unit(target.mean(0)[None])[0]).mean() > 0.3


@pytest.mark.parametrize("name", ["realign", "coral"])
def test_equal_rows_are_refused(name):
    equal = np.repeat(SOURCE[:1], 9, axis=0)
    with pytest.raises(InputError, match=f"bridge {name!r}: source: expected rows that differ, got 9 equal ones"):
        make_bridge(name).fit(equal, TARGET)
    with pytest.raises(InputError, match=f"bridge {name!r}: target: expected rows that differ"):
        make_bridge(name).fit(SOURCE, equal * 3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"form": "bures"}, "form must be one of coral, monge, got 'bures'"),
        ({"shrinkage": -0.1}, r"shrinkage must be a number in \[0, 1\] or 'ledoit-wolf', got -0.1"),
        ({"shrinkage": float("nan")}, "shrinkage must be"),
        ({"shrinkage": "oas"}, "shrinkage must be"),
        ({"shrinkage": None}, "shrinkage must be"),
    ],
    ids=str,
)
def test_parameters_out_of_range(wrong, words):
    with pytest.raises(InputError, match=words):
        make_bridge("coral", **wrong).fit(SOURCE, TARGET)
