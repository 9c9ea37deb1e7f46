"""Cosines of source and target: of pairs, of strangers, and the margin between the two."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics._sides import Cloud, directions, sides


def cosine(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Mean over clips of the mean cosine between a clip and its own targets.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.

    Returns
    -------
    float
        In [-1, 1]; higher is nearer. A cloud that shrinks to a point raises it too: read it beside
        `unpaired_cosine` and retrieval.

    Raises
    ------
    InputError

    Examples
    --------
    >>> cosine([[1, 0], [0, 2]], [[1, 0], [1, 0]])
    0.5
    """
    both = sides(source, target, owner, paired=True, least=1)
    return float(clip_cosines(directions(both.x, "source"), directions(both.y, "target")).mean())


def unpaired_cosine(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Mean cosine between a clip and the targets of other clips, in closed form from the means.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        See `cosine`. Without it and with m != n all rows are strangers to each other.

    Returns
    -------
    float
        In [-1, 1]. Neither direction is better by itself: it rises where a bridge loses what tells clips apart.

    Raises
    ------
    InputError

    Examples
    --------
    >>> unpaired_cosine([[1, 0], [0, 2]], [[1, 0], [1, 0]])
    0.5
    """
    both = sides(source, target, owner)
    x, y = directions(both.x, "source"), directions(both.y, "target")
    own = clip_cosines(x, y) if both.paired else None
    return stranger_cosine(x, y, own)


def cosine_margin(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Cosine of pairs minus cosine of strangers: how much of the cosine is about the clip.

    Parameters
    ----------
    source, target, owner
        See `cosine`.

    Returns
    -------
    float
        In [-2, 2]; higher is better, 0 for a collapsed cloud.

    Raises
    ------
    InputError

    Examples
    --------
    >>> cosine_margin([[1, 0], [0, 2]], [[1, 0], [0, 1]])
    1.0
    """
    both = sides(source, target, owner, paired=True)
    x, y = directions(both.x, "source"), directions(both.y, "target")
    own = clip_cosines(x, y)
    return float(own.mean()) - stranger_cosine(x, y, own)


def clip_cosines(x: Cloud, y: Cloud) -> Tensor:
    """Cosine of each clip with its targets, float64, shape (n,); both sides hold unit rows, `x` one a clip."""
    cosines = torch.empty(x.n, dtype=torch.float64, device=x.base.device)
    for clips, rows in y.clip_blocks():
        cosines[clips] = (x.block(clips) * rows).sum(dim=1, dtype=torch.float64)
    return cosines


def stranger_cosine(x: Cloud, y: Cloud, own: Tensor | None) -> float:
    """Mean over all pairs of different clips; `own` are the cosines of the same clip, None where unpaired."""
    everything = x.n * y.n * float(x.mean @ y.mean)
    if own is None:
        return everything / (x.n * y.n)
    return (everything - float(own.sum())) / (x.n * (y.n - 1))
