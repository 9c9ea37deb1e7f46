"""Memorisation: whether the moved source sits on targets that the bridge was fitted on."""

from __future__ import annotations

from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.metrics._points import points
from gapkit.metrics.cloud import Cloud, cloud, directions
from gapkit.metrics.neighbours import as_cosine, search
from gapkit.metrics.pair import pair_of


def memorisation(
    source: ArrayLike,
    target: ArrayLike,
    *,
    fitted: ArrayLike,
    owner: ArrayLike | None = None,
    max_memory: int = 2**27,
) -> float:
    """Cosine of the moved source to the nearest fitted target, minus that of the held-out targets.

    Held-out targets tell how near a new row of the right kind comes to fitted ones; a source that comes nearer repeats
    what it was fitted on. Means over clips; several targets of one clip count as their mean.

    Parameters
    ----------
    source : array-like of shape (n, d)
        After it was moved.
    target : array-like of shape (m, d)
        Held out from the fit.
    fitted : array-like of shape (f, d)
        The targets that the bridge was fitted on.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        In [-2, 2]; 0 where the source is as near to fitted targets as new targets are, above it where it repeats
        them, below it where it has not come among the targets at all, or stays between them. Lower is better down
        to 0. Cost (n + m) f d.

    Raises
    ------
    InputError

    Examples
    --------
    >>> round(memorisation([[1, 0], [0, 1]], [[3, 4], [4, 3]], fitted=[[1, 0], [0, 1]]), 6)
    0.2
    """
    both = pair_of(source, target, owner)
    known = checked_fitted(fitted, both.x.base)
    nearest_x = nearest_cosine(directions(both.x, "source"), known, max_memory)
    nearest_y = nearest_cosine(directions(both.y, "target"), known, max_memory)
    return float(nearest_x.mean() - nearest_y.mean())


def checked_fitted(fitted: ArrayLike, like: Tensor) -> Cloud:
    """Directions of the fitted targets."""
    rows = as_matrix(fitted, name="fitted", n_features=like.shape[1], device=like.device)
    return directions(cloud(rows, name="fitted"), "fitted")


def nearest_cosine(side: Cloud, known: Cloud, max_memory: int = 2**27) -> Tensor:
    """Mean over each clip's unit rows of the cosine to the nearest fitted target, float64, shape (n,)."""
    found = as_cosine(search(*points(side.rows, known.rows), 1, max_memory=max_memory))
    return side.per_clip(1 - found.distances[:, 0])
