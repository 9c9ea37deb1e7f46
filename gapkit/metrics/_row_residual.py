"""Measures of what is left without the means, inside a row.

Kernels and transports inside one side do not notice that its mean was removed: those of the sides as they are serve.
"""

from __future__ import annotations

from collections.abc import Callable

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics._row_distances import pushed, sinkhorn_parts
from gapkit.metrics._row_structure import MIXED, Mixed, metric_memory
from gapkit.metrics.mixing import K, Pooled, pooled
from gapkit.metrics.pair import Pair
from gapkit.metrics.sinkhorn import divergence


def _centred(row: Row) -> Pair:
    return Pair(row.both.x.centred, row.both.y.centred, row.both.paired)


def _sinkhorn(row: Row) -> Drawn:
    # A shift of one side moves the cost of the transport by the offset of the means, which is 0 here.
    found = divergence(_centred(row), *sinkhorn_parts(row))
    return found.value, pushed(row, found.value, found.pushes).clamp_min(0)


def _seen(row: Row) -> Pooled:
    return row.shared("residual pooled", lambda: pooled(_centred(row), K, metric_memory(row)))


def _mixed(name: str) -> Callable[[Row], Drawn]:
    of_sides: Mixed = MIXED[name]
    return lambda row: of_sides(row, _seen(row))


RESIDUAL_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "residual-sinkhorn-divergence": _sinkhorn,
    "residual-knn-mixing": _mixed("knn-mixing"),
    "residual-knn-cross-share": _mixed("knn-cross-share"),
}
"""Estimators of the metrics in `catalogue_residual`."""
