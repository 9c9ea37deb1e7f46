"""A configuration is believed about the size of a network only as far as there are weights for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

SLACK = 2**22
"""Numbers that may be made beside the weights: schedules, one row on its way."""

BY_SIDES = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)
"""What takes a shape side by side."""


class BoundedMemory(TorchFunctionMode):
    """While it is entered, tensors may be made for so many weights, with room for a copy and some tables.

    Parameters
    ----------
    weights : int
        Numbers that are stored.

    Raises
    ------
    ValueError
        On a call that asks for more, before it takes the memory.
    """

    def __init__(self, weights: int) -> None:
        super().__init__()
        self.left = 2 * weights + SLACK

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count what a call makes of nothing, then let it."""
        given = [*args, *(kwargs or {}).values()]
        if not any(isinstance(value, torch.Tensor) for value in given):
            shapes = [math.prod(value) for value in given if _is_shape(value)]
            sides = [value for value in args if isinstance(value, int)]
            if sides:
                shapes.append(math.prod(sides) if func in BY_SIDES else max(sides))
            self.left -= max([0, *shapes])
            if self.left < 0:
                raise ValueError(f"asks for {max(shapes):,} numbers, and far fewer are stored")
        return func(*args, **(kwargs or {}))


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(side, int) for side in value)
