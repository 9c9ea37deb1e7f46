"""The numbers of the build, written into the dataset card between its marks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

from gapkit.atomic import write_text
from gapkit.bridges.registry import make_bridge
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics import centroid_distance, cosine, linear_separability, recall_at_k, unpaired_cosine
from openclipart.packing import OUTPUT, ROOT

ORDER = ("encoder", "train", "val", "test")
EXAMPLES = 8


def measure_split(pairs: PairedEmbeddings) -> dict[str, float]:
    """Gap and retrieval, image to text, of one split."""
    source, target = pairs.source, pairs.target
    return {
        "pairs": len(pairs),
        "captions": len(np.unique(pairs.captions)),  # type: ignore[arg-type]
        "centroid_distance": centroid_distance(source, target),
        "paired_cosine": cosine(source, target),
        "unpaired_cosine": unpaired_cosine(source, target),
        "separability": linear_separability(source, target),
        "recall_1": recall_at_k(source, target, k=1),
        "recall_10": recall_at_k(source, target, k=10),
    }


def write_report(pairs: PairedEmbeddings, facts: Mapping[str, str]) -> None:
    """Fill ``docs/openclipart.md``."""
    measured = {f"`{split}`": measure_split(pairs.subset(split)) for split in ORDER}
    train, test = pairs.subset("train"), pairs.subset("test")
    shift = make_bridge("mean-shift").fit(train.source, train.target)
    moved = PairedEmbeddings(shift.transform(test.source), test.target, captions=test.captions)
    measured["`test` after mean shift"] = measure_split(moved)
    size = (OUTPUT / "openclipart.npz").stat().st_size / 1e6
    parts = {
        "built": f"{size:.1f} MB. " + "; ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        "measured": measured_table(measured),
        "composition": composition_table(pairs),
        "examples": "\n".join(f"- {said}" for said in test.captions[:: len(test) // EXAMPLES][:EXAMPLES]),  # type: ignore[index]
    }
    path = ROOT / "docs" / "openclipart.md"
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, p=part: f"{m[1]}\n{p}\n\n{m[2]}", text, flags=re.S
        )
    write_text(path, text)


def measured_table(measured: Mapping[str, Mapping[str, float]]) -> str:
    """One row a split."""
    lines = [
        "| split | pairs | captions | centroid distance | paired cosine | unpaired | separability | R@1 | R@10 "
        "| chance of R@10 |",
        "|---" * 10 + "|",
    ]
    for split, m in measured.items():
        lines.append(
            f"| {split} | {m['pairs']:,} | {m['captions']:,} | {m['centroid_distance']:.3f} | {m['paired_cosine']:.3f} "
            f"| {m['unpaired_cosine']:.3f} | {m['separability']:.3f} | {m['recall_1']:.3f} | {m['recall_10']:.3f} "
            f"| {10 / m['pairs']:.3f} |"
        )
    return "\n".join(lines)


def composition_table(pairs: PairedEmbeddings) -> str:
    """Drawings by top folder and split."""
    folders = np.char.partition(pairs.ids.astype(str), "/")[:, 0]  # type: ignore[union-attr]
    lines = ["| folder of the package | " + " | ".join(f"`{split}`" for split in ORDER) + " |", "|---" * 5 + "|"]
    for folder, _ in Counter(folders.tolist()).most_common():
        counts = (int(((folders == folder) & (pairs.split == split)).sum()) for split in ORDER)
        lines.append(f"| {folder.replace('_', ' ')} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    return "\n".join(lines)
