"""Step 5a: what the two frozen encoders say of every clip and caption, in shards that are never computed twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import replacing
from gapkit.encoders.aisfx import AisfxAudio
from gapkit.encoders.minilm import MinilmText
from soundscapes.plan import Plan
from soundscapes.recordings import Pool
from soundscapes.render import VERSION, render
from soundscapes.scenes import COUNTS, Scene

SHARD = 250  # clips


@dataclass(frozen=True)
class Shard:
    """Some clips of one split: their scenes, their captions and the file with their features."""

    split: str
    scenes: list[Scene]
    captions: list[list[str]]
    path: Path


def shards(plan: Plan, work: Path, *, encoders: Mapping[str, Mapping[str, str]]) -> Iterator[Shard]:
    """All shards in order.

    The name of each holds a hash of what it is made of: another plan or another encoder is a new file.

    Parameters
    ----------
    encoders : mapping
        `provenance` of the two encoders.
    """
    for split, count in COUNTS.items():
        for start in range(0, count, SHARD):
            scenes = [plan.scene(split, i) for i in range(start, min(start + SHARD, count))]
            captions = [plan.captions(scene) for scene in scenes]
            digest = content(plan, scenes, captions, encoders)[:12]
            yield Shard(split, scenes, captions, work / "features" / f"{split}-{start:05d}-{digest}.npz")


def content(
    plan: Plan, scenes: list[Scene], captions: list[list[str]], encoders: Mapping[str, Mapping[str, str]]
) -> str:
    """blake2b of the plans, the captions, the bytes of every recording that is heard and the encoders."""
    heard = sorted({event.recording for scene in scenes for event in scene.events})
    told = [
        VERSION,
        encoders,
        [dataclasses.asdict(scene, dict_factory=_rounded) for scene in scenes],
        captions,
        [plan.recordings[number].blake2b for number in heard],
    ]
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


def _rounded(fields: list[tuple[str, object]]) -> dict[str, object]:
    """Times and gains to six places: the last bits of a power differ between machines."""
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in fields}


def compute(shard: Shard, pool: Pool, audio: AisfxAudio, text: MinilmText) -> None:
    """Render and embed a shard, unless its file is there."""
    if shard.path.is_file():
        return
    heard = np.concatenate([audio.features([render(scene, pool)]) for scene in shard.scenes])
    read = text.features([caption for five in shard.captions for caption in five])
    with replacing(shard.path) as temporary:
        np.savez(temporary, audio=heard, text=read)


def load(shard: Shard) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Audio (clips, 512) and text (captions, 384) features of a shard."""
    with np.load(shard.path, allow_pickle=False) as arrays:
        return arrays["audio"], arrays["text"]
