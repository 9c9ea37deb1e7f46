"""What is left of the gap after each side's mean is removed: the part that no shift can close."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gapkit.arrays import ArrayLike
from gapkit.metrics._sides import Cloud, Sides, residual_directions, sides
from gapkit.metrics.cosine import clip_cosines
from gapkit.metrics.mmd import mmd
from gapkit.metrics.separability import linear_separability


def residual_cosine(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Paired cosine of the rows seen from their own side's mean.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        In [-1, 1]; higher is nearer. The share that all pairs have in common is gone, so about 0 means that pairs
        are no nearer than strangers.

    Raises
    ------
    InputError
        One side is a single point: nothing is left.

    Examples
    --------
    >>> round(residual_cosine([[5, 1], [5, -1]], [[0, 2], [0, -3]]), 6)
    1.0
    """
    both = sides(source, target, owner, paired=True)
    x, y = residual_directions(both.x, "source"), residual_directions(both.y, "target")
    return float(clip_cosines(x, y).mean())


def residual_mmd(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    bandwidth: float | None = None,
    bandwidths: Sequence[float] | None = None,
    max_memory: int = 2**27,
) -> float:
    """Squared MMD after each side's mean is removed, with the width that `mmd` uses.

    Parameters
    ----------
    source, target, owner, paired, bandwidth, bandwidths, max_memory
        See `mmd`.

    Returns
    -------
    float
        As `mmd`; lower is nearer. Removing estimated means lowers the expectation by the order of 1 / n.

    Raises
    ------
    InputError
    """
    x, y, owned = _without_means(sides(source, target, owner, paired=paired), owner)
    return mmd(x, y, owner=owned, paired=paired, bandwidth=bandwidth, bandwidths=bandwidths, max_memory=max_memory)


def residual_separability(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = 5,
    seed: int = 0,
) -> float:
    """Held-out accuracy of source against target after each side's mean is removed.

    A straight cut sees a difference of means best, so this is near or below 0.5 wherever the spreads differ only in
    ways that a straight cut cannot use. The means are those of all clips, held-out ones included: what a mean
    learned on one part leaves in the other shows as a value slightly below 0.5.

    Parameters
    ----------
    source, target, owner, folds, seed
        See `linear_separability`.

    Returns
    -------
    float
        In [0, 1]; 0.5 is mixed, lower is nearer.

    Raises
    ------
    InputError
    """
    x, y, owned = _without_means(sides(source, target, owner), owner)
    return linear_separability(x, y, owner=owned, folds=folds, seed=seed)


def centred_sides(both: Sides) -> Sides:
    """Each side minus its own mean."""
    return Sides(both.x.centred, both.y.centred, both.paired)


def _without_means(
    both: Sides, owner: ArrayLike | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    centred = centred_sides(both)
    y: Cloud = centred.y
    return centred.x.rows, y.rows, None if owner is None else y.owner
