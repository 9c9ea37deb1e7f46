"""The layout of UMAP: neighbours pull each other, strangers push, by stochastic gradient descent.

What umap-learn does with ``n_jobs=1``, but for two things that make it several times as fast: the forces are looked up
in a table, where umap-learn takes powers and divisions for each, and all random numbers come from one generator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

Floats = NDArray[np.float32]

STRANGERS = 5
"""Rows that push one away each time that a neighbour pulls it."""
SOFT = 0.001
"""Added to the squared distance of strangers: a push has an end."""
FURTHEST = np.float32(4.0)
"""Of a single move, before the rate."""

SHIFT = 17
"""Bits of a float32 that its place in the table leaves out: six of the mantissa stay."""
REST, SHARE = (1 << SHIFT) - 1, np.float32(1 / (1 << SHIFT))
FIRST, LAST = (int(np.float32(end).view(np.int32)) >> SHIFT for end in (2.0**-24, 2.0**24))
"""Squared distances that the table spans; what is beyond has the force at its end."""


def descend(graph: coo_array, begin: Floats, *, a: float, b: float, n_epochs: int, random_state: int) -> Floats:
    """Lay out a graph.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric, in (0, 1]. An edge is followed as often as it is sure, the surest once an epoch.
    begin : array of shape (n, 2)
    a, b : float
        Of the curve 1 / (1 + a d^2b), by which near is told from far in the plane.
    n_epochs : int
    random_state : int

    Returns
    -------
    array of shape (n, 2)
        The same for the same input and seed.
    """
    seen = graph.data >= graph.data.max() / n_epochs
    waits = (graph.data.max() / graph.data[seen]).astype(np.float32)
    heads, tails = (ends[seen].astype(np.uint32) for ends in (graph.row, graph.col))
    places = np.array(begin, dtype=np.float32, order="C")
    seed = np.random.SeedSequence(random_state).generate_state(1, np.uint64)[0]
    _compiled()(places, heads, tails, waits, *forces(a, b), n_epochs, seed)
    return places


def forces(a: float, b: float) -> tuple[Floats, Floats]:
    """Pull of neighbours and push of strangers as tables for `look_up`, (m, 2) each: values and steps to the next."""
    bits = np.arange(FIRST, LAST + 1, dtype=np.int32) << SHIFT
    squared = bits.view(np.float32).astype(np.float64)
    near = a * squared**b
    pull = -2 * b * near / (squared * (1 + near))
    push = 2 * b / ((SOFT + squared) * (1 + near))
    first, second = (np.column_stack([own, np.append(np.diff(own), 0.0)]).astype(np.float32) for own in (pull, push))
    return first, second


def look_up(table: Floats, squared: Any) -> Any:
    """The force at a squared distance, off by less than 5e-4 of itself: a line between 64 places a power of two."""
    bits = np.float32(squared).view(np.int32)
    place: Any = min(max((bits >> SHIFT) - FIRST, 0), LAST - FIRST)
    return table[place, 0] + table[place, 1] * (np.float32(bits & REST) * SHARE)


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., None]:
    """The loop as machine code; numba is loaded when a layout is first asked for."""
    from numba import njit

    force, step = njit(look_up), njit(_step)
    factor, more, half = np.uint64(6364136223846793005), np.uint64(1442695040888963407), np.uint64(32)

    @njit
    def run(
        places: Floats, heads: Any, tails: Any, waits: Floats, pull: Floats, push: Floats, n_epochs: int, state: Any
    ) -> None:
        n = np.uint64(len(places))
        due = waits.copy()
        for epoch in range(n_epochs):
            rate = np.float32(1.0 - epoch / n_epochs)
            for edge in range(len(heads)):
                if due[edge] > epoch:
                    continue
                due[edge] += waits[edge]
                head, tail = heads[edge], tails[edge]
                x, y = places[head, 0], places[head, 1]
                across, up = x - places[tail, 0], y - places[tail, 1]
                strength = force(pull, across * across + up * up)
                across, up = step(strength * across) * rate, step(strength * up) * rate
                x += across
                y += up
                places[tail, 0] -= across
                places[tail, 1] -= up
                for _ in range(STRANGERS):
                    # Knuth's linear congruential generator; the upper half of its state, as a share of all, is a row.
                    state = state * factor + more
                    other = ((state >> half) * n) >> half
                    across, up = x - places[other, 0], y - places[other, 1]
                    strength = force(push, across * across + up * up)
                    x += step(strength * across) * rate
                    y += step(strength * up) * rate
                places[head, 0] = x
                places[head, 1] = y

    return run  # type: ignore[no-any-return]


def _step(amount: Any) -> Any:
    return min(max(amount, -FURTHEST), FURTHEST)
