"""How the built-in metrics are measured inside a row; all others are called as they are."""

from __future__ import annotations

from collections.abc import Callable

from gapkit.metrics import risen
from gapkit.metrics._row import ROW_ESTIMATORS, Drawn, Row
from gapkit.metrics._row_structure import STRUCTURE_ESTIMATORS

ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    **ROW_ESTIMATORS,
    **STRUCTURE_ESTIMATORS,
    "share-risen": risen.estimate,
}
"""``estimate(row) -> (value, draws)`` by the name of the metric."""
