"""Distance of the two centroids: the modality gap in its first sense."""

from __future__ import annotations

import torch

from gapkit.arrays import ArrayLike
from gapkit.metrics._sides import sides


def centroid_distance(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Euclidean distance between the mean of the source and the mean of the target, every clip counting the same.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Taken as given: scale rows to length one first to compare with published numbers.
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        At least 0, at most 2 for unit rows; lower is nearer. Two samples of one distribution do not reach 0:
        expect about the square root of (trace of both covariances / n).

    Raises
    ------
    InputError

    References
    ----------
    Liang et al. (2022), Mind the gap, NeurIPS.

    Examples
    --------
    >>> centroid_distance([[0, 0], [2, 0]], [[1, 3], [1, 5]])
    4.0
    """
    both = sides(source, target, owner, least=1)
    return float(torch.linalg.vector_norm(both.x.mean - both.y.mean))
