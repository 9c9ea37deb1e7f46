from collections.abc import Callable, Iterator

import numpy as np
import pytest

from gapkit.bridges import Bridge
from gapkit.bridges.registry import BRIDGES
from gapkit.embeddings import PairedEmbeddings


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., PairedEmbeddings]:
    """Small pairs with a gap; two captions for every third clip."""

    def make(n: int = 60, d: int = 8, *, split: bool = True, seed: int = 0) -> PairedEmbeddings:
        rng = np.random.default_rng(seed)
        meaning = rng.standard_normal((n, d))
        gap = np.zeros(d)
        gap[0] = 3
        owner = np.sort(np.concatenate([np.arange(n), np.arange(0, n, 3)]))
        return PairedEmbeddings(
            source=meaning + 0.4 * rng.standard_normal((n, d)) + gap,
            target=meaning[owner] + 0.4 * rng.standard_normal((len(owner), d)) - gap,
            owner=owner,
            captions=np.array([f"sound {i}" for i in range(len(owner))]),
            split=np.array((["train"] * 3 + ["val"] + ["test"] * 2) * (n // 6 + 1))[:n] if split else None,
            name="tiny",
        )

    return make


@pytest.fixture
def pairs(make_pairs: Callable[..., PairedEmbeddings]) -> PairedEmbeddings:
    return make_pairs()


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
