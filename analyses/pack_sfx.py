"""Make the bundled `sfx` data from the folder that holds ``sfx_pairs.npz`` and ``sfx_manifest.json``.

    python analyses/pack_sfx.py FOLDER [OUTPUT_FOLDER]

The same input gives the same bytes. Splits of the original become splits of the bundle:

- ``encoder`` stays: the projection heads were trained on these clips.
- ``bridge`` becomes ``train`` and ``val``. A hash of the caption decides, so no caption is in both and the
  choice never changes.
- In ``val`` and ``test`` the last clip of each caption stays; the others are ``val-duplicates`` and
  ``test-duplicates``: two clips with one caption have the same target, and retrieval cannot tell them apart.
- A clip of ``train`` or ``val`` whose sound is also in ``test`` (or, for ``train``, in ``val``) under another
  caption becomes ``shared``: the same recording was shipped by two packages, and a bridge must not see it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from gapkit.atomic import replacing, write_text
from gapkit.checks import inspect_pairs
from gapkit.files import load_pairs

VAL_SHARE = 0.15
OUTPUT = Path(__file__).resolve().parents[1] / "gapkit" / "datasets" / "sfx"


def goes_to_val(caption: str) -> bool:
    """Whether the clips with this caption validate: true for `VAL_SHARE` of all captions."""
    number = int.from_bytes(hashlib.blake2b(caption.encode("utf-8"), digest_size=8).digest(), "big")
    return number < VAL_SHARE * 2**64


def new_splits(old: list[str], captions: list[str]) -> list[str]:
    """The split of each clip of the bundle, from that of the original."""
    seen: set[tuple[str, str]] = set()
    splits = []
    # From the end: the figures published with the original are those of the last clip of each caption.
    for split, caption in zip(reversed(old), reversed(captions), strict=True):
        name = split
        if split == "bridge":
            name = "val" if goes_to_val(caption) else "train"
        if name in ("val", "test") and (name, caption) in seen:
            splits.append(f"{name}-duplicates")
        else:
            splits.append(name)
            seen.add((name, caption))
    return splits[::-1]


def without_shared(splits: list[str], sounds: np.ndarray) -> list[str]:
    """The splits with clips set apart whose sound a later stage is measured on."""
    splits = list(splits)
    rows = [sound.tobytes() for sound in sounds]
    for fitted, measured in (("val", ("test",)), ("train", ("test", "val"))):
        seen = {row for row, split in zip(rows, splits, strict=True) if split.removesuffix("-duplicates") in measured}
        for i, row in enumerate(rows):
            if splits[i].removesuffix("-duplicates") == fitted and row in seen:
                splits[i] = "shared"
    return splits


def pack(folder: Path, output: Path) -> None:
    """Write ``sfx.npz`` and ``card.json`` into `output`."""
    files = [folder / "sfx_pairs.npz", folder / "sfx_manifest.json"]
    digest = hashlib.blake2b(b"".join(file.read_bytes() for file in files), digest_size=16).hexdigest()
    records = json.loads(files[1].read_text(encoding="utf-8"))
    with np.load(files[0], allow_pickle=False) as original:
        arrays = {key: original[key] for key in ("audio_clap", "text_clap", "duration")}
    captions = [record["caption"] for record in records]
    splits = without_shared(new_splits([record["split"] for record in records], captions), arrays["audio_clap"])
    with replacing(output / "sfx.npz") as temporary:
        np.savez_compressed(
            temporary,
            source=arrays["audio_clap"],
            target=arrays["text_clap"],
            ids=np.array([record["path"] for record in records]),
            captions=np.array(captions),
            split=np.array(splits),
            package=np.array([record["source"] for record in records]),
            duration=arrays["duration"],
            name=np.array("sfx"),
        )
    pairs = load_pairs(output / "sfx.npz")
    gap = inspect_pairs(pairs.subset("test")).gap
    assert gap is not None
    card = {
        "title": "Sound effects of free games and desktops with short descriptions",
        "licence": "Sounds: CC BY-SA, CC BY, CC0, GPL, LGPL, GFDL or MIT by package; see LICENSE.md",
        "source": "audio: aisfx CNN (CC BY 4.0) under a trained projection head, 256-d",
        "target": "text: all-MiniLM-L6-v2 (Apache-2.0) under a trained projection head, 256-d",
        "attribution": "Sounds of 13 free-software packages (listed in LICENSE.md); audio encoder aisfx, CC BY 4.0",
        "packed_from": digest,
        "content": pairs.content_hash(),
        "splits": pairs.splits,
        "gap": {
            "centroid_distance": round(gap.centroid_distance, 4),
            "paired_cosine": round(gap.paired_cosine, 4),
            "unpaired_cosine": round(gap.unpaired_cosine, 4),
        },
    }
    write_text(output / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds sfx_pairs.npz and sfx_manifest.json")
    parser.add_argument("output", type=Path, nargs="?", default=OUTPUT, help="where sfx.npz and card.json go")
    given = parser.parse_args()
    pack(given.folder, given.output)
