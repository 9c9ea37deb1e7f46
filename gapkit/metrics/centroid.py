"""Distance of the two centroids: the modality gap in its first sense."""

from __future__ import annotations

import math

import torch

from gapkit.arrays import ArrayLike
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value


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
    return centroid_distance_of(pair_of(source, target, owner, least=1)).value


@metric(
    "centroid-distance",
    label="Centroid distance",
    place=20,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, math.inf),
    needs_pairs=False,
    reference="Liang et al. (2022), Mind the gap",
    definition="Euclidean distance between the mean of the source and the mean of the target.",
    function=centroid_distance,
)
def centroid_distance_of(pair: Pair) -> Value:
    """Centroid distance, and how far each item lies along the offset.

    Along the offset only: whole resampled offsets are too long by the sampling noise, once more, and where the means
    agree their length says how wide the clouds are.
    """
    offset = pair.x.mean - pair.y.mean
    length = float(torch.linalg.vector_norm(offset))
    along = offset / length if length else torch.zeros_like(offset)
    return Value(length, influence=lambda: (pair.x.along(along), -pair.y.along(along)))
