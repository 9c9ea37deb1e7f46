"""UMAP (McInnes, Healy and Melville, 2018) over exact neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.neighbours import Distance, nearest_neighbours
from gapkit.projections.axes import pca
from gapkit.projections.descent import descend
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

    What umap-learn computes at its defaults: the graph and the curve are its own, the descent is `descend`, the same
    several times as fast. But the neighbours are exact, from the search that the metrics share, and so is the beginning
    another: clouds with a gap between them have a neighbour graph in several pieces, whose place to
    each other a spectral layout does not know, so it begins at the principal components.

    Row i of the clouds `same_clips` is one clip, moved or not. Its versions do not count as each other's neighbours:
    they nearly always are the nearest ones, and would tie a cloud to what a bridge made of it, over any gap.
    """
    n_neighbors = whole("projection umap: n_neighbors", n_neighbors, 2)
    if not 0 <= min_dist <= 1:
        raise InputError(f"projection umap: min_dist: expected a number from 0 to 1, got {min_dist!r}")
    if n_epochs is not None:
        n_epochs = whole("projection umap: n_epochs", n_epochs, 1)
    if len(rows) < 5:
        raise InputError(f"projection umap: expected at least 5 rows in all, got {len(rows)}; use pca")
    clip = _clips(len(rows), parts, same_clips)
    # As in umap-learn, a row counts as its own first neighbour.
    k = max(min(n_neighbors, len(rows) - int(np.bincount(clip).max())), 2)
    found = nearest_neighbours(rows, k=k - 1, metric=metric, owner=clip)
    graph = neighbour_graph(found.indices.numpy(), found.distances.numpy())
    a, b = curve(float(min_dist))
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
    if isinstance(same_clips, str):
        raise InputError(f"projection umap: same_clips: expected a list of names, got {same_clips!r}")
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


def neighbour_graph(indices: NDArray[np.integer[Any]], distances: NDArray[np.floating[Any]]) -> coo_array:
    """umap-learn's fuzzy union of each row's (n, k) nearest rows, itself not among them: symmetric, by row."""
    with warnings.catch_warnings():
        # Its own code is deprecated in numba, and the like.
        warnings.simplefilter("ignore")
        from umap.umap_ import fuzzy_simplicial_set

        n = len(indices)
        itself = np.arange(n)[:, None]
        union, *_ = fuzzy_simplicial_set(
            # Of the rows it reads no more than how many there are.
            np.empty((n, 1), dtype=np.float32),
            n_neighbors=indices.shape[1] + 1,
            random_state=None,
            metric="precomputed",
            knn_indices=np.hstack([itself, indices]),
            knn_dists=np.hstack([np.zeros((n, 1)), distances]).astype(np.float32),
        )
    union = union.tocsr()
    union.sort_indices()
    return coo_array(union)


def curve(min_dist: float) -> tuple[float, float]:
    """Parameters a and b of 1 / (1 + a d^2b), by which umap-learn tells near from far in the plane."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap.umap_ import find_ab_params

        a, b = find_ab_params(1.0, min_dist)
    return float(a), float(b)


def _first_layout(rows: Rows, parts: Parts, rng: np.random.Generator) -> Rows:
    """The principal components, in the square that umap-learn begins in."""
    flat = pca(rows, parts).coordinates
    low, high = flat.min(axis=0), flat.max(axis=0)
    flat = WIDTH * (flat - low) / np.where(high > low, high - low, 1.0)
    return np.asarray(flat + rng.normal(scale=NOISE, size=flat.shape), dtype=np.float32)
