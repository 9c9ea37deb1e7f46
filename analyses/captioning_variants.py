"""Which settings of Diffusion-Link make better captions, on the validation split alone.

    python analyses/captioning_variants.py WORK [--seeds 3] [--epochs 1.5]

Fitted on train, captioned on val: the test split is not there at all. Every setting is one study in WORK, which goes
on where it stopped; all of them share the decoders, which learn from captions alone. Written to
``results/captioning``: variants.csv (a row a setting: its CIDEr-D, and by how much it differs from the defaults, paired
over clips, Holm-corrected within a part), variants.json (versions, seeds, parts). The other bridges stand beside.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.atomic import write_text
from gapkit.captioning import CaptionResults, CaptionStudyConfig, run_caption_study
from gapkit.cli.progress import reporting
from gapkit.datasets import load_dataset
from gapkit.embeddings import PairedEmbeddings
from gapkit.machine import limit_threads

sys.path.insert(0, str(Path(__file__).resolve().parent))
from ablation import spelled, validation_study
from captioning import csv
from captioning_page import MAIN, OUTPUT, SCORE, SUBJECT

BESIDE = ("memory", "ddbm", "flow")
"""Bridges that the defaults cannot be told from, or that are ahead somewhere, on the test split."""
VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (SUBJECT, {}),
    (SUBJECT, {"condition": True}),
    (SUBJECT, {"hidden": 2048}),
    (SUBJECT, {"contrast_weight": 0.1}),
    (SUBJECT, {"targets": "mean"}),
    (SUBJECT, {"targets": "mean", "contrast_weight": 0.1}),
    (SUBJECT, {"source_weight": 0.9}),
    (SUBJECT, {"align": "blend"}),
    (SUBJECT, {"hidden": 2048, "condition": True}),
    ("ddbm", {"hidden": 2048}),
    ("flow", {"hidden": 2048}),
)
"""What is tried, the defaults first; what brings the most to Diffusion-Link is tried with those beside it too."""
KEPT = ("gapkit", "python", "packages", "seeds", "parts", "tokenizer", "absent")
"""What the committed manifest keeps of a study's."""


def configured(
    bridges: tuple[str, ...], params: dict[str, dict[str, Any]], seeds: int, epochs: float
) -> CaptionStudyConfig:
    """One study: the settings of the test split's, but what validation chose there."""
    return CaptionStudyConfig(
        protocols=("zero-shot",),
        trainings=("clean", "projected"),
        bridges=bridges,
        seeds=seeds,
        decoder="small",
        decoder_options={"epochs": epochs},
        projections=(0.5,),
        beams=(3,),
        batch_size=250,
        scores=(SCORE,),
        fitted_params=params,
    )


def named(bridge: str, options: dict[str, Any]) -> str:
    """The setting in words, behind the bridge where that is not the subject."""
    return (spelled(options) if bridge == SUBJECT else f"{bridge}: {spelled(options)}") if options else bridge


def tried(pairs: PairedEmbeddings, work: Path, seeds: int, epochs: float) -> CaptionResults:
    """All settings as the rows of one table."""
    found: list[tuple[str, str, CaptionResults]] = []
    for bridge, options in VARIANTS:
        name = named(bridge, options)
        bridges = (bridge,) if options else (SUBJECT, *BESIDE)
        out = work / "".join(c if c.isalnum() or c in "-.=" else "_" for c in name)
        if found and not out.exists():
            others = shutil.ignore_patterns("bridges", "cells", "written", ".lock", "*.csv", "manifest.json")
            shutil.copytree(work / SUBJECT, out, ignore=others)
        with reporting(quiet=False) as progress:
            progress.message(name)
            config = configured(bridges, {bridge: options} if options else {}, seeds, epochs)
            found.append((bridge, name, run_caption_study(pairs, config, out=out, progress=progress)))

    def stacked(table: str) -> pd.DataFrame:
        parts: list[pd.DataFrame] = [getattr(found[0][2], table)]
        for bridge, name, results in found[1:]:
            own: pd.DataFrame = getattr(results, table)
            parts.append(own[own["bridge"] == bridge].assign(bridge=name))
        return pd.concat(parts, ignore_index=True)

    first = found[0][2]
    return CaptionResults(
        stacked("captions"), stacked("per_clip"), stacked("scores"), {**first.manifest, "choices": []}
    )


def table(results: CaptionResults) -> pd.DataFrame:
    """A row a setting and a part; differences are those of the row from the defaults."""
    summary = results.summary(SCORE).drop(columns=["score", "n_seeds", "n"])
    tests = results.tests(SUBJECT, SCORE).drop(columns=["effect", "p"])
    tests[["difference", "low", "high"]] = -tests[["difference", "high", "low"]].to_numpy()
    return summary.merge(tests, on=["protocol", "training", "bridge"], how="left")


def main() -> None:
    """Run what is not there yet, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1.5, help="passes over the captions, of every decoder")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    given = parser.parse_args()
    limit_threads(1)
    results = tried(validation_study(load_dataset(MAIN)), given.work, given.seeds, given.epochs)
    write_text(given.out / "variants.csv", csv(table(results)))
    kept = {key: results.manifest[key] for key in KEPT} | {
        "epochs": given.epochs,
        "variants": [list(v) for v in VARIANTS],
    }
    write_text(given.out / "variants.json", json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
