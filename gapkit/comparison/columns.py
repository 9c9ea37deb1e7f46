"""The columns of a table: what it needs to know of each metric."""

from __future__ import annotations

from collections.abc import Sequence

from gapkit.metrics.registry import METRICS
from gapkit.report import Column


def metric_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """Columns of a table, one a metric, in the order of their groups."""
    records = [METRICS.get(name) for name in names]
    groups = list(dict.fromkeys(record.group for record in map(METRICS.get, METRICS.names())))
    records.sort(key=lambda record: groups.index(record.group))
    return tuple(
        Column(r.name, r.label, r.group, r.better, r.best, (float(r.range[0]), float(r.range[1])), r.scale, r.digits)
        for r in records
    )
