"""What decoders read: how near the answers of each bridge lie to the captions that a decoder learnt from.

    python analyses/captioning_answers.py WORK [--seeds 3]

Fits the bridges of the caption study (the study in WORK goes on where it stopped) and measures their answers on the
test split as they are and moved half-way toward fitted captions, without any decoder. Written to
``results/captioning``: answers.csv, a row a bridge and reading: cosine to the clip's captions, nearness to fitted
captions beside that of held-out captions (`gapkit.metrics.memorisation`), cosine to the answers of Diffusion-Link.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.atomic import write_text
from gapkit.captioning import CaptionStudyConfig
from gapkit.captioning.protocols import read_by
from gapkit.cli.progress import reporting, say
from gapkit.comparison import Run, StudyConfig, open_run, run_study
from gapkit.datasets import load_dataset
from gapkit.machine import limit_threads
from gapkit.metrics import cosine, memorisation

sys.path.insert(0, str(Path(__file__).resolve().parent))
from captioning import csv
from captioning_page import MAIN, OUTPUT, SUBJECT

WEIGHTS = (0.0, 0.5)
"""How far answers are moved toward fitted captions: not at all, and what validation chose for every bridge."""

Answers = dict[int | None, NDArray[np.float32]]


def answers(run: Run, name: str, weight: float) -> Answers:
    """What a decoder reads of the test clips, by seed."""
    own = {seed: run.bridge(name, seed) for seed in run.seeds(name)}
    return {seed: read_by(name, bridge, run.test, fit=run.parts.fit, weight=weight) for seed, bridge in own.items()}


def agreement(a: Answers, b: Answers, *, same: bool) -> float:
    """Mean cosine of two bridges' answers to the same clip, over all seeds; of one bridge, over pairs of its seeds."""
    pairs = [(x, y) for (i, x), (j, y) in product(a.items(), b.items()) if not (same and i == j)]
    return float(np.mean([(x * y).sum(axis=1).mean() for x, y in pairs])) if pairs else np.nan


def measured(run: Run) -> pd.DataFrame:
    """The table."""
    test, fitted = run.test, run.parts.fit.target
    rows: list[dict[str, Any]] = []
    for weight in WEIGHTS:
        subject = answers(run, SUBJECT, weight)
        for name in run.bridges:
            say(f"{name}, weight {weight:g}")
            read = answers(run, name, weight)
            cells = [
                (
                    cosine(x, test.target, owner=test.owner),
                    memorisation(x, test.target, fitted=fitted, owner=test.owner),
                )
                for x in read.values()
            ]
            own, near = np.mean(cells, axis=0)
            rows.append({
                "bridge": name, "weight": weight, "cosine": own, "nearness": near,
                "agreement": agreement(read, subject, same=name == SUBJECT), "seeds": len(read),
            })  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    """Fit, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUTPUT)
    given = parser.parse_args()
    limit_threads(1)
    bridges = CaptionStudyConfig().resolved().bridges
    config = StudyConfig(bridges=bridges, metrics=("cosine",), seeds=given.seeds, threads=1)
    with reporting(quiet=False) as progress:
        run_study(load_dataset(MAIN), config, out=given.work, progress=progress)
    write_text(given.out / "answers.csv", csv(measured(open_run(given.work))))


if __name__ == "__main__":
    main()
