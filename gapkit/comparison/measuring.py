"""Measure one row; one metric that raises does not take the others with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.cells import Value
from gapkit.embeddings import content_hash
from gapkit.errors import one_line
from gapkit.metrics import Estimate, Measures, Reference, measure
from gapkit.statistics import Groups


@dataclass(frozen=True)
class Measured:
    """Values of one row, the metrics that raised, and the bootstrap draws of the others."""

    estimates: Mapping[str, Value]
    failed: Mapping[str, str]
    draws: Mapping[str, NDArray[np.float64]]


def estimate_all(
    source: NDArray[np.float32],
    reference: Reference,
    metrics: Sequence[str],
    *,
    paired: bool = True,
    original: NDArray[np.float32] | None = None,
    groups: Groups | None = None,
) -> Measured:
    """All `metrics` of one row.

    Parameters
    ----------
    source : array of shape (n, d)
    reference : Reference
        The fixed side.
    metrics : sequence of str
    paired : bool
        Row i of `source` belongs to clip i of the reference.
    original : array of shape (n, d), optional
        The source before it was moved.
    groups : Groups, optional
        Of the source rows, where they are unrelated to the reference.
    """
    try:
        found = measure(
            source, reference, list(metrics), paired=paired, original=original, source_groups=groups, on_error="note"
        )
    except Exception as error:  # rows that no metric can use
        return Measured({}, dict.fromkeys(metrics, one_line(error)), {})
    return as_measured(found)


def as_measured(found: Measures) -> Measured:
    """Without what only a notebook needs."""
    return Measured(
        {metric: _value(estimate) for metric, estimate in found.items()},
        found.failed,
        {metric: np.asarray(e.draws, dtype=np.float64) for metric, e in found.items() if len(e.draws)},
    )


def _value(estimate: Estimate) -> Value:
    # A cell keeps no infinite number, so that it reads back as it was made.
    ends = (estimate.value, estimate.low, estimate.high)
    value, low, high = (float(number) if math.isfinite(number) else math.nan for number in ends)
    why = estimate.why or ("it is infinite" if math.isinf(estimate.value) else "")
    return Value(value, low, high, int(estimate.n), float(estimate.seconds), why)


def groups_told(groups: Groups | None) -> dict[str, dict[str, Any]]:
    """Groups of the measured items for the identity of a study, under ``groups``; empty where they change nothing."""
    if groups is None or groups.apart:
        return {}
    return {
        "groups": {
            "number": groups.n_groups,
            "effective": round(groups.n_effective, 6),
            "count": groups.count,
            "no_interval": groups.no_interval or "",
            "caution": groups.caution or "",
            "hash": content_hash(groups.start, groups.number),
        }
    }
