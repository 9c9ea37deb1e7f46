"""Shrinkage and square roots of covariances, against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from conformance import toy_pairs
from sklearn.covariance import ledoit_wolf as sklearn_ledoit_wolf

from gapkit.bridges.covariance import centred, covariance, ledoit_wolf, square_roots
from gapkit.errors import InputError

SOURCE, _ = toy_pairs()


def residuals(rows):
    return centred(torch.from_numpy(rows), title="bridge", side="source")[0]


@pytest.mark.parametrize("n", [2, 5, 30, 96])
def test_ledoit_wolf_agrees_with_scikit_learn(n):
    rows = residuals(SOURCE[:n])
    shrunk, amount = sklearn_ledoit_wolf(rows.numpy(), assume_centered=True)
    assert ledoit_wolf(rows) == pytest.approx(amount, abs=1e-12)
    np.testing.assert_allclose(covariance(rows, "ledoit-wolf")[0].numpy(), shrunk, atol=1e-14)


def test_shrinkage_keeps_the_total_variance():
    rows = residuals(SOURCE)
    totals = [float(covariance(rows, a)[0].trace()) for a in (0.0, 0.3, 1.0)]
    assert totals == pytest.approx([totals[0]] * 3)
    np.testing.assert_allclose(covariance(rows, 0.0)[0].numpy(), np.cov(rows.numpy(), rowvar=False, ddof=0), atol=1e-15)


def test_square_roots_agree_with_scipy():
    matrix = covariance(residuals(SOURCE), 0.0)[0]
    root, inverse = (m.numpy() for m in square_roots(matrix))
    np.testing.assert_allclose(root, scipy.linalg.sqrtm(matrix.numpy()), atol=1e-10)
    np.testing.assert_allclose(inverse @ inverse @ matrix.numpy(), np.eye(12), atol=1e-8)


def test_directions_without_variance_stay_without():
    rows = np.random.default_rng(0).normal(size=(5, 12))
    matrix = covariance(residuals(rows), 0.0)[0]
    root, inverse = (m.numpy() for m in square_roots(matrix))
    assert np.linalg.matrix_rank(inverse) == 4
    np.testing.assert_allclose(inverse, np.linalg.pinv(root, rcond=1e-6), atol=1e-8)


def test_rounding_is_no_variance():
    # A constant coordinate of float32 rows is constant but for the last bit once rows are scaled to length one.
    rows = SOURCE.copy()
    rows[:, 3] = 0.25 + 1e-8 * np.random.default_rng(0).normal(size=len(rows))
    inverse = square_roots(covariance(residuals(rows), 0.0)[0])[1]
    assert float(inverse.abs().max()) < 1e3


def test_equal_rows_are_refused():
    equal = torch.from_numpy(np.repeat(SOURCE[:1], 7, axis=0))
    with pytest.raises(InputError, match="bridge x: target: expected rows that differ, got 7 equal ones"):
        centred(equal, title="bridge x", side="target")
