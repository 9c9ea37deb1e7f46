"""What the temperature of contrastive training does to the gap.

    python analyses/temperature.py FOLDER [--out results] [--seeds 3]

FOLDER holds ``sfx_pairs.npz`` and ``sfx_manifest.json`` (see ``analyses/pack_sfx.py``). Heads are trained on the
frozen features of its encoder split, at fixed temperatures and at a learned one, and measured on one clip of each
test caption: the gap, whether a line tells the modalities apart, and what retrieval finds. Writes
``temperature.csv``, a row for each training, and ``temperature.md``, the means over seeds with their range.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
from pathlib import Path
from typing import Literal

import numpy as np

from gapkit.atomic import write_text
from gapkit.encoders import Heads, train_heads
from gapkit.metrics import centroid_distance, cosine, linear_separability, recall_at_k, unpaired_cosine

TEMPERATURES: tuple[float | Literal["learned"], ...] = (0.01, 0.02, 0.05, 0.1, "learned")
OUTPUT = Path(__file__).resolve().parents[1] / "results"
COLUMNS = ("gap", "separability", "recall_at_10", "paired_cosine", "unpaired_cosine", "reached")


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sound features, text features, captions and splits (0 encoder, 1 bridge, 2 test)."""
    records = json.loads((folder / "sfx_manifest.json").read_text(encoding="utf-8"))
    with np.load(folder / "sfx_pairs.npz", allow_pickle=False) as arrays:
        sounds, texts = (arrays[key].astype(np.float32) for key in ("audio_aisfx", "text_minilm"))
        return sounds, texts, np.array([record["caption"] for record in records]), arrays["split"]


def measured(heads: Heads, sounds: np.ndarray, texts: np.ndarray) -> dict[str, float]:
    """The numbers of one training on held-out pairs."""
    source, target = heads.project_source(sounds), heads.project_target(texts)
    values = {
        "gap": centroid_distance(source, target),
        "separability": linear_separability(source, target),
        "recall_at_10": recall_at_k(source, target, k=10),
        "paired_cosine": cosine(source, target),
        "unpaired_cosine": unpaired_cosine(source, target),
        "reached": heads.temperature,
    }
    return {key: float(value) for key, value in values.items()}


def run(folder: Path, output: Path, seeds: int) -> None:
    """Train, measure and write both files."""
    sounds, texts, captions, splits = read(folder)
    fit = np.flatnonzero(splits == 0)
    test = np.flatnonzero(splits == 2)
    test = test[np.unique(captions[test], return_index=True)[1]]
    rows: list[dict[str, object]] = []
    for temperature in TEMPERATURES:
        for seed in range(seeds):
            begun = time.process_time()
            heads = train_heads(sounds[fit], texts[fit], captions[fit], temperature=temperature, seed=seed)
            seconds = time.process_time() - begun
            values = measured(heads, sounds[test], texts[test])
            rows.append({"temperature": temperature, "seed": seed, **values, "n": len(test), "seconds": seconds})
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    write_text(output / "temperature.csv", text.getvalue())
    write_text(output / "temperature.md", table(rows, fitted=len(fit), tested=len(test)))


def table(rows: list[dict[str, object]], *, fitted: int, tested: int) -> str:
    """Means over seeds, with the smallest and the largest value, as Markdown."""
    lines = [
        "| temperature | gap (centroid distance) | separability | R@10 | paired cosine | unpaired cosine |",
        "|---|---|---|---|---|---|",
    ]
    for temperature in TEMPERATURES:
        same = [row for row in rows if row["temperature"] == temperature]
        cells = []
        for column in COLUMNS[:-1]:
            values = np.array([row[column] for row in same], dtype=float)
            cells.append(f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})")
        reached = np.mean([float(str(row["reached"])) for row in same])
        name = f"learned (ends at {reached:.3f})" if temperature == "learned" else f"{temperature}"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    seeds = len(rows) // len(TEMPERATURES)
    lines += [
        "",
        f"Heads on frozen aiSFX and MiniLM features of {fitted:,} sounds, {seeds} seeds; measured on {tested} clips "
        f"with distinct captions (chance of R@10: {10 / tested:.3f}). Mean over seeds, range in brackets.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds sfx_pairs.npz and sfx_manifest.json")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="where temperature.csv and temperature.md go")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    run(given.folder, given.out, given.seeds)
