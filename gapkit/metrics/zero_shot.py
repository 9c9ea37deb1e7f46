"""Zero-shot classification: whether the text of an item's class is nearer to its source than those of other classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from gapkit.arrays import ArrayLike
from gapkit.metrics.class_labels import classes_of
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.retrieval import TIE, TILE, tile_of_cosines
from gapkit.metrics.value import Value


def zero_shot_accuracy(
    source: ArrayLike, target: ArrayLike, *, labels: Iterable[Any], owner: ArrayLike | None = None
) -> float:
    """Share of items whose source is nearer to the text of their own class than to that of any other.

    The text of a class is the mean direction of its items' targets; the targets of the item itself are left out of it.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Row i belongs to item i.
    target : array-like of shape (m, d)
    labels : sequence of length n
        Class of each item; empty or None where it has none. Those items, and classes of one item, are left aside.
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        In [0, 1]; higher is better, 1 / (number of classes) by chance where they are equally large. Ties count with the
        chance that a random order gives. Cost n d for each class.

    Raises
    ------
    InputError
        Fewer than two classes of two items or more.

    Examples
    --------
    >>> x, y = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]], [[2, 1], [2, 1], [1, 2], [1, 2]]
    >>> zero_shot_accuracy(x, y, labels=["a", "a", "b", "b"])
    1.0
    """
    return zero_shot_of(pair_of(source, target, owner, paired=True, labels=labels)).value


@metric(
    "zero-shot-accuracy",
    label="Zero-shot accuracy",
    place=405,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n d x classes",
    default=False,
    needs=("labels",),
    reference="Radford et al. (2021), CLIP",
    definition="Share of items nearest to the text of their class: the mean of its other items' targets.",
    function=zero_shot_accuracy,
)
def zero_shot_of(pair: Pair) -> Value:
    """Mean over the items of classes of their chance to be nearest to their own class."""
    classes, x, y = classes_of(pair), pair.unit.x, pair.unit.y
    device = x.base.device
    items, number = (torch.from_numpy(v).to(device) for v in (classes.items, classes.number))
    texts = torch.zeros(len(classes.names), x.base.shape[1], device=device)
    for part in torch.split(torch.arange(len(items), device=device), TILE):
        texts.index_add_(0, number[part], y.take_clips(items[part]))
    values = torch.zeros(len(items), dtype=torch.float64, device=device)
    for part in torch.split(torch.arange(len(items), device=device), TILE):
        rows, own = x.take(items[part]), number[part]
        others = texts[own] - y.take_clips(items[part])
        cosines = tile_of_cosines(rows, torch.nn.functional.normalize(texts, dim=1))
        mark = (rows * torch.nn.functional.normalize(others, dim=1)).sum(dim=1, keepdim=True)
        cosines.scatter_(1, own[:, None], mark)
        nearest = ~(cosines > mark + TIE).any(dim=1)
        values[part] = nearest.double() / ((cosines - mark).abs() <= TIE).sum(dim=1)
    if len(items) == x.n:
        return Value.mean_of(values)
    mean = float(values.mean())
    moved = torch.zeros(x.n, dtype=torch.float64, device=device)
    moved[items] = (values - mean) * (x.n / len(items))
    return Value(mean, influence=lambda: (moved, None))
