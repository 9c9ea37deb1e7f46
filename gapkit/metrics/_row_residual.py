"""Measures of what is left without the means, inside a row.

Kernels and transports inside one side do not notice that its mean was removed: those of the sides as they are serve.
"""

from __future__ import annotations

from collections.abc import Callable

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics._row_distances import pushed, sinkhorn_parts
from gapkit.metrics._row_structure import MIXED, Mixed, metric_memory
from gapkit.metrics._sides import Cloud, Sides, residual_directions
from gapkit.metrics._slope import SLOPE, slope_of
from gapkit.metrics.mixing import K, Pooled, pooled
from gapkit.metrics.rmg import clip_squares
from gapkit.metrics.sinkhorn import divergence


def _kernel(name: str) -> Callable[[Row], Drawn]:
    def estimate(row: Row) -> Drawn:
        sums, tells = row.residual_kernels, f"{name}{SLOPE}"
        slope = slope_of(row.both, row.reference.kernels[tells], sums[tells]) if tells in sums else None
        return row.kernel_distance(name, sums, slope)

    return estimate


def _centred(row: Row) -> Sides:
    return Sides(row.both.x.centred, row.both.y.centred, row.both.paired)


def _sinkhorn(row: Row) -> Drawn:
    # A shift of one side moves the cost of the transport by the offset of the means, which is 0 here.
    found = divergence(_centred(row), *sinkhorn_parts(row))
    return found.value, pushed(row, found.value, found.pushes).clamp_min(0)


def _seen(row: Row) -> Pooled:
    return row.shared("residual pooled", lambda: pooled(_centred(row), K, metric_memory(row)))


def _mixed(name: str) -> Callable[[Row], Drawn]:
    of_sides: Mixed = MIXED[name]
    return lambda row: of_sides(row, _seen(row))


def _rmg(row: Row) -> Drawn:
    reference = row.reference
    x = residual_directions(row.both.x, "source")
    y: Cloud = reference.shared("residual directions", lambda: residual_directions(row.both.y, "target"))
    squares = clip_squares(x), reference.shared("residual squares", lambda: clip_squares(y))
    sums = row.resamples.sums(x), reference.shared("residual sums", lambda: reference.resamples.sums(y))
    return row.modality_gap((x, y), row.residual_cosines, squares, sums)


RESIDUAL_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "residual-rmg": _rmg,
    "residual-mmd-multi": _kernel("mmd-multi"),
    "residual-mmd-imq": _kernel("mmd-imq"),
    "residual-sinkhorn-divergence": _sinkhorn,
    "residual-knn-mixing": _mixed("knn-mixing"),
    "residual-knn-cross-share": _mixed("knn-cross-share"),
}
"""Estimators of the metrics in `catalogue_residual`."""
