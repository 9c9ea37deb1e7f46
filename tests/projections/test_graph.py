"""The neighbour graph, beside its definition solved row by row."""

import numpy as np
import pytest
from scipy.optimize import brentq

from gapkit.metrics.neighbours import nearest_neighbours
from gapkit.projections.graph import neighbour_graph


@pytest.fixture
def neighbours():
    found = nearest_neighbours(
        np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), k=6, metric="euclidean"
    )
    return found.indices.numpy(), found.distances.numpy().astype(np.float64)


def test_each_row_has_as_many_neighbours_as_it_was_told(neighbours):
    """exp(-(d - nearest) / width) sums to log2 of the neighbours, the row itself counted; both sides are joined."""
    indices, distances = neighbours
    own = np.zeros((50, 50))
    for row, (near, d) in enumerate(zip(indices, distances, strict=True)):
        width = brentq(lambda w, d=d: np.exp(-(d - d[0]) / w).sum() - np.log2(7), 1e-6, 1e6)
        own[row, near] = np.exp(-(d - d[0]) / width)
    np.testing.assert_allclose(neighbour_graph(*neighbours).toarray(), own + own.T - own * own.T, atol=2e-5)


def test_rows_in_one_place_are_sure_neighbours():
    indices = np.array([[1, 2], [0, 2], [1, 0]])
    graph = neighbour_graph(indices, np.zeros((3, 2), dtype=np.float32)).toarray()
    np.testing.assert_array_equal(graph, 1 - np.eye(3))


def test_it_is_symmetric_and_sorted_by_row(neighbours):
    graph = neighbour_graph(*neighbours)
    assert (np.diff(graph.row) >= 0).all()
    assert 0 < graph.data.min() <= graph.data.max() <= 1
    np.testing.assert_allclose(graph.toarray(), graph.toarray().T)
