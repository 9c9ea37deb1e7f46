"""Step 4c: from a scene to sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import lfilter

from soundscapes.recordings import RATE, Pool
from soundscapes.scenes import Event, Scene, generator

VERSION = 1  # to be raised when the same scene is to sound different: features are then computed again
LEVEL = 0.1  # root mean square that every sound is brought to before its gain
FAR_GAIN, NEAR_GAIN = -10.0, 3.0  # dB
FAR_CUT = 2500.0  # Hz above which a far sound loses 6 dB an octave
ROOMS = {"small": (0.35, 0.3), "hall": (1.5, 0.45), "cave": (2.8, 0.6)}
"""Reverberation time in seconds and share of the reverberated sound."""
FAR_WET = 0.25  # more of it for far sounds
LONGEST_ROOM = 1.2  # seconds of the impulse response that are kept
FADE = 0.01  # seconds


def render(scene: Scene, pool: Pool) -> NDArray[np.float32]:
    """The clip: mono, 44.1 kHz, peak 0.9."""
    rng = generator(scene.split, scene.index, 2)
    n = round(scene.seconds * RATE)
    dry, wet = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    share = ROOMS[scene.room][1] if scene.room != "none" else 0.0
    for event in scene.events:
        sound = _event(event, pool, n)
        far = FAR_WET if event.distance == "far" and scene.room != "none" else 0.0
        dry += (1 - share - far) * sound
        wet += (share + far) * sound
    if scene.room != "none":
        dry += _reverberated(wet, ROOMS[scene.room][0], rng)
    if scene.noise != "none":
        noise = _noise(scene.noise, n, rng)
        dry += noise * (_rms(dry) * 10 ** (-scene.snr / 20) / max(_rms(noise), 1e-9))
    peak = float(np.abs(dry).max())
    return (dry * (0.9 / max(peak, 1e-9))).astype(np.float32)


def _event(event: Event, pool: Pool, n: int) -> NDArray[np.float32]:
    """One sound with its repeats on a canvas of `n` samples."""
    wave = pool.wave(event.recording)
    length = min(round(event.seconds * RATE), round(len(wave) / event.pitch))
    sound = np.interp(np.arange(length) * event.pitch, np.arange(len(wave)), wave).astype(np.float32)
    wanted = round(event.seconds * RATE)
    if len(sound) < wanted - 1:  # a bed that is shorter than the clip goes round
        sound = np.resize(sound, wanted)
    fade = np.linspace(0, 1, min(round(FADE * RATE), len(sound) // 2), dtype=np.float32)
    if len(fade):
        sound[-len(fade) :] *= fade[::-1]
    if event.distance == "far":
        keep = np.exp(-2 * np.pi * FAR_CUT / RATE)
        sound = lfilter([1 - keep], [1, -keep], sound).astype(np.float32)
    gain = event.gain + {"far": FAR_GAIN, "near": NEAR_GAIN}.get(event.distance, 0.0)
    sound *= LEVEL / max(_rms(sound), 1e-6) * 10 ** (gain / 20)
    canvas = np.zeros(n, dtype=np.float32)
    for turn in range(event.times):
        start = round((event.start + turn * (event.seconds + event.gap)) * RATE)
        part = sound[: max(0, n - start)]
        canvas[start : start + len(part)] += part
    return canvas


def _reverberated(wave: NDArray[np.float32], seconds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Convolved with noise that falls by 60 dB in `seconds`, the energy kept."""
    length = round(min(seconds, LONGEST_ROOM) * RATE)
    decay = np.exp(-6.9 * np.arange(length, dtype=np.float32) / (seconds * RATE)).astype(np.float32)
    response = rng.standard_normal(length, dtype=np.float32) * decay
    # High tones die first in a real room.
    response = lfilter([0.6], [1, -0.4], response).astype(np.float32)
    response /= np.linalg.norm(response)
    size = next_fast_len(len(wave) + length - 1, real=True)
    return np.asarray(irfft(rfft(wave, size) * rfft(response, size), size)[: len(wave)], dtype=np.float32)


def _noise(kind: str, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """White (hiss), pink (static) or low-passed (rumble) noise."""
    white = rng.standard_normal(n, dtype=np.float32)
    if kind == "hiss":
        return white
    if kind == "rumble":
        return np.asarray(lfilter([0.02], [1, -0.98], white), dtype=np.float32)
    # Paul Kellet's economy filter of three poles: -3 dB an octave within 0.5 dB.
    poles = ((0.99765, 0.0990460), (0.963, 0.2965164), (0.57, 1.0526913))
    pink = sum(lfilter([gain], [1, -pole], white) for pole, gain in poles)
    return np.asarray(pink + 0.1848 * white, dtype=np.float32)


def _rms(wave: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
