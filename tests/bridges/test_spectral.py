"""PLS-SVD and CCA against scikit-learn and least squares, and how many components they keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conformance import toy_pairs
from sklearn import cross_decomposition

from gapkit.bridges import make_bridge
from gapkit.bridges.frame import from_frame
from gapkit.errors import InputError

SOURCE, TARGET = toy_pairs(300)
NAMES = ("pls-svd", "cca")


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def directions(rows):
    rows = rows.astype(np.float64)
    return rows - rows.mean(0)


def back(residuals, target):
    """Rows of the sphere in the direction of these residuals from the mean of `target`."""
    return from_frame(torch.from_numpy(unit(residuals)).float(), torch.from_numpy(target.mean(0))).numpy()


def planted(n=600, dim=20, strengths=(2, 2, 2, 2), noise=0.7):
    """Pairs that share some directions, turned between the sides, and noise of their own in all."""
    rng = np.random.default_rng(0)
    rank = len(strengths)
    shared = rng.normal(size=(n, rank)) * strengths
    sides = []
    for _ in range(2):
        axes = np.linalg.qr(rng.normal(size=(dim, dim)))[0][:rank]
        sides.append(6 * np.eye(dim)[0] + shared @ axes + noise * rng.normal(size=(n, dim)))
    return tuple(unit(side).astype(np.float32) for side in sides)


def test_pls_svd_agrees_with_scikit_learn():
    oracle = cross_decomposition.PLSSVD(n_components=3, scale=False).fit(
        SOURCE.astype(np.float64), TARGET.astype(np.float64)
    )
    expected = back(oracle.transform(SOURCE) @ oracle.y_weights_.T, TARGET)
    bridge = make_bridge("pls-svd", n_components=3).fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.transform(SOURCE), expected, atol=1e-5)
    np.testing.assert_allclose(np.abs(bridge.source_axes_.numpy().T @ oracle.x_weights_), np.eye(3), atol=1e-4)
    scores = np.cov(oracle.transform(SOURCE).T, (directions(TARGET) @ oracle.y_weights_).T, ddof=0)
    np.testing.assert_allclose(bridge.spectrum_.numpy(), np.diag(scores[:3, 3:]), rtol=1e-4)


def test_pls_svd_with_all_components_is_the_rotation_of_centred_pairs():
    bridge = make_bridge("pls-svd", n_components=12).fit(SOURCE, TARGET)
    u, _, vt = np.linalg.svd(directions(SOURCE).T @ directions(TARGET))
    np.testing.assert_allclose((bridge.source_axes_ @ bridge.target_axes_).numpy(), u @ vt, atol=1e-4)
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0].astype(np.float32)
    turned = make_bridge("pls-svd", n_components=12).fit(SOURCE, SOURCE @ turn)
    np.testing.assert_allclose(turned.transform(SOURCE), SOURCE @ turn, atol=2e-5)


def test_cca_agrees_with_scikit_learn():
    source, target = planted(dim=8, strengths=(3, 2, 1))
    x, y = directions(source), directions(target)
    oracle = cross_decomposition.CCA(n_components=3, scale=False, max_iter=5000, tol=1e-14).fit(x, y)
    u, v = oracle.transform(x, y)
    expected = [np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(3)]
    bridge = make_bridge("cca", n_components=3, shrinkage=0).fit(source, target)
    np.testing.assert_allclose(bridge.spectrum_.numpy(), expected, atol=1e-4)
    # Its canonical variables are scikit-learn's, up to sign and scale.
    own = x @ bridge.source_axes_.double().numpy()
    for i in range(3):
        assert abs(np.corrcoef(own[:, i], u[:, i])[0, 1]) > 1 - 1e-4


def test_cca_with_everything_kept_is_least_squares():
    x, y = directions(SOURCE), directions(TARGET)
    expected = back(x @ np.linalg.lstsq(x, y, rcond=None)[0], TARGET)
    bridge = make_bridge("cca", n_components=12, shrinkage=0).fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.transform(SOURCE), expected, atol=1e-4)


def test_cca_truncated_is_reduced_rank_regression():
    # With the inverse target covariance as weight: the least-squares fit, projected in the whitened target space.
    x, y = directions(SOURCE), directions(TARGET)
    values, axes = np.linalg.eigh(y.T @ y / len(y))
    colour, whiten = (axes * values**0.5) @ axes.T, (axes * values**-0.5) @ axes.T
    fitted = x @ np.linalg.lstsq(x, y @ whiten, rcond=None)[0]
    vt = np.linalg.svd(fitted, full_matrices=False)[2][:4]
    bridge = make_bridge("cca", n_components=4, shrinkage=0).fit(SOURCE, TARGET)
    np.testing.assert_allclose(bridge.transform(SOURCE), back(fitted @ vt.T @ vt @ colour, TARGET), atol=1e-4)


def test_cca_fully_shrunk_follows_the_cross_covariance():
    bridge = make_bridge("cca", n_components=12, shrinkage=1.0).fit(SOURCE, TARGET)
    x, y = directions(SOURCE), directions(TARGET)
    np.testing.assert_allclose(bridge.transform(SOURCE), back(x @ (x.T @ y), TARGET), atol=1e-5)


def new_pairs_score(name, k, source, target):
    moved = make_bridge(name, n_components=k).fit(source[300:], target[300:]).transform(source[:300])
    return float((unit(directions(moved)) * unit(directions(target[:300]))).sum(1).mean())


def test_the_planted_number_of_components_is_found():
    source, target = planted()
    assert make_bridge("pls-svd").fit(source[200:], target[200:]).n_components_ == 4
    validation = source[:200], target[:200]
    assert make_bridge("pls-svd").fit(source[200:], target[200:], validation=validation).n_components_ == 4


def test_validation_pairs_decide_where_given():
    source, target = planted()
    # On pairs that only the first axis serves, one component is best.
    one = make_bridge("pls-svd", n_components=1).fit(source, target)
    answers = one.transform(source[:50])
    assert make_bridge("pls-svd").fit(source, target, validation=(source[:50], answers)).n_components_ == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_chosen_number_serves_new_pairs(name):
    source, target = planted(noise=1.0)
    scores = {k: new_pairs_score(name, k, source, target) for k in (1, 2, 4, 8, 16, 20)}
    assert scores[4] > scores[1] + 0.2
    chosen = make_bridge(name).fit(source[300:], target[300:]).n_components_
    assert scores[chosen] > max(scores.values()) - 0.03
    assert chosen == 4 if name == "pls-svd" else chosen >= 4
    # CCA weighs a component by its correlation, so that useless ones cost it less.
    lost = scores[4] - scores[20]
    assert lost > 0.1 if name == "pls-svd" else 0 < lost < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_the_choice_sees_no_copy_of_a_held_out_source(name, monkeypatch):
    bridge = make_bridge(name)
    held = bridge._held_out(torch.from_numpy(np.repeat(SOURCE, 3, axis=0)))
    assert held.reshape(-1, 3).all(1).equal(held.reshape(-1, 3).any(1))
    assert int(held.sum()) == 3 * 30
    order = np.random.default_rng(0).permutation(len(SOURCE))
    shuffled = bridge._held_out(torch.from_numpy(SOURCE[order]))
    assert torch.equal(shuffled, bridge._held_out(torch.from_numpy(SOURCE))[torch.from_numpy(order)])


@pytest.mark.parametrize("name", NAMES)
def test_the_final_axes_are_those_of_all_pairs(name):
    auto = make_bridge(name).fit(SOURCE, TARGET)
    given = make_bridge(name, n_components=auto.n_components_).fit(SOURCE, TARGET)
    np.testing.assert_array_equal(auto.transform(SOURCE), given.transform(SOURCE))
    if name == "cca":
        assert auto.source_shrinkage_ == given.source_shrinkage_


@pytest.mark.parametrize("name", NAMES)
def test_few_pairs_and_constant_dimensions(name):
    constant = SOURCE.copy()
    constant[:, :3] = 0
    few = SOURCE[:6], TARGET[:6]
    for source, target in (few, (constant, TARGET), (SOURCE, constant)):
        bridge = make_bridge(name, n_components=5).fit(source, target)
        assert np.isfinite(bridge.transform(SOURCE)).all()
    with pytest.raises(InputError, match=r"n_components must lie in 1\.\.5 \(the rank of these 6 pairs\), got 8"):
        make_bridge(name, n_components=8).fit(*few)
    with pytest.raises(InputError, match=r"n_components must lie in 1\.\.9 \(the rank of these 300 pairs\), got 10"):
        make_bridge(name, n_components=10).fit(constant, TARGET)
    with pytest.raises(InputError, match="at least 20 different sources to choose n_components, got 6"):
        make_bridge(name).fit(np.repeat(SOURCE[:6], 5, axis=0), TARGET[:30])


@pytest.mark.parametrize("name", NAMES)
def test_equal_rows_are_refused(name):
    equal = np.repeat(SOURCE[:1], 30, axis=0)
    with pytest.raises(InputError, match=f"bridge {name!r}: source: expected rows that differ"):
        make_bridge(name, n_components=2).fit(equal, TARGET[:30])
    with pytest.raises(InputError, match=f"bridge {name!r}: target: expected rows that differ"):
        make_bridge(name, n_components=2).fit(SOURCE[:30], equal)


@pytest.mark.parametrize("name", NAMES)
def test_sides_that_share_nothing_are_refused(name):
    one, other = np.repeat([1.0, -1.0], 2), np.tile([1.0, -1.0], 2)
    source, target = (np.stack([np.full(4, 2.0), side, np.zeros(4)], axis=1) for side in (one, other))
    with pytest.raises(InputError, match="do not vary together at all"):
        make_bridge(name, n_components=1).fit(source, target)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [0, -1, 13, 2.0, "4", True])
def test_components_out_of_range(name, wrong):
    with pytest.raises(InputError, match=r"n_components must be a whole number (of at least 1|in 1\.\.12)"):
        make_bridge(name, n_components=wrong).fit(SOURCE, TARGET)


def test_shrinkage_out_of_range():
    with pytest.raises(InputError, match="bridge 'cca': shrinkage must be"):
        make_bridge("cca", shrinkage=2).fit(SOURCE, TARGET)
