"""Heads, embeddings and card: what is committed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.atomic import replacing, write_text
from gapkit.embeddings import PairedEmbeddings
from gapkit.encoders.heads import Heads, train_heads
from gapkit.files import load_pairs
from openclipart.captions import caption
from openclipart.drawings import Drawing

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "gapkit" / "datasets" / "openclipart"
HEADS = ROOT / "gapkit" / "encoders" / "weights" / "offline-image-heads.safetensors"
TEMPERATURE = 0.01
"""It makes the gap: a learned one closes most of it."""


def fit_heads(image: NDArray[np.float32], text: NDArray[np.float32], subjects: list[str]) -> Heads:
    """Heads from the pictures of the split ``encoder`` alone; pictures of one subject are positives of each other."""
    heads = train_heads(image, text, subjects, temperature=TEMPERATURE)
    about = {"trained_on": "openclipart, split encoder", "source": "efficientnet-lite0", "target": "minilm"}
    return dataclasses.replace(heads, meta={**heads.meta, **about})


def built_from(folder: Path, drawings: list[Drawing], encoders: dict[str, dict[str, str]]) -> str:
    """One hash of the drawings, their captions, and the encoders."""
    digest = hashlib.blake2b(json.dumps(encoders, sort_keys=True).encode(), digest_size=16)
    for drawing in drawings:
        digest.update(f"{drawing.path}\n{caption(drawing)}\n".encode())
        digest.update((folder / drawing.path).read_bytes())
    return digest.hexdigest()


def pack(
    drawings: list[Drawing],
    subjects: list[str],
    splits: list[str],
    image: NDArray[np.float32],
    text: NDArray[np.float32],
    *,
    packed_from: str,
    output: Path = OUTPUT,
    heads_path: Path = HEADS,
) -> PairedEmbeddings:
    """Train the heads; write them, ``openclipart.npz`` and ``card.json``; return the pairs as they ship."""
    split = np.array(splits)
    fit = np.flatnonzero(split == "encoder")
    fit_heads(image[fit], text[fit], [subjects[i] for i in fit]).save(heads_path, dtype=torch.float16)
    heads = Heads.load(heads_path)  # what users get: rounded
    output.mkdir(parents=True, exist_ok=True)
    with replacing(output / "openclipart.npz") as temporary:
        np.savez_compressed(
            temporary,
            source=heads.project_source(image).astype(np.float16),
            target=heads.project_target(text).astype(np.float16),
            ids=np.array([drawing.path for drawing in drawings]),
            captions=np.array([caption(drawing) for drawing in drawings]),
            split=split,
            artist=np.array([drawing.artist for drawing in drawings]),
            name=np.array("openclipart"),
        )
    pairs = load_pairs(output / "openclipart.npz", name="openclipart")
    write_text(output / "card.json", json.dumps(card(pairs, packed_from), indent=2, ensure_ascii=False) + "\n")
    return pairs


def card(pairs: PairedEmbeddings, packed_from: str) -> dict[str, Any]:
    """The short description that `gapkit list datasets` shows."""
    from openclipart.report import measure_split

    test = measure_split(pairs.subset("test"))
    return {
        "title": "Drawings of the Open Clip Art Library with a sentence from title and keywords",
        "licence": "Drawings: public domain; see LICENSE.md",
        "source": "image: EfficientNet-Lite0 (Apache-2.0) under a trained projection head, 256-d",
        "target": "text: all-MiniLM-L6-v2 (Apache-2.0) under a trained projection head, 256-d",
        "attribution": "None needed; drawings by the artists of the Open Clip Art Library, by the Debian package "
        "openclipart-svg",
        "packed_from": packed_from,
        "content": pairs.content_hash(),
        "splits": pairs.splits,
        "gap": {key: round(test[key], 4) for key in ("centroid_distance", "paired_cosine", "unpaired_cosine")},
    }
