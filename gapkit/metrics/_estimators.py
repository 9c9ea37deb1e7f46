"""How the built-in metrics are measured inside a row; all others are called as they are."""

from __future__ import annotations

from collections.abc import Callable

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics._row_distances import DISTANCE_ESTIMATORS
from gapkit.metrics._row_residual import RESIDUAL_ESTIMATORS
from gapkit.metrics._row_structure import STRUCTURE_ESTIMATORS

ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    **DISTANCE_ESTIMATORS,
    **STRUCTURE_ESTIMATORS,
    **RESIDUAL_ESTIMATORS,
}
"""``estimate(row) -> (value, draws)`` by the name of the metric."""
