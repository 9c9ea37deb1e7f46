"""What figures are given: both sides of the pairs as arrays that fit each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError

RESERVED = ("source", "target")


def check_pairs(
    source: ArrayLike, target: ArrayLike, owner: ArrayLike | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Both sides as arrays, and the source row of each target row.

    Raises
    ------
    InputError
        Shapes that do not fit each other.
    """
    x = as_rows(source, "source")
    y = as_rows(target, "target", x.shape[1])
    return x, y, as_owner(owner, len(x), len(y))


def as_rows(values: ArrayLike, name: str, width: int | None = None) -> NDArray[np.float32]:
    """One side as an array, of `width` dimensions where that is given."""
    return np.asarray(as_matrix(values, name=f"figure: {name}", n_features=width).cpu().numpy())


def as_owner(owner: ArrayLike | None, n: int, m: int) -> NDArray[np.int64]:
    """The source row of each of m target rows; every one of n source rows has a target."""
    if owner is None and n != m:
        raise InputError(f"figure: {n} source rows but {m} target rows; give `owner`, the source row of each target")
    owners = np.arange(n) if owner is None else np.asarray(owner)
    if owners.shape != (m,) or owners.dtype.kind not in "iu":
        raise InputError(f"figure: owner: expected one integer a target row ({m}), got shape {owners.shape}")
    if len(np.unique(owners)) != n or owners.min() < 0 or owners.max() >= n:
        raise InputError(f"figure: owner: expected every source row 0..{n - 1} at least once")
    return owners.astype(np.int64)


def check_names(clouds: Iterable[str]) -> None:
    """Refuse a cloud that is called as one of the two sides is: it would take that side's place."""
    for name in clouds:
        if name in RESERVED:
            raise InputError(
                f"figure: a cloud cannot be called {name!r}, as a side of the pairs is; give it another name"
            )


def unit_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of length one, in the precision given; one of zeros stays zero."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30))
