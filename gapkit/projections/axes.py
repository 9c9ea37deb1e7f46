"""Linear planes: principal components, and the axis between two clouds against what varies across it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.projections.plane import Parts, Plane, Rows

Axes = NDArray[np.float64]


def pca(rows: Rows, parts: Parts, *, random_state: int = 0, axes_from: Sequence[str] | None = None) -> Plane:
    """The two principal components of all rows, or of those of the clouds `axes_from`."""
    chosen = _chosen(rows, parts, axes_from)
    centre = chosen.mean(axis=0)
    axes = _leading(chosen - centre, 2)
    return _plane(rows, centre, axes, ("PC 1", "PC 2"), {} if axes_from is None else {"axes_from": list(axes_from)})


def gap(
    rows: Rows,
    parts: Parts,
    *,
    random_state: int = 0,
    between: Sequence[str] | None = None,
    axes_from: Sequence[str] | None = None,
) -> Plane:
    """The line from the mean of one cloud to that of another, against the first principal component across it."""
    first, second = _between(parts, between)
    direction = rows[parts[second]].mean(axis=0, dtype=np.float64) - rows[parts[first]].mean(axis=0, dtype=np.float64)
    return _across(rows, parts, direction, (first, second), "Gap axis", axes_from)


def lda(
    rows: Rows,
    parts: Parts,
    *,
    random_state: int = 0,
    between: Sequence[str] | None = None,
    axes_from: Sequence[str] | None = None,
) -> Plane:
    """Fisher's direction between two clouds, against the first principal component across it.

    The covariance inside the clouds is shrunk towards a multiple of the identity (Ledoit and Wolf, 2004), so that fewer
    rows than dimensions do.
    """
    from sklearn.covariance import ledoit_wolf

    first, second = _between(parts, between)
    sides = [rows[parts[name]].astype(np.float64) for name in (first, second)]
    means = [side.mean(axis=0) for side in sides]
    inside = np.concatenate([side - mean for side, mean in zip(sides, means, strict=True)])
    if not np.any(inside):
        raise InputError(f"projection lda: {first} and {second} are single points; use gap")
    within, _ = ledoit_wolf(inside, assume_centered=True)
    direction = np.linalg.lstsq(within, means[1] - means[0], rcond=None)[0]
    return _across(rows, parts, direction, (first, second), "LDA axis", axes_from)


def _across(
    rows: Rows, parts: Parts, direction: Axes, pair: tuple[str, str], name: str, axes_from: Sequence[str] | None
) -> Plane:
    length = float(np.linalg.norm(direction))
    if length < 1e-12:
        raise InputError(f"projection: {pair[0]} and {pair[1]} have the same mean, so there is no axis between them")
    axis = direction / length
    chosen = _chosen(rows, parts, axes_from)
    centre = chosen.mean(axis=0)
    rest = chosen - centre
    rest -= np.outer(rest @ axis, axis)
    axes = np.column_stack([axis, _leading(rest, 1)[:, 0]])
    params = {"between": list(pair), **({} if axes_from is None else {"axes_from": list(axes_from)})}
    return _plane(rows, centre, axes, (f"{name}, {pair[0]} to {pair[1]}", "First PC across it"), params)


def _plane(rows: Rows, centre: Axes, axes: Axes, names: tuple[str, str], params: dict[str, list[str]]) -> Plane:
    coordinates = (rows - centre) @ axes
    total = float(rows.var(axis=0, dtype=np.float64).sum())
    shares = coordinates.var(axis=0) / total if total > 0 else np.zeros(2)
    return Plane(coordinates, names, (float(shares[0]), float(shares[1])), params)


def _leading(centred: Axes, k: int) -> Axes:
    """The k directions of largest variance as columns, (d, k); the largest entry of each is positive."""
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes: Axes = np.zeros((centred.shape[1], k))
    found = vectors[:, ::-1][:, :k]
    axes[:, : found.shape[1]] = found
    largest = np.abs(axes).argmax(axis=0)
    return axes * np.where(axes[largest, np.arange(k)] < 0, -1.0, 1.0)


def _chosen(rows: Rows, parts: Parts, names: Sequence[str] | None) -> Axes:
    if names is None:
        return rows.astype(np.float64)
    _known(parts, names, "axes_from")
    return np.concatenate([rows[parts[name]] for name in names]).astype(np.float64)


def _between(parts: Parts, names: Sequence[str] | None) -> tuple[str, str]:
    known = list(parts)
    pair = [known[0], known[-1]] if names is None else [names] if isinstance(names, str) else list(names)
    if len(set(pair)) != 2:
        raise InputError(f"projection: between: expected the names of two clouds, got {', '.join(pair)}")
    _known(parts, pair, "between")
    return pair[0], pair[1]


def _known(parts: Parts, names: Sequence[str], option: str) -> None:
    if isinstance(names, str) or not names:
        raise InputError(f"projection: {option}: expected a list of names, got {names!r}; here are: {', '.join(parts)}")
    for name in names:
        if name not in parts:
            raise InputError(f"projection: {option}: no cloud {name!r}; here are: {', '.join(parts)}")
