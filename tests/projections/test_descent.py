"""The layout: its forces, its seed, and what it does to what is joined and what is not."""

import numpy as np
import pytest
from scipy.sparse import coo_array

from gapkit.projections.descent import SOFT, descend, forces, look_up

A, B = 1.577, 0.895


@pytest.mark.parametrize(("a", "b"), [(A, B), (1.933, 0.790), (0.115, 1.929)])
def test_forces_are_those_of_the_curve(a, b):
    squared = (10.0 ** np.random.default_rng(0).uniform(-7, 7, 2000)).astype(np.float32)
    near = a * squared.astype(float) ** b
    pull, push = forces(a, b)
    found = np.array([[look_up(table, d) for table in (pull, push)] for d in squared])
    np.testing.assert_allclose(found[:, 0], -2 * b * near / (squared * (1 + near)), rtol=5e-4)
    np.testing.assert_allclose(found[:, 1], 2 * b / ((SOFT + squared) * (1 + near)), rtol=5e-4)


@pytest.mark.parametrize("squared", [0.0, 1e-30, 1e30])
def test_forces_end_where_the_table_does(squared):
    for table in forces(A, B):
        ends = sorted([table[0, 0], table[0, 0] + table[0, 1], table[-1, 0]])
        assert ends[0] <= look_up(table, np.float32(squared)) <= ends[-1]


@pytest.fixture
def two_rings():
    """Forty rows, each joined to the next of its own twenty."""
    row = np.arange(40)
    after = row // 20 * 20 + (row + 1) % 20
    ends = np.concatenate([row, after]), np.concatenate([after, row])
    begin = np.random.default_rng(0).uniform(0, 10, (40, 2)).astype(np.float32)
    return coo_array((np.ones(80), ends), shape=(40, 40)), begin


def test_what_is_joined_is_near_and_the_rest_is_far(two_rings):
    graph, begin = two_rings
    out = descend(graph, begin, a=A, b=B, n_epochs=300, random_state=0)
    apart = np.linalg.norm(out[:, None] - out, axis=2)
    joined = apart[graph.row, graph.col]
    others = apart[np.triu(~graph.toarray().astype(bool), 1)]
    assert np.median(joined) < 0.2 * np.median(others)


def test_a_seed_is_a_layout(two_rings):
    graph, begin = two_rings
    kept = begin.copy()
    first, again, other = (descend(graph, begin, a=A, b=B, n_epochs=50, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(begin, kept)


def test_an_edge_is_followed_as_often_as_it_is_sure(two_rings):
    """A weak edge that would be due after the last epoch is none at all."""
    graph, begin = two_rings
    weak = graph.copy()
    weak.data[graph.row // 20 != 0] = 0.01
    out = descend(weak, begin, a=A, b=B, n_epochs=50, random_state=0)
    np.testing.assert_array_equal(out[20:], begin[20:])
    assert not np.array_equal(out[:20], begin[:20])
