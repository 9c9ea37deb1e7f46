"""One row of a table: every metric of one moved source against the reference, sharing what they can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair
from gapkit.metrics.resamples import Resamples

if TYPE_CHECKING:
    from gapkit.metrics.evaluation import Reference

Drawn = tuple[float, Tensor]
"""Value, and its bootstrap draws of shape (B,); no draws where there is no interval."""

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """The source of one row beside the reference.

    Parameters
    ----------
    both : Pair
    reference : Reference
    resamples : Resamples
        Of the source clips; those of the reference where paired.
    """

    both: Pair
    reference: Reference
    resamples: Resamples
    _memo: dict[Any, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """What several metrics of this row need: made at its first use. `Reference.shared` lasts for all rows."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    def of_original(self, key: str, make: Callable[[Cloud], T]) -> T:
        """What metrics need of the source before it was moved, for all rows that were moved from it."""
        original = self.both.original
        assert original is not None
        return original.shared(key, lambda: make(original))

    # What metrics share.

    @property
    def x_directions(self) -> Cloud:
        """Sources of length one; where all rows are scaled, the sources themselves."""
        return self.both.x.unit.kept(self.reference.kept_bytes)

    # Resampling.

    def _mean(self, values: Tensor) -> Drawn:
        return float(values.mean()), self.resamples.sums(values).double() / self.both.x.n
