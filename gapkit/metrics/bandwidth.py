"""The median heuristic: one kernel width, fixed from the target side."""

from __future__ import annotations

import math

import torch

from gapkit.arrays import ArrayLike, generator, slices
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud, cloud

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Multiples of the median that `mmd_multi` averages over."""

PAIRS = 100_000
"""Random pairs that the median is taken over where all pairs would be more."""


def median_bandwidth(target: ArrayLike, *, seed: int = 0) -> float:
    """Median Euclidean distance between different rows of `target`.

    Parameters
    ----------
    target : array-like of shape (m, d)
    seed : int
        Chooses 100,000 pairs; with fewer pairs than that (m <= 447) the median is exact.

    Returns
    -------
    float
        Above 0, in the units of `target`.

    Raises
    ------
    InputError
        Fewer than two rows, or most rows are the same point.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, section 8.

    Examples
    --------
    >>> median_bandwidth([[0.0], [1.0], [3.0]])
    2.0
    """
    return cloud_bandwidth(cloud(target, name="target"), seed=seed)


def cloud_bandwidth(y: Cloud, *, seed: int = 0) -> float:
    """Median distance between different rows, whatever their clips: see `median_bandwidth`."""
    m = len(y.base)
    if m < 2:
        raise InputError(f"target: expected at least 2 rows for a bandwidth, got {m}")
    # By a power of two, which rounds nothing: squares of very large or small numbers leave the range of float32.
    farthest = y.reach(y.mean)
    if not math.isfinite(farthest):
        raise InputError("target: rows are too far apart for float32; scale both sides by one number")
    scale = math.ldexp(1.0, max(math.frexp(farthest)[1], -126))
    if m * (m - 1) // 2 <= PAIRS:
        distances = torch.pdist((y.rows - y.mean).to(y.base.dtype).div_(scale))
    else:
        rng = generator(seed)
        first = torch.randint(m, (PAIRS,), generator=rng)
        # Never the same row twice: the second is drawn among the other m - 1.
        second = (first + torch.randint(1, m, (PAIRS,), generator=rng)) % m
        first, second = first.to(y.base.device), second.to(y.base.device)
        distances = torch.empty(PAIRS, device=y.base.device)
        for part in slices(PAIRS, y.base.shape[1]):
            apart = (y.take(first[part]) - y.take(second[part])).div_(scale)
            distances[part] = torch.linalg.vector_norm(apart, dim=1)
    value = scale * (float(distances.double().quantile(0.5)) if len(distances) < 2**24 else float(distances.median()))
    if not value > 0:
        raise InputError("target: the median distance of its rows is 0 (most are the same); give a bandwidth > 0")
    return value
