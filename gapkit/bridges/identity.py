"""No bridge."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, like
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import register_bridge


@register_bridge("identity")
class Identity(Bridge):
    """Leaves the source where it is: the gap as the encoder made it.

    Definition: ``f(x) = x``. The anchor that every other bridge is held against.
    """

    needs_pairs = False
    family = "control"

    def transform(self, source: ArrayLike) -> Any:
        """Give the source back, of whatever length its rows are."""
        return like(as_matrix(source, name=self._title, n_features=self._fitted_width()), source)

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        pass

    def _transform(self, source: Tensor) -> Tensor:
        return source
