"""Hubness: whether a few targets are the nearest of everything."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.neighbours import search
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.points import points
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

K = 10
"""Neighbours."""


def hubness(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Skewness of how often each target is among the `k` targets nearest to a source, by cosine.

    The gallery is that of `recall_at_k`: all target rows, a clip's own ones too. In the skewness a row weighs one over
    the number of its clip's targets.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    k : int
        At least 1, at most m.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        Lower is better: about 1 / sqrt(k) where lists are drawn at random, above 1 where a few hubs are in most
        lists, largest where the source is a single point; 0 where every target is in as many lists. Cost n m d.

    Raises
    ------
    InputError
        m < k.

    References
    ----------
    Radovanovic et al. (2010), Hubs in space, JMLR 11.

    Examples
    --------
    >>> hubness([[1, 0], [0, 1], [-1, 0]], [[1, 0], [0, 1], [-1, 0]], k=1)
    0.0
    """
    return hubness_of(pair_of(source, target, owner, max_memory=4 * memory_limit(max_memory)), k=k).value


@metric(
    "hubness",
    label="Hubness",
    place=630,
    group="preservation",
    better="lower",
    needs_pairs=False,
    cost="n m d",
    digits=2,
    reference="Radovanovic et al. (2010), Hubs in space",
    default=False,
    definition="Skewness of how often each target is among the 10 nearest to a source.",
    holds_rows=True,
    function=hubness,
)
def hubness_of(pair: Pair, *, k: int = K) -> Value:
    """Skewness of the numbers of lists; it is no mean over items, and has no interval."""
    return Value(_skewness(_occurrences(pair.unit.x, pair.unit.y, k, pair.max_memory // 4), pair.y))


def _occurrences(x: Cloud, y: Cloud, k: int, max_memory: int) -> Tensor:
    """In how many lists of the k nearest each target row is, shape (m,)."""
    k = whole("neighbours: k", k, 1)
    if len(y.base) < k:
        raise InputError(f"neighbours: expected at least {k} targets, got {len(y.base)}; give more or a smaller k")
    found = search(*points(x.rows, y.rows), k, max_memory=max_memory)
    return torch.bincount(found.indices.flatten(), minlength=len(y.base))


def _skewness(counts: Tensor, y: Cloud) -> float:
    """Third standardised moment over targets, every clip weighing the same; 0 where all are equal."""
    values, weight = counts.double(), y.share / y.n
    apart = values - float((weight * values).sum())
    spread = float((weight * apart.square()).sum())
    return float((weight * apart**3).sum()) / spread**1.5 if spread > 1e-12 else 0.0
