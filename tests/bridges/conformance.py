"""Data that every bridge is tried on: pairs with a gap, a rotation and noise between the sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges.registry import BRIDGES

# Small enough that a training takes a moment; what a bridge does not have is not set.
QUICK = {"steps": 40, "hidden": 24, "batch_size": 32}
# A step of the U-Net costs as much as fifty of the others.
QUICKER = {"diffusion-bridge-unet": {"steps": 4, "width": 8, "time_features": 16}}
# Fewer rows than there are pairs: what is drawn depends on the seed.
DRAWN = {"n_max": 64}


# Where only the bits count and not what was learned.
BRIEF = {"steps": 6}
BRIEFER = {"diffusion-bridge-unet": {"steps": 1, "sample_steps": 2}}


def quick_params(name: str) -> dict[str, int]:
    return _known(name, QUICK | DRAWN | QUICKER.get(name, {}))


def brief_params(name: str) -> dict[str, int]:
    return _known(name, quick_params(name) | BRIEF | BRIEFER.get(name, {}))


def _known(name: str, params: dict[str, int]) -> dict[str, int]:
    known = BRIDGES.get(name)().get_params()
    return {key: value for key, value in params.items() if key in known}


def toy_pairs(n: int = 96, dim: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(n, dim))
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    source = meaning + 2 * rng.normal(size=dim) + 0.1 * rng.normal(size=(n, dim))
    target = meaning @ turn + 2 * rng.normal(size=dim)
    return tuple((side / np.linalg.norm(side, axis=1, keepdims=True)).astype(np.float32) for side in (source, target))
