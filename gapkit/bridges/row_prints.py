"""Eight bytes that stand for an embedding: they tell a row again, whatever its length and in fewer digits too."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import slices
from gapkit.memory_map import file_of, let_go

SUMS = 4
"""Numbers of a print: sums of the entries of a unit row, each with fixed signs."""
STEPS = 2**12
"""Steps of a print to 1. The sum of a random unit row has a standard deviation of 1."""
NEAR = 3
"""Steps that two prints of one row may differ by: float16 moves a sum by less than one step."""
NEAR_BY_NAME = STEPS // 4
"""The same where both rows have one name: the same item, embedded again."""


def row_prints(rows: NDArray[Any]) -> NDArray[np.int16]:
    """The print of each row, (n, 4).

    Parameters
    ----------
    rows : array of shape (n, d)
        Of any length; only the direction counts. A row of zeros has the print 0.

    Returns
    -------
    array of shape (n, 4) of int16
        Four sums of the entries of the unit row with fixed signs, in steps of 1 / 4096. Two unrelated rows of 64
        dimensions or more have prints within `NEAR` of each other once in 1e13 pairs.
    """
    signs = _signs(rows.shape[1])
    prints = np.empty((len(rows), SUMS), dtype=np.int16)
    file = file_of(rows)
    for part in slices(*rows.shape):
        prints[part] = np.clip(np.rint(unit(rows[part]) @ signs * STEPS), -32767, 32767)
        let_go(file)
    return prints


def unit(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Rows of length one in float64: the last digit of a sum hangs on the number of threads, and must not show.

    What is not finite counts as 0: whoever moves or measures such rows refuses them.
    """
    block = np.array(rows, dtype=np.float64)
    block[~np.isfinite(block)] = 0
    # The squares of very large and very small numbers leave the range of float64.
    block /= np.maximum(np.abs(block).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return block


def name_prints(names: Sequence[str] | NDArray[Any] | None) -> NDArray[np.int64]:
    """The hash of each name, (n,); of length 0 without names."""
    given = [] if names is None else names
    told = (hashlib.blake2b(str(name).encode("utf-8", "replace"), digest_size=8).digest() for name in given)
    return np.frombuffer(b"".join(told), dtype="<i8").astype(np.int64)


def seen_before(
    rows: NDArray[np.int16], names: NDArray[np.int64], known: NDArray[np.int16], known_names: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark the rows that are among the known rows, (n,).

    Parameters
    ----------
    rows, known : array of shape (n, 4) and (k, 4)
        From `row_prints`.
    names, known_names : array of shape (n,) and (k,), or of length 0
        From `name_prints`.

    Returns
    -------
    array of shape (n,) of bool
        True where the prints are near each other; where the names agree too, `NEAR_BY_NAME` is near. A name alone
        tells nothing: every file has a `clip_1`.
    """
    from scipy.spatial import cKDTree

    if not len(known) or not len(rows):
        return np.zeros(len(rows), dtype=np.bool_)
    distance, _ = cKDTree(np.unique(known, axis=0)).query(rows, p=np.inf, distance_upper_bound=NEAR + 0.5)
    seen = np.isfinite(distance)
    if len(names) and len(known_names):
        order = np.argsort(known_names, kind="stable")
        place = np.searchsorted(known_names, names, sorter=order).clip(max=len(order) - 1)
        other = order[place]
        apart = np.abs(rows.astype(np.int32) - known[other].astype(np.int32)).max(axis=1)
        seen |= (known_names[other] == names) & (apart <= NEAR_BY_NAME)
    return np.asarray(seen, dtype=np.bool_)


def _signs(dim: int) -> NDArray[np.float64]:
    """Signs, (dim, 4): the same on every machine and with every version of numpy."""
    drawn = np.frombuffer(hashlib.shake_128(b"gapkit row prints").digest(-(-dim * SUMS // 8)), dtype=np.uint8)
    bits = np.unpackbits(drawn)[: dim * SUMS].reshape(dim, SUMS)
    return 1.0 - 2.0 * bits.astype(np.float64)
