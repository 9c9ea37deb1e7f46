"""A configuration is believed about the size of a network only as far as there are weights for it.

torch makes the layers before it holds them against the weights: a billion blocks in ``config.json`` do not end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

TABLES = 2**18
"""Numbers that a network may make beside its weights: schedules."""

NOISE = 2**22
"""Numbers that one row may ask for at once on its way."""

SHAPED = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)
"""What makes a tensor of a shape, given whole or side by side."""

RANGES = (torch.arange, torch.linspace, torch.logspace, torch.eye)
"""What makes a tensor as long as one of its numbers."""


class BoundedMemory(TorchFunctionMode):
    """While it is entered, tensors may be made for so many weights, with room for a copy and some tables.

    Parameters
    ----------
    weights : int
        Numbers that are stored.
    built : bool
        True: the network is there, and a call counts by itself. False: all calls count together.

    Raises
    ------
    ValueError
        On a call that asks for more, before it takes the memory.
    """

    def __init__(self, weights: int, *, built: bool) -> None:
        super().__init__()
        self.left = 2 * weights + (NOISE if built else TABLES)
        self.built = built

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count what a call makes of nothing, then let it."""
        wanted = _numbers(func, args)
        if wanted > self.left:
            raise ValueError(f"asks for {wanted:,} numbers, and far fewer are stored")
        self.left -= 0 if self.built else wanted
        return func(*args, **(kwargs or {}))


def _numbers(func: Callable[..., Any], args: Sequence[Any]) -> int:
    """How many numbers a call makes."""
    if func in SHAPED or func is torch.full:
        shape = args[0] if args and isinstance(args[0], list | tuple) else args
        return max(0, math.prod(side for side in shape if isinstance(side, int)))
    if func in RANGES:
        longest = max([0, *(int(end) for end in args if isinstance(end, int))])
        return longest**2 if func is torch.eye else longest
    return 0
