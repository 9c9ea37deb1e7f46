"""Shares of the whole: how much of the gap a bridge closes, and how much of retrieval it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.metrics.registry import METRICS

CLOSURE = ("cosine", "centroid-distance", "mmd", "separability")
"""Metrics behind `closure`."""
PRESERVATION = "recall@10"
"""Metric behind what is kept."""
SQUARED = frozenset({"mmd"})
"""Metrics that enter by their root, so that all are distances and none closes twice as fast as the others."""


def closure(
    values: Mapping[str, Any],
    identity: Mapping[str, Any],
    metrics: Sequence[str] = CLOSURE,
    *,
    floor: Mapping[str, float] | None = None,
) -> Any:
    """Share of the gap that is closed, mean over metrics.

    ``mean_m (v_m - i_m) / (b_m - i_m)`` with v the value of the moved source, i that of the source as it is
    (`identity`), and b the metric's best possible value. Squared distances (MMD²) enter by their root. What lies beyond
    the best value is chance and counts as the best.

    Parameters
    ----------
    values, identity : mapping of metric to float or array of shape (B,)
        Values of the metrics, or one for each resample.
    metrics : sequence of str
        Registered metrics with a best value.
    floor : mapping of metric to float, optional
        What two samples of targets read; a value that is nearer to the best one counts as the floor.

    Returns
    -------
    float or array of shape (B,)
        1: every gap closed; 0: as wide as before; below 0: wider. NaN where `identity` has no gap on any metric.

    Examples
    --------
    >>> closure({"cosine": 0.8, "mmd": 0.01}, {"cosine": 0.6, "mmd": 0.04}, ["cosine", "mmd"])
    0.5
    """
    table = np.stack([_share(metric, not_below(metric, values[metric], floor), identity[metric]) for metric in metrics])
    known = ~np.isnan(table)
    total, count = np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0)
    return _plain(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def not_below(metric: str, values: Any, floor: Mapping[str, float] | None) -> Any:
    """The values, none of them better than the floor of the metric, where it has one."""
    if not floor or metric not in floor:
        return values
    return (np.minimum if METRICS.get(metric).better == "higher" else np.maximum)(values, floor[metric])


def _share(metric: str, value: Any, identity: Any) -> NDArray[np.float64]:
    """Share of the gap of one metric; NaN where there is none."""
    record = METRICS.get(metric)
    if record.best is None:
        raise InputError(f"metric {metric!r}: has no best value, so no share of its gap can be told; leave it out")
    start = _distance(metric, identity)
    gap = record.best - start
    there = gap > 0 if record.better == "higher" else gap < 0
    way = (_distance(metric, value) - start) / np.where(there, gap, 1.0)
    return np.where(there, np.minimum(way, 1.0), np.nan)


def kept(value: Any, identity: Any) -> Any:
    """Share of retrieval that is left: R@10 of the moved source over R@10 of the source as it is.

    Returns
    -------
    float or array
        1: all; above 1: more than before. NaN where the source itself finds nothing.

    Examples
    --------
    >>> kept(0.45, 0.5)
    0.9
    """
    start = np.asarray(identity, dtype=np.float64)
    return _plain(np.where(start > 0, np.asarray(value) / np.where(start > 0, start, 1.0), np.nan))


def _distance(metric: str, value: Any) -> NDArray[np.float64]:
    array = np.asarray(value, dtype=np.float64)
    return np.sqrt(np.maximum(array, 0.0)) if metric in SQUARED else array


def _plain(values: NDArray[np.float64]) -> Any:
    return float(values) if values.ndim == 0 else values
