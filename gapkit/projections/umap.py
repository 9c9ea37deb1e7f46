"""UMAP, as umap-learn computes it, over exact neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.metrics.neighbours import Distance, nearest_neighbours
from gapkit.projections.axes import pca
from gapkit.projections.layout import Parts, Plane, Rows

SPREAD = 10.0
"""Width of the first layout."""


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

    Neighbours are exact, from the search that the metrics share: umap-learn would look for approximate ones and compile
    that search first. It begins at the principal components: clouds with a gap between them have a neighbour graph in
    several pieces, whose place to each other a spectral layout does not know.

    Row i of the clouds `same_clips` is one clip, moved or not. Its versions do not count as each other's neighbours:
    they nearly always are the nearest ones, and would tie a cloud to what a bridge made of it, over any gap.
    """
    if not isinstance(n_neighbors, int) or n_neighbors < 2:
        raise InputError(f"projection umap: n_neighbors: expected a whole number of at least 2, got {n_neighbors!r}")
    if len(rows) < 5:
        raise InputError(f"projection umap: expected at least 5 rows in all, got {len(rows)}; use pca")
    clip = _clips(len(rows), parts, same_clips)
    k = max(min(n_neighbors, len(rows) - int(np.bincount(clip).max())), 2)
    found = nearest_neighbours(rows, k=k - 1, metric=metric, owner=clip)
    # UMAP counts a row as its own first neighbour.
    own = np.arange(len(rows))[:, None]
    indices = np.hstack([own, found.indices.numpy()])
    distances = np.hstack([np.zeros_like(own, dtype=np.float32), found.distances.numpy().astype(np.float32)])
    options: dict[str, Any] = {"n_neighbors": k, "min_dist": min_dist, "metric": metric, "n_epochs": n_epochs}
    with warnings.catch_warnings():
        # It says that new rows cannot be placed later, that its own code is deprecated in numba, and the like.
        warnings.simplefilter("ignore")
        from umap import UMAP

        model = UMAP(
            **options,
            init=_first_layout(rows, parts),
            precomputed_knn=(indices, distances, None),
            random_state=random_state,
            n_jobs=1,
        )
        coordinates = model.fit_transform(rows)
    if same_clips is not None:
        options["same_clips"] = list(same_clips)
    return Plane(np.asarray(coordinates), ("UMAP 1", "UMAP 2"), None, options)


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


def _first_layout(rows: Rows, parts: Parts) -> Rows:
    """The principal components, as wide as umap-learn makes its own first layouts."""
    flat = pca(rows, parts).coordinates
    widest = float(np.abs(flat).max())
    return np.asarray(flat * (SPREAD / widest if widest > 0 else 1.0), dtype=np.float32)
