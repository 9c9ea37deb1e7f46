"""The global generators of torch, for the layers that draw from no other: dropout and sampling of transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators of the processor and of `device`, and put them back afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def global_generators(device: torch.device) -> tuple[torch.Generator, ...]:
    """The global generators that layers on `device` draw from."""
    if device.type != "cuda":
        return (torch.default_generator,)
    place = torch.cuda.current_device() if device.index is None else device.index
    return torch.default_generator, torch.cuda.default_generators[place]
