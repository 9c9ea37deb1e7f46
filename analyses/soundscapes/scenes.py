"""Step 4a: what happens in a clip, drawn from a seed and its number alone, so that any clip can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from soundscapes.splits import SPLITS

SEED = 20
FRAME = 1024 / 44_100  # seconds between two spectra of the audio encoder
LENGTHS = {1: 149 * FRAME, 2: 199 * FRAME, 3: 249 * FRAME}
"""Seconds of a clip by its number of sounds (3.5, 4.6, 5.8): they fill whole windows of the audio encoder."""

COUNTS = {"encoder": 6000, "train": 10_000, "val": 500, "test": 1000, "unseen": 400}
"""Clips of each split."""

ARRANGEMENTS = {
    "single": 0.28,
    "sequence": 0.20,
    "together": 0.16,
    "over": 0.16,
    "sequence of three": 0.08,
    "two over": 0.07,
    "together, then": 0.05,
}
"""How often each occurs. "over": a sound over another that goes on all the time."""

SOUNDS = {"single": 1, "sequence": 2, "together": 2, "over": 2}  # otherwise 3
ROOMS = {"none": 0.4, "small": 0.2, "hall": 0.2, "cave": 0.2}
NOISES = {"none": 0.5, "hiss": 0.18, "static": 0.14, "rumble": 0.18}
DISTANCES = {"plain": 0.5, "far": 0.28, "near": 0.22}
SHORT = 0.9  # seconds up to which a sound may be repeated
SEMITONES = 3.0  # of pitch, up and down


@dataclass(frozen=True)
class Event:
    """One sound in a clip; times in seconds."""

    recording: int
    concept: str
    start: float
    seconds: float
    pitch: float
    gain: float
    distance: str
    times: int
    gap: float


@dataclass(frozen=True)
class Scene:
    """One clip before it is sound."""

    split: str
    index: int
    arrangement: str
    seconds: float
    events: tuple[Event, ...]
    room: str
    noise: str
    snr: float

    @property
    def id(self) -> str:
        """Name of the clip."""
        return f"{self.split}-{self.index:05d}"


def generator(split: str, index: int, purpose: int) -> np.random.Generator:
    """The random numbers of one clip: 0 plan, 1 captions, 2 sound, 3 which captions are kept."""
    return np.random.default_rng([SEED, SPLITS.index(split), index, purpose])


def draw(
    split: str,
    index: int,
    *,
    choices: Mapping[str, Sequence[int]],
    beds: frozenset[str],
    seconds: Sequence[float],
) -> Scene:
    """Draw clip `index` of a split.

    Parameters
    ----------
    choices : mapping of concept to recordings
        Of this split. Concepts are equally likely, then the recordings of the concept.
    beds : frozenset of str
        Concepts that can go on under others.
    seconds : sequence of float
        Length of each recording.
    """
    rng = generator(split, index, 0)
    arrangement = _one(rng, ARRANGEMENTS)
    count = SOUNDS.get(arrangement, 3)
    length = LENGTHS[count]
    under = arrangement in ("over", "two over")
    concepts = _concepts(rng, sorted(choices), sorted(beds & set(choices)), count, under)
    slots = _slots(arrangement, length)
    events = []
    for place, (concept, (start, room)) in enumerate(zip(concepts, slots, strict=True)):
        recording = int(rng.choice(choices[concept]))
        bed = under and place == count - 1
        pitch = float(2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12))
        natural = seconds[recording] / pitch
        first = start + (0.0 if bed else float(rng.uniform(0.03, 0.12)) * room)
        left = start + room - first
        gap = float(rng.uniform(0.08, 0.4))
        fits = int((left + gap) // (natural + gap))
        repeat = not bed and natural <= SHORT and concept not in beds and fits >= 2 and rng.random() < 0.4
        times = int(rng.integers(2, min(fits, 4) + 1)) if repeat else 1
        lasts = left if bed else min(natural, left)
        distance = "plain" if bed else _one(rng, DISTANCES)
        gain = float(rng.uniform(-3, 3)) - (7 if bed else 0)
        events.append(Event(recording, concept, first, lasts, pitch, gain, distance, times, gap))
    room_name, noise = _one(rng, ROOMS), _one(rng, NOISES)
    return Scene(split, index, arrangement, length, tuple(events), room_name, noise, float(rng.uniform(6, 18)))


def _one(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    names = list(shares)
    return names[int(rng.choice(len(names), p=list(shares.values())))]


def _concepts(rng: np.random.Generator, names: list[str], beds: list[str], count: int, under: bool) -> list[str]:
    """Different concepts, the last of them a bed where one lies under the others."""
    last = [beds[int(rng.integers(len(beds)))]] if under and beds else []
    others = [name for name in names if name not in last]
    picked = rng.choice(len(others), size=count - len(last), replace=False)
    return [others[int(i)] for i in picked] + last


def _slots(arrangement: str, length: float) -> list[tuple[float, float]]:
    """Start and length of the time that each sound has."""
    half, third = length / 2, length / 3
    return {
        "single": [(0.0, length)],
        "sequence": [(0.0, half), (half, half)],
        "together": [(0.0, length), (0.0, length)],
        "over": [(0.0, length), (0.0, length)],
        "sequence of three": [(0.0, third), (third, third), (2 * third, third)],
        "two over": [(0.0, half), (half, half), (0.0, length)],
        "together, then": [(0.0, 2 * third), (0.0, 2 * third), (2 * third, third)],
    }[arrangement]
