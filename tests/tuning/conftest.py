from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from gapkit.arrays import generator, unit_rows
from gapkit.bridges import Bridge
from gapkit.bridges.registry import BRIDGES
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.space import Choice, Range, Space


class Toy(Bridge):
    """Goes a share of the gap vector, and loses its way by noise."""

    needs_pairs = False
    stochastic = True
    space: ClassVar[Space] = {"share": Range(0.0, 1.5), "noise": Range(0.01, 3.0, log=True), "sign": Choice((1, -1))}

    def __init__(self, share: float = 0.5, noise: float = 0.1, sign: int = 1, random_state: int = 0) -> None:
        self.share = share
        self.noise = noise
        self.sign = sign
        self.random_state = random_state

    def _fit(self, source: Tensor, target: Tensor, context: Any) -> None:
        if self.share > 1.3:
            raise InputError("share: too\nmuch")
        self.shift_ = self.share * (target.mean(dim=0) - source.mean(dim=0))

    def _transform(self, source: Tensor) -> Tensor:
        noise = torch.randn(source.shape, generator=generator(self.random_state))
        return unit_rows(self.sign * (source + self.shift_ + self.noise * noise / source.shape[1] ** 0.5))


@pytest.fixture
def bridge_for_a_test() -> Iterator[Callable[[str, type[Bridge]], None]]:
    """Registers a bridge that is gone after the test."""
    added = []
    BRIDGES.names()

    def add(name: str, kind: type[Bridge]) -> None:
        kind.name = name
        BRIDGES.register(name, kind)
        added.append(name)

    yield add
    for name in added:
        del BRIDGES._items[name], BRIDGES._origins[name]


@pytest.fixture
def toy(bridge_for_a_test: Callable[[str, type[Bridge]], None]) -> type[Bridge]:
    """A class of its own for each test, registered as ``toy``."""
    kind = type("Toy", (Toy,), {"__init__": Toy.__init__, "__doc__": Toy.__doc__})
    bridge_for_a_test("toy", kind)
    return kind


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., PairedEmbeddings]:
    """Small pairs with a gap; two captions for every third clip."""

    def make(n: int = 240, d: int = 12, *, split: bool = True, seed: int = 0, gap: float = 3.0) -> PairedEmbeddings:
        rng = np.random.default_rng(seed)
        meaning = rng.standard_normal((n, d))
        offset = gap * np.eye(d)[0]
        owner = np.sort(np.concatenate([np.arange(n), np.arange(0, n, 3)]))
        return PairedEmbeddings(
            source=meaning + 0.4 * rng.standard_normal((n, d)) + offset,
            target=meaning[owner] + 0.4 * rng.standard_normal((len(owner), d)) - offset,
            owner=owner,
            captions=np.array([f"sound {i}" for i in range(len(owner))]),
            split=np.array((["train"] * 3 + ["val"] + ["test"] * 2) * (n // 6 + 1))[:n] if split else None,
            name="tiny",
        )

    return make


@pytest.fixture
def pairs(make_pairs: Callable[..., PairedEmbeddings]) -> PairedEmbeddings:
    return make_pairs()
