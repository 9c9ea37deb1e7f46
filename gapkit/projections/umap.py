"""UMAP (McInnes, Healy and Melville, 2018) over exact neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.metrics.neighbours import Distance, nearest_neighbours
from gapkit.projections.axes import pca
from gapkit.projections.descent import descend
from gapkit.projections.graph import neighbour_graph
from gapkit.projections.plane import Parts, Plane, Rows

WIDTH, NOISE = 10.0, 1e-4
"""Of the first layout along either axis, and of what is added to it, so that equal rows can part."""
MANY, EPOCHS, EPOCHS_OF_MANY = 10_000, 500, 200
"""More rows than `MANY` take fewer epochs, as in umap-learn."""


def umap(
    rows: Rows,
    parts: Parts,
    *,
    random_state: int = 0,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    metric: Distance = "cosine",
    n_epochs: int | None = None,
    same_clips: Sequence[str] | None = None,
) -> Plane:
    """Neighbours stay neighbours.

    What umap-learn computes at its defaults, but for the neighbours, which are exact, from the search that the metrics
    share, and the beginning: clouds with a gap between them have a neighbour graph in several pieces, whose place to
    each other a spectral layout does not know, so it begins at the principal components.

    Row i of the clouds `same_clips` is one clip, moved or not. Its versions do not count as each other's neighbours:
    they nearly always are the nearest ones, and would tie a cloud to what a bridge made of it, over any gap.
    """
    if not isinstance(n_neighbors, int) or n_neighbors < 2:
        raise InputError(f"projection umap: n_neighbors: expected a whole number of at least 2, got {n_neighbors!r}")
    if not 0 <= min_dist <= 1:
        raise InputError(f"projection umap: min_dist: expected a number from 0 to 1, got {min_dist!r}")
    if n_epochs is not None and (not isinstance(n_epochs, int) or n_epochs < 1):
        raise InputError(f"projection umap: n_epochs: expected a whole number of at least 1, got {n_epochs!r}")
    if len(rows) < 5:
        raise InputError(f"projection umap: expected at least 5 rows in all, got {len(rows)}; use pca")
    clip = _clips(len(rows), parts, same_clips)
    # As in umap-learn, a row counts as its own first neighbour.
    k = max(min(n_neighbors, len(rows) - int(np.bincount(clip).max())), 2)
    found = nearest_neighbours(rows, k=k - 1, metric=metric, owner=clip)
    graph = neighbour_graph(found.indices.numpy(), found.distances.numpy())
    a, b = _curve(float(min_dist))
    epochs = n_epochs or (EPOCHS if len(rows) <= MANY else EPOCHS_OF_MANY)
    begin = _first_layout(rows, parts, np.random.default_rng(random_state))
    coordinates = descend(graph, begin, a=a, b=b, n_epochs=epochs, random_state=random_state)
    params: dict[str, Any] = {"n_neighbors": k, "min_dist": min_dist, "metric": metric, "n_epochs": epochs}
    if same_clips is not None:
        params["same_clips"] = list(same_clips)
    return Plane(coordinates, ("UMAP 1", "UMAP 2"), None, params)


def _clips(n: int, parts: Parts, same_clips: Sequence[str] | None) -> NDArray[np.int64]:
    """A number for each row, equal for the versions of one clip."""
    clip = np.arange(n)
    if not same_clips:
        return clip
    for name in same_clips:
        if name not in parts:
            raise InputError(f"projection umap: same_clips: no cloud {name!r}; here are: {', '.join(parts)}")
    lengths = {name: parts[name].stop - parts[name].start for name in same_clips}
    few = min(lengths.values())
    for name, length in lengths.items():
        if length % few:
            raise InputError(f"projection umap: same_clips: {name}: expected as many rows as the others, got {length}")
        clip[parts[name]] = n + np.arange(length) % few
    return np.unique(clip, return_inverse=True)[1].astype(np.int64)


@lru_cache(maxsize=8)
def _curve(min_dist: float) -> tuple[float, float]:
    """Parameters a and b of 1 / (1 + a d^2b), nearest to 1 below `min_dist` and an exponential fall beyond it."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, 3, 300)
    goal = np.where(d < min_dist, 1.0, np.exp(min_dist - d))
    (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), d, goal)
    return float(a), float(b)


def _first_layout(rows: Rows, parts: Parts, rng: np.random.Generator) -> Rows:
    """The principal components, in the square that umap-learn begins in."""
    flat = pca(rows, parts).coordinates
    low, high = flat.min(axis=0), flat.max(axis=0)
    flat = WIDTH * (flat - low) / np.where(high > low, high - low, 1.0)
    return np.asarray(flat + rng.normal(scale=NOISE, size=flat.shape), dtype=np.float32)
