"""`Value`: what a metric gives back. A number, and how much each item moves it.

A metric draws nothing. It tells, lazily, how the number follows the items, and `draws.py` makes the interval. There are
two ways to tell:

- ``Value.mean_of(items)``: the number is the mean of one number an item (a cosine, a recall). `items` also go into the
  paired tests of `Measures.against`.
- ``Value(number, influence=make)``: ``make()`` gives a number an item of the source, (n,), and of the target, (m,): the
  first-order influence, n (m) times the derivative of the number by the item's weight. A constant more or less does
  not matter: influences are centred when draws are made. Where both sides are the same items their influences are
  added up there too. A test holds them to the derivative by the weights: `tests/metrics/test_influence.py`.

Nothing is computed in ``make`` before it is called: a public function that only wants the number does not pay for it.

`through` is for a number that is linear in the items before a root or a logarithm: give the number before it. Draws end
where the metric's declared range does, so a metric states no bounds of its own.

`chance` is for a metric that knows how much of what its influences vary by is there twice: draws are narrower by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from torch import Tensor

Influence = tuple[Tensor | None, Tensor | None]
"""Of each item of the source, (n,), and of the target, (m,); None where a side moves nothing."""

Through = Literal["root", "logarithm"]

_NUMBER: dict[Through, Callable[[float], float]] = {"root": math.sqrt, "logarithm": math.log}
_TENSOR: dict[Through, Callable[[Tensor], Tensor]] = {
    "root": lambda draws: draws.clamp_min(0).sqrt(),
    "logarithm": lambda draws: draws.clamp_min(1e-300).log(),
}


@dataclass(frozen=True, eq=False)
class Value:
    """The number of one metric for one pair.

    Parameters
    ----------
    inner : float
        The number before `through`; NaN where undefined.
    items : Tensor of shape (n,), optional
        What each item of the source has, where the number is their mean.
    influence : callable, optional
        Gives what each item moves `inner` by; left out where there is no interval.
    through : {"root", "logarithm"}, optional
        What is done to `inner` last.
    chance : callable, optional
        Gives the share, in [0, 1], of the variance of the influences that only pairs of items make: it is there twice.
    """

    inner: float
    items: Tensor | None = None
    influence: Callable[[], Influence] | None = None
    through: Through | None = None
    chance: Callable[[], float] | None = None

    @classmethod
    def mean_of(cls, items: Tensor) -> Self:
        """The mean of one number an item of the source."""
        return cls(float(items.mean()), items=items, influence=lambda: (items, None))

    @property
    def value(self) -> float:
        """The number."""
        return self.inner if self.through is None else _NUMBER[self.through](self.inner)

    def of_draws(self, inner: Tensor) -> Tensor:
        """`through`, done to draws of `inner`."""
        return inner if self.through is None else _TENSOR[self.through](inner)

    def times(self, unit: float) -> Value:
        """The same number in another unit."""
        influence = self.influence
        return Value(
            unit * self.inner,
            None if self.items is None else unit * self.items,
            None if influence is None else lambda: _times(influence(), unit),
            self.through,
            self.chance,
        )


def _times(influence: Influence, unit: float) -> Influence:
    x, y = influence
    return None if x is None else unit * x, None if y is None else unit * y
