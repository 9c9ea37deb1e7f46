"""AudioCaps as text alone: what its captions are like, how far people agree, how near test lies to train.

    python analyses/audiocaps_text.py FOLDER WORK [--out results]

FOLDER holds ``v1_train.csv``, ``v1_val.csv`` and ``v1_test.csv`` of AudioCaps 1.0. No sound is needed. Captions are
embedded by the offline text encoder (all-MiniLM-L6-v2), about 110 a second of one core; what was embedded is kept in
WORK, and a run that was stopped goes on from there. Writes ``audiocaps_text.csv``, a row a number, ``audiocaps_text.md``
and ``audiocaps_text.json``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from gapkit.atomic import replacing
from gapkit.datasets.audiocaps import audiocaps_captions
from gapkit.encoders.minilm import MinilmText

SPLITS = ("train", "val", "test")
CHUNK = 2000
"""Captions embedded before they are kept."""


def embed(texts: list[str], work: Path) -> np.ndarray:
    """Unit rows of distinct texts, (n, 384), from WORK where they are there."""
    encoder = MinilmText()
    # Of one length together: the longest decides what a batch costs.
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
    rows = np.empty((len(texts), encoder.dim), dtype=np.float32)
    for start in range(0, len(order), CHUNK):
        places = order[start : start + CHUNK]
        path = work / f"captions-{start:06d}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as kept:
                if kept["texts"].tolist() == [texts[i] for i in places]:
                    rows[places] = kept["rows"]
                    continue
        rows[places] = encoder.features([texts[i] for i in places])
        with replacing(path) as temporary:
            np.savez(temporary, texts=np.array([texts[i] for i in places]), rows=rows[places])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "results")
    arguments = parser.parse_args()
    captions = {split: audiocaps_captions(arguments.folder / f"v1_{split}.csv") for split in SPLITS}
    texts = sorted({text for clips in captions.values() for said in clips.values() for text in said})
    embed(texts, arguments.work)


if __name__ == "__main__":
    main()
