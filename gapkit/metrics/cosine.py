"""Cosines of source and target: of pairs, of strangers, and the margin between the two."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Influence, Value


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
    return cosine_of(pair_of(source, target, owner, paired=True, least=1)).value


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
    return unpaired_cosine_of(pair_of(source, target, owner)).value


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
    return cosine_margin_of(pair_of(source, target, owner, paired=True)).value


@metric(
    "cosine",
    label="Paired cosine",
    place=10,
    group="closure",
    better="higher",
    best=1.0,
    range=(-1.0, 1.0),
    definition="Mean over clips of the mean cosine between a clip and its own targets.",
    function=cosine,
    residual=Residual("Residual cosine", "Paired cosine after each side's mean is removed.", place=90, default=True),
)
def cosine_of(pair: Pair) -> Value:
    """Mean cosine of pairs."""
    return Value.mean_of(own_cosines(pair))


@metric(
    "unpaired-cosine",
    label="Unpaired cosine",
    place=160,
    group="preservation",
    better="none",
    range=(-1.0, 1.0),
    needs_pairs=False,
    default=False,
    definition="Mean cosine between a clip and the targets of other clips.",
    function=unpaired_cosine,
)
def unpaired_cosine_of(pair: Pair) -> Value:
    """Mean cosine of strangers."""
    own = own_cosines(pair) if pair.paired else None
    return Value(stranger_cosine(pair.unit, own), influence=lambda: _of_strangers(pair.unit, own))


@metric(
    "cosine-margin",
    label="Cosine margin",
    place=170,
    group="preservation",
    better="higher",
    best=2.0,
    range=(-2.0, 2.0),
    definition="Paired cosine minus unpaired cosine.",
    function=cosine_margin,
)
def cosine_margin_of(pair: Pair) -> Value:
    """Cosine of pairs less that of strangers."""
    own = own_cosines(pair)

    def influence() -> Influence:
        x, y = _of_strangers(pair.unit, own)
        return own - x, -y

    return Value(float(own.mean()) - stranger_cosine(pair.unit, own), influence=influence)


def own_cosines(pair: Pair) -> Tensor:
    """Cosine of each item with its targets, (n,)."""
    return pair.shared("own cosines", lambda: clip_cosines(pair.unit.x, pair.unit.y))


def clip_cosines(x: Cloud, y: Cloud) -> Tensor:
    """Cosine of each clip with its targets, float64, shape (n,); both sides hold unit rows, `x` one a clip."""
    cosines = torch.empty(x.n, dtype=torch.float64, device=x.base.device)
    for clips, rows in y.clip_blocks():
        cosines[clips] = (x.block(clips) * rows).sum(dim=1, dtype=torch.float64)
    return cosines


def stranger_cosine(unit: Pair, own: Tensor | None) -> float:
    """Mean over all pairs of different clips; `own` are the cosines of the same clip, None where unpaired."""
    x, y = unit.x, unit.y
    everything = x.n * y.n * float(x.mean @ y.mean)
    if own is None:
        return everything / (x.n * y.n)
    return (everything - float(own.sum())) / (x.n * (y.n - 1))


def _of_strangers(unit: Pair, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean cosine of each item with the strangers of the other side, up to a constant."""
    x, y = unit.x, unit.y
    along = x.along(y.mean), y.along(x.mean)
    if own is None:
        return along
    return (y.n * along[0] - own) / (y.n - 1), (x.n * along[1] - own) / (x.n - 1)
