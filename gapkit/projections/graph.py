"""The neighbour graph of UMAP: how surely two rows are neighbours, from the distances to the nearest ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

HALVINGS = 64
"""Of the interval that holds a row's bandwidth."""
TOLERANCE = 1e-5
NARROWEST = 1e-3
"""Of a bandwidth, as a share of the mean distance to the neighbours."""


def neighbour_graph(indices: NDArray[np.integer[Any]], distances: NDArray[np.floating[Any]]) -> coo_array:
    """Join rows to their neighbours; two rows are as sure as either side says they are.

    Parameters
    ----------
    indices : array of int of shape (n, k)
        Nearest rows of each row, without itself.
    distances : array of shape (n, k)
        Rising.

    Returns
    -------
    sparse array of shape (n, n)
        Symmetric, in (0, 1], sorted by row: the fuzzy union of McInnes, Healy and Melville (2018), UMAP, section 3.1,
        as umap-learn computes it.
    """
    n, k = indices.shape
    nearest, bandwidth = _scales(np.asarray(distances, dtype=np.float64))
    beyond = np.maximum(distances - nearest[:, None], 0.0)
    sure = np.exp(-np.divide(beyond, bandwidth[:, None], out=np.zeros_like(beyond), where=bandwidth[:, None] > 0))
    own = csr_array((sure.ravel(), (np.repeat(np.arange(n), k), indices.ravel())), shape=(n, n))
    back = own.T.tocsr()
    union = csr_array(own + back - own * back)
    union.eliminate_zeros()
    union.sort_indices()
    return union.tocoo()


def _scales(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance to the nearest other place, and the width at which a row has log2(k + 1) neighbours, (n,) each.

    The row itself counts as one of them in umap-learn's k, and so does its distance of nothing in the mean.
    """
    k = distances.shape[1]
    goal = np.log2(k + 1)
    apart = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest = np.where(np.isfinite(apart), apart, 0.0)
    beyond = np.maximum(distances - nearest[:, None], 0.0)
    low, high, width = np.zeros(len(distances)), np.full(len(distances), np.inf), np.ones(len(distances))
    for _ in range(HALVINGS):
        count = np.exp(-beyond / width[:, None]).sum(axis=1)
        off = np.abs(count - goal) >= TOLERANCE
        if not off.any():
            break
        many, few = off & (count > goal), off & (count <= goal)
        high[many] = width[many]
        low[few] = width[few]
        width = np.where(off, np.where(np.isfinite(high), (low + high) / 2, width * 2), width)
    mean = distances.sum(axis=1) / (k + 1)
    floor = NARROWEST * np.where(nearest > 0, mean, mean.mean())
    return nearest, np.maximum(width, floor)
