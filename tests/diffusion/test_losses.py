from __future__ import annotations

import numpy as np
import pytest
import torch

from gapkit.diffusion.losses import TOPOLOGY, cosine_matrix, make_topology
from gapkit.errors import InputError

DRAW = torch.Generator().manual_seed(0)
A, B = torch.randn(7, 5, generator=DRAW), torch.randn(7, 5, generator=DRAW)


def of_rows(name):
    return lambda predicted, true: make_topology(name)(cosine_matrix(predicted), cosine_matrix(true))


def cosines(rows):
    unit = rows.numpy() / np.linalg.norm(rows.numpy(), axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("name", TOPOLOGY)
def test_zero_for_the_same_geometry_and_positive_otherwise(name):
    loss = of_rows(name)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=DRAW))[0]
    assert float(loss(A @ turn * 3, A)) == pytest.approx(0, abs=1e-5)
    assert float(loss(B, A)) > 0.01


@pytest.mark.parametrize("name", TOPOLOGY)
def test_gradients_are_finite_even_at_the_optimum(name):
    rows = A.clone().requires_grad_()
    of_rows(name)(rows, A).backward()
    assert bool(torch.isfinite(rows.grad).all())


def test_frobenius_is_the_mean_over_pairs():
    p, q = cosines(A), cosines(B)
    expected = np.mean([(p[i, j] - q[i, j]) ** 2 for i in range(7) for j in range(7) if i != j])
    assert float(of_rows("frobenius")(A, B)) == pytest.approx(expected, rel=1e-5)


def test_one_row_has_no_geometry_to_miss():
    assert float(of_rows("frobenius")(A[:1], B[:1])) == pytest.approx(0, abs=1e-12)


def test_pearson_is_one_minus_the_correlation_of_rows():
    p, q = cosines(A), cosines(B)
    r = [np.corrcoef(np.delete(p[i], i), np.delete(q[i], i))[0, 1] for i in range(7)]
    assert float(of_rows("pearson")(A, B)) == pytest.approx(1 - np.mean(r), rel=1e-4)


def test_softmax_is_the_divergence_of_neighbour_distributions():
    total = 0.0
    for i in range(7):
        p, q = (np.exp(np.delete(cosines(rows)[i], i) / 0.1) for rows in (A, B))
        p, q = p / p.sum(), q / q.sum()
        total += (q * np.log(q / p)).sum()
    assert float(of_rows("softmax")(A, B)) == pytest.approx(total / 7, rel=1e-4)


def test_unknown_form():
    with pytest.raises(InputError, match="known are frobenius"):
        make_topology("nuclear")
