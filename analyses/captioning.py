"""The second table: what each bridge does for captions, zero-shot and supervised.

    python analyses/captioning.py WORK [--fitted STUDY] [--seeds 3] [--jobs 1] [--epochs 1.5] [--beams 1,3] [--tuned]

The study runs in WORK, cell by cell, and goes on where it stopped; the bridges are those that a `gapkit compare` of
``soundscapes`` kept in STUDY (that of ``analyses/modality_gap.py``: its folder for this set), or are fitted here.
Written to ``results/captioning``: soundscapes.csv (every score of every row), soundscapes-gains.csv (over no bridge,
same protocol and training), soundscapes-tests.csv (Diffusion-Link minus each other row, paired over clips, Holm within
each part), soundscapes.md (the table), soundscapes.json (versions, choices, what each stage saw).
``docs/captioning-results.md`` is written from them. With --tuned the zero-shot part alone, with the widths that
``analyses/captioning_variants.py`` found best on the validation split, in files that begin with soundscapes-tuned.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.atomic import write_text
from gapkit.captioning import CaptionResults, CaptionStudyConfig, caption_table, run_caption_study
from gapkit.captioning.table import to_markdown
from gapkit.cli.progress import reporting
from gapkit.datasets import load_dataset
from gapkit.machine import limit_threads

sys.path.insert(0, str(Path(__file__).resolve().parent))
from captioning_page import MAIN, OUTPUT, SCORE, SUBJECT, write_page
from independence import marked

SCORES = ("cider_d", "bleu_1", "bleu_4", "rouge_l", "meteor", "spice", "spider", "vocabulary")
TABLED = ("cider_d", "bleu_1", "bleu_4", "rouge_l", "meteor", "spice", "vocabulary")
TRAINED_ON = ("ridge", "diffusion-bridge", "ddbm", "flow", "diffusion-link")
"""Bridges of the supervised protocol, which costs a decoder a seed for each."""
TUNED = {"diffusion-link": {"hidden": 2048}, "flow": {"hidden": 2048}}
"""Of the four that stand in ``variants.csv``: `ddbm` is as good with its own width, `memory` has none."""
KEPT = (
    "gapkit", "python", "packages", "seeds", "parts", "choices", "data_seen", "absent", "tokenizer", "failed",
    "seconds", "config",
)  # fmt: skip
"""What the committed manifest keeps of a study's."""


def configured(seeds: int, epochs: float, beams: tuple[int, ...]) -> CaptionStudyConfig:
    """The study; every row has the same decoder and the same budget."""
    return CaptionStudyConfig(
        supervised_bridges=TRAINED_ON,
        seeds=seeds,
        decoder="small",
        decoder_options={"epochs": epochs},
        noise=(0.001, 0.004),
        starts=(1.0,),
        beams=beams,
        batch_size=250,
        scores=SCORES,
    )


def write_results(results: CaptionResults, folder: Path, name: str) -> None:
    """The five files."""
    write_text(folder / f"{name}.csv", csv(results.summary()))
    write_text(folder / f"{name}-gains.csv", csv(results.gains(SCORE)))
    write_text(folder / f"{name}-tests.csv", csv(results.tests(SUBJECT, SCORE)))
    table = to_markdown(caption_table(results, TABLED, score=SCORE))
    write_text(folder / f"{name}.md", marked(table, name.removesuffix("-tuned")))
    kept = committed(results)
    write_text(folder / f"{name}.json", json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


def committed(results: CaptionResults) -> dict[str, Any]:
    """What of the manifest goes beside the results, nothing of the machine's paths; and the chosen trainings."""
    absent = {name: re.sub(r"\S*site-packages/", "", why) for name, why in results.manifest["absent"].items()}
    return {key: results.manifest[key] for key in KEPT} | {"chosen": results.chosen, "absent": absent}


def csv(frame: pd.DataFrame) -> str:
    """Six significant digits: more is noise."""
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, float_format="%.6g", lineterminator="\n")
    return buffer.getvalue()


def main() -> None:
    """Run the study, write its files and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--fitted", type=Path, help="folder of a `gapkit compare` of soundscapes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="decoders trained side by side")
    parser.add_argument("--epochs", type=float, default=1.5, help="passes over the captions, of every decoder")
    parser.add_argument("--beams", default="1,3", help="beam widths that validation chooses among")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    parser.add_argument("--tuned", action="store_true", help="zero-shot, with the widths that validation chose")
    given = parser.parse_args()
    limit_threads(1)
    config = configured(given.seeds, given.epochs, tuple(map(int, given.beams.split(","))))
    if given.tuned:
        trainings = ("clean", "noise", "projected")
        config = replace(config, protocols=("zero-shot",), trainings=trainings, fitted_params=TUNED)
    with reporting(quiet=False) as progress:
        results = run_caption_study(
            load_dataset(MAIN), config, out=given.work, fitted=given.fitted, jobs=given.jobs, progress=progress
        )
    write_results(results, given.out, f"{MAIN}-tuned" if given.tuned else MAIN)
    write_page()


if __name__ == "__main__":
    main()
