"""Step 5b and 6: heads, embeddings, manifest and card: what is committed."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.atomic import replacing, write_bytes, write_text
from gapkit.embeddings import PairedEmbeddings
from gapkit.encoders.heads import Heads, train_heads
from gapkit.files import load_pairs
from soundscapes.features import Shard, load
from soundscapes.measures import measure_split, shared_captions
from soundscapes.plan import Plan
from soundscapes.render import VERSION
from soundscapes.scenes import COUNTS, SEED
from soundscapes.sources import Source

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "gapkit" / "datasets" / "soundscapes"
HEADS = ROOT / "gapkit" / "encoders" / "weights" / "offline-heads.safetensors"
TRAINING: dict[str, Any] = {
    "temperature": 0.01,
    "hidden": 512,
    "dim": 256,
    "dropout": 0.3,
    "weight_decay": 0.05,
    "epochs": 15,
    "seed": 0,
}
"""Of the heads: what `train_heads` is called with. The temperature makes the gap: see ``analyses/temperature.py``."""

MAX_EVENTS = 3


def pack(
    plan: Plan,
    everything: Sequence[Shard],
    sources: Sequence[Source],
    *,
    encoders: Mapping[str, Mapping[str, str]],
    work: Path,
) -> dict[str, Any]:
    """Train the heads, embed, write the set and its manifest, and return the manifest."""
    fit = [shard for shard in everything if shard.split == "encoder"]
    fit_heads(fit, work).save(HEADS, dtype=torch.float16)
    heads = Heads.load(HEADS)  # as they ship: rounded
    pairs, heard = embed(heads, [shard for shard in everything if shard.split != "encoder"])
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with replacing(OUTPUT / "soundscapes.npz") as temporary:
        np.savez_compressed(
            temporary,
            source=pairs.source.astype(np.float16),
            target=pairs.target.astype(np.float16),
            owner=pairs.owner.astype(np.int32),
            ids=pairs.ids,
            captions=pairs.captions,
            split=pairs.split,
            recordings=heard,
            name=np.array("soundscapes"),
        )
    # Measured on what a user loads: after rounding to float16.
    shipped = load_pairs(OUTPUT / "soundscapes.npz", name="soundscapes")
    measured = {split: measure_split(shipped.subset(split)) for split in shipped.splits}
    known = embed(heads, fit)[0]
    measured["encoder"] = measure_split(known)
    for split, pairs_of in {**{split: shipped.subset(split) for split in shipped.splits}, "encoder": known}.items():
        measured[split]["captions_in_train"] = shared_captions(pairs_of, shipped.subset("train"))
    manifest = {
        "built_from": built_from(plan, everything, sources, encoders),
        "content": shipped.content_hash(),
        "seed": SEED,
        "rendering": VERSION,
        "counts": COUNTS,
        "packages": [
            {"name": s.name, "package": s.package, "version": s.version, "blake2b": s.blake2b} for s in sources
        ],
        "encoders": encoders,
        "heads": {"blake2b": hashlib.blake2b(HEADS.read_bytes(), digest_size=16).hexdigest(), **TRAINING},
        "measured": measured,
        "recordings": plan.table(),
    }
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    write_bytes(OUTPUT / "manifest.json.gz", gzip.compress(raw, mtime=0))
    write_text(OUTPUT / "card.json", json.dumps(card(manifest, shipped), indent=2) + "\n")
    return manifest


def fit_heads(shards: Sequence[Shard], work: Path) -> Heads:
    """Heads from the split ``encoder`` alone; all captions of a clip are positives of it. Kept in `work`."""
    key = hashlib.blake2b(json.dumps([TRAINING, [s.path.name for s in shards]]).encode(), digest_size=16).hexdigest()
    path = work / "heads" / f"{key}.safetensors"
    if not path.is_file():
        audio, text, owner = stacked(shards)
        heads = train_heads(audio[owner], text, owner, **TRAINING)
        about = {"trained_on": "soundscapes, split encoder", "source": "aisfx", "target": "minilm"}
        dataclasses.replace(heads, meta={**heads.meta, **about}).save(path)
    return Heads.load(path)


def embed(heads: Heads, shards: Sequence[Shard]) -> tuple[PairedEmbeddings, NDArray[np.int16]]:
    """Pairs of the shards, and the recordings that are heard in each clip (-1: none)."""
    audio, text, owner = stacked(shards)
    scenes = [scene for shard in shards for scene in shard.scenes]
    heard = np.full((len(scenes), MAX_EVENTS), -1, dtype=np.int16)
    for row, scene in zip(heard, scenes, strict=True):
        row[: len(scene.events)] = [event.recording for event in scene.events]
    pairs = PairedEmbeddings(
        heads.project_source(audio),
        heads.project_target(text),
        owner=owner,
        ids=np.array([scene.id for scene in scenes]),
        captions=np.array([caption for shard in shards for told in shard.captions for caption in told]),
        split=np.array([scene.split for scene in scenes]),
        name="soundscapes",
    )
    return pairs, heard


def stacked(shards: Sequence[Shard]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Audio and text features of many shards and the owner of each caption."""
    parts = [load(shard) for shard in shards]
    told = [len(captions) for shard in shards for captions in shard.captions]
    return (
        np.concatenate([p[0] for p in parts]),
        np.concatenate([p[1] for p in parts]),
        np.repeat(np.arange(len(told)), told),
    )


def built_from(
    plan: Plan, everything: Sequence[Shard], sources: Sequence[Source], encoders: Mapping[str, Mapping[str, str]]
) -> str:
    """One hash of all that decides the set: packages, recordings, scenes, captions, encoders and training."""
    told = [
        [[s.package, s.version, s.blake2b] for s in sources],
        plan.table(),
        [shard.path.name for shard in everything],  # each holds the hash of its scenes, captions and sounds
        encoders,
        TRAINING,
    ]
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()


def card(manifest: Mapping[str, Any], pairs: PairedEmbeddings) -> dict[str, Any]:
    """The short description that `gapkit list datasets` shows."""
    test = manifest["measured"]["test"]
    return {
        "title": "Composed sound scenes with five natural-English captions a clip",
        "licence": "Sounds: CC BY-SA, CC BY, CC0, GPL, LGPL, GFDL or MIT by recording; see LICENSE.md",
        "source": "audio: aisfx CNN (CC BY 4.0) under a trained projection head, 256-d",
        "target": "text: all-MiniLM-L6-v2 (Apache-2.0) under a trained projection head, 256-d",
        "attribution": "Sounds of 13 free-software packages (listed in LICENSE.md); audio encoder aisfx, CC BY 4.0",
        "packed_from": manifest["built_from"],
        "content": manifest["content"],
        "splits": pairs.splits,
        "gap": {key: round(test[key], 4) for key in ("centroid_distance", "paired_cosine", "unpaired_cosine")},
    }
