"""Measures of what is left without the means that know no interval, within the memory of a row."""

from __future__ import annotations

from collections.abc import Callable

import torch

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics.mixing import cross_modal_share, knn_mixing
from gapkit.metrics.mmd import mmd_imq, mmd_multi
from gapkit.metrics.residual_of import residual_of
from gapkit.metrics.sinkhorn import sinkhorn_divergence


def _residual(metric: Callable[..., float], part: int = 4) -> Callable[[Row], Drawn]:
    """Of a metric that may take one `part`-th of the memory."""

    def estimate(row: Row) -> Drawn:
        both = row.both
        owner = both.y.owner if both.paired else None
        memory = row.reference.max_memory // part
        value = residual_of(metric, both.x.rows, both.y.rows, owner=owner, max_memory=memory)
        return value, torch.empty(0, dtype=torch.float64)

    return estimate


RESIDUAL_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "residual-mmd-multi": _residual(mmd_multi),
    "residual-mmd-imq": _residual(mmd_imq),
    "residual-sinkhorn-divergence": _residual(sinkhorn_divergence, 1),
    "residual-knn-mixing": _residual(knn_mixing),
    "residual-knn-cross-share": _residual(cross_modal_share),
}
