"""Step 2: every recording that has a concept, decoded to 44.1 kHz mono into one pool of samples on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from gapkit.atomic import replacing, write_text
from soundscapes.concepts import label, labeller, read_concepts
from soundscapes.licences import FREE_FORM, licence_of, licence_rules
from soundscapes.sources import Source, copyright_text, sounds

RATE = 44_100
SHORTEST = 0.15  # seconds that are not silent
LONGEST = 8.0  # seconds kept of a recording, from its first sound on
SILENT = 1e-3  # peak below which a recording holds nothing
FLOOR = 0.01  # of the peak: what is below at either end is cut off


@dataclass(frozen=True)
class Recording:
    """One recording: where it comes from and what it is."""

    source: str
    path: str
    licence: str
    concept: str
    blake2b: str
    seconds: float


@dataclass(frozen=True)
class Pool:
    """All recordings and their samples, as one memory map."""

    recordings: list[Recording]
    starts: NDArray[np.int64]
    samples: NDArray[np.int16]

    def wave(self, number: int) -> NDArray[np.float32]:
        """Samples of a recording, its peak at 1."""
        part = self.samples[self.starts[number] : self.starts[number + 1]]
        return np.asarray(part, dtype=np.float32) / 32767


def decode_all(sources: Iterable[Source], work: Path) -> Pool:
    """Label, decode and keep the recordings; a pool that is already in `work` is opened as it is."""
    table, store = work / "recordings.json", work / "pool.npy"
    if not table.is_file():
        rules = labeller(read_concepts())
        recordings, waves, dropped = [], [], dict.fromkeys(("no concept", "no licence", "short or silent"), 0)
        for source in sources:
            licences = licence_rules(copyright_text(source))
            assert licences or source.name in FREE_FORM, source.name
            for path in sounds(source):
                inside = path.relative_to(source.folder).as_posix()
                concept = label(rules, source.name, inside)
                licence = licence_of(licences, source.name, inside)
                wave = None if concept is None or licence is None else trimmed(decode(path))
                if concept is None or licence is None:
                    dropped["no concept" if concept is None else "no licence"] += 1
                elif wave is None:
                    dropped["short or silent"] += 1
                else:
                    seconds = round(len(wave) / RATE, 3)
                    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
                    recordings.append(Recording(source.name, inside, licence, concept, digest, seconds))
                    waves.append(wave)
        lengths = [len(wave) for wave in waves]
        with replacing(store) as temporary:
            np.save(temporary, np.concatenate(waves))
        entries = [dataclasses.asdict(recording) for recording in recordings]
        # Written last: its presence says that the pool is whole.
        write_text(table, json.dumps({"recordings": entries, "lengths": lengths, "dropped": dropped}))
    record = json.loads(table.read_text(encoding="utf-8"))
    starts = np.concatenate([[0], np.cumsum(record["lengths"])]).astype(np.int64)
    return Pool([Recording(**entry) for entry in record["recordings"]], starts, np.load(store, mmap_mode="r"))


def decode(path: Path) -> NDArray[np.float32]:
    """A sound file as 44.1 kHz mono; an empty array where it cannot be read."""
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            # Silence before the first sound is cut off later, hence the extra seconds.
            wave = file.read(frames=int((LONGEST + 4) * rate), dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.LibsndfileError, OSError):
        return np.zeros(0, dtype=np.float32)
    if rate != RATE and len(wave):
        shared = gcd(rate, RATE)
        wave = resample_poly(wave, RATE // shared, rate // shared).astype(np.float32)
    return wave


def trimmed(wave: NDArray[np.float32]) -> NDArray[np.int16] | None:
    """From the first sound on, `LONGEST` at most, peak at full scale; None where that is too little."""
    wave = wave - wave.mean() if len(wave) else wave
    peak = float(np.abs(wave).max(initial=0))
    if peak < SILENT:
        return None
    loud = np.flatnonzero(np.abs(wave) > FLOOR * peak)
    wave = wave[loud[0] : min(loud[-1] + 1, loud[0] + int(LONGEST * RATE))]
    if len(wave) < SHORTEST * RATE:
        return None
    return np.round(wave * (32767 / np.abs(wave).max())).astype(np.int16)
