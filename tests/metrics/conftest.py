from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray


@dataclass
class Pairs:
    source: NDArray[np.float32]
    target: NDArray[np.float32]
    owner: NDArray[np.int64]


def _pairs(n: int, d: int, counts: NDArray[np.int64], seed: int) -> Pairs:
    rng = np.random.default_rng(seed)
    concept = rng.standard_normal((n, d))
    owner = np.repeat(np.arange(n), counts)
    rng.shuffle(owner)
    source = concept + 0.6 * rng.standard_normal((n, d)) + 0.4
    target = 0.9 * concept[owner] + 0.5 * rng.standard_normal((len(owner), d))
    return Pairs(source.astype(np.float32), target.astype(np.float32), owner)


@pytest.fixture
def single() -> Pairs:
    """One target a clip."""
    pairs = _pairs(40, 6, np.ones(40, dtype=np.int64), seed=0)
    order = np.argsort(pairs.owner)
    return Pairs(pairs.source, pairs.target[order], np.arange(40))


@pytest.fixture
def several() -> Pairs:
    """One to four targets a clip, in no order."""
    return _pairs(30, 5, np.random.default_rng(5).integers(1, 5, size=30), seed=1)
