"""Neighbourhoods of k clips, whatever the number of rows that a clip has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.neighbours import search
from gapkit.metrics.pair import Pair
from gapkit.metrics.points import Points

NOTHING = 1e-9
"""Mass that is only rounding."""


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest rows of each query whose weights add up to k.

    Parameters
    ----------
    rows : Tensor of shape (n, c), int64
        -1 where a query needs fewer than c.
    mass : Tensor of shape (n, c), float64
        Weight of each row, the last one cut so that a query's weights sum to k.
    radius : Tensor of shape (n,), float64
        Distance at which k is reached.
    """

    rows: Tensor
    mass: Tensor
    radius: Tensor


def neighbourhood(
    queries: Points,
    gallery: Points,
    k: int,
    *,
    weights: Tensor,
    clips: tuple[Tensor, Tensor] | None = None,
    priority: Tensor | None = None,
    max_memory: int = 2**27,
) -> Neighbourhood:
    """Look outwards from each query until rows of weight `k` are found; with weights of one, the k nearest rows.

    Parameters
    ----------
    queries, gallery : Points
    k : int
    weights : Tensor of shape (m,), float64
        Of the gallery's rows: one over the number of rows of their clip, so that a clip weighs one.
    clips, priority, max_memory
        See `search`.

    Raises
    ------
    InputError
        k < 1, or the rows that a query may have as neighbours weigh less than `k`.
    """
    k = whole("neighbours: k", k, 1)
    count = min(len(gallery), math.ceil(k / float(weights.median()) - NOTHING))
    while True:
        found = search(queries, gallery, count, clips=clips, priority=priority, max_memory=max_memory)
        mass = torch.where(found.indices < 0, 0.0, weights[found.indices])
        before = mass.cumsum(dim=1) - mass
        mass = torch.where(before < k - NOTHING, torch.minimum(mass, k - before), 0.0)
        reached = float(mass.sum(dim=1).min())
        if reached >= k - NOTHING or count == len(gallery):
            break
        count = min(2 * count, len(gallery))
    if reached < k - NOTHING:
        raise InputError(
            f"neighbours: expected at least {k} clips that a row is compared with, got {reached:.4g}; give more clips "
            "or a smaller k"
        )
    last = (mass > 0).sum(dim=1, keepdim=True) - 1
    return Neighbourhood(found.indices, mass, found.distances.gather(1, last)[:, 0])


def inside(side: Cloud, ready: Points, k: int, max_memory: int) -> Neighbourhood:
    """Neighbourhoods of the rows of one side among the other clips of that side."""
    clips = (side.owner, side.owner)
    return neighbourhood(ready, ready, k, weights=side.share, clips=clips, max_memory=max_memory)


def pooled_labels(both: Pair) -> tuple[Tensor, Tensor]:
    """Label of each source row and of each target row, so that unrelated clips have different ones.

    Folds have one number on both sides even so: a row then looks at as many of either.
    """
    return both.x.label, both.y.label + (0 if both.paired or both.form == "folds" else both.x.n)
