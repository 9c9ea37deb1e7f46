"""Diffusion-Link taken apart, one choice at a time.

    python analyses/ablation.py WORK [--dataset soundscapes] [--seeds 3] [--afresh]

Each row changes one option of the default and leaves the others. Measured on the VALIDATION split, since these are the
choices that the defaults were made from; training stops on a tenth of the fitted clips instead. Rows run in WORK and
go on where they stopped; rows that the results hold already, of the same defaults, are kept unless ``--afresh``.
Writes ``results/ablation.csv``, ``results/ablation.md`` and ``results/ablation.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.atomic import write_text
from gapkit.bridges.registry import make_bridge
from gapkit.cli.progress import reporting, say
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.datasets import load_dataset
from gapkit.embeddings import PairedEmbeddings

sys.path.insert(0, str(Path(__file__).resolve().parent))
from independence import marked

OUTPUT = Path(__file__).resolve().parents[1] / "results"
SUBJECT = "diffusion-link"
METRICS = ("cosine", "centroid-distance", "mmd", "separability", "share-risen", "recall@1", "recall@10")
COLUMNS = ["choice", "setting", "metric", "value", "ci_low", "ci_high", "seed_sd", "n_seeds", "n"]
CHOICES: dict[str, list[dict[str, Any]]] = {
    "abstract alone": [{"contrast_weight": 0.0, "dropout": 0.0}],
    "dropout": [{"dropout": 0.0}],
    "what is noised": [{"inputs": "source"}, {"inputs": "target"}],
    "linear map before": [{"align": "blend"}],
    "contrastive term": [{"contrast_weight": w} for w in (0.0, 0.1)],
    "topology loss": [
        {"topology_weight": 0.0},
        {"topology_weight": 1.0},
        {"topology": "pearson", "topology_weight": 1.0},
        {"topology": "softmax"},
    ],
    "balance of the two sides": [{"source_weight": 0.9}, {"source_weight": 0.2}],
    "noise at the entry": [{"entry_noise": True}],
    "reverse steps": [{"sample_steps": 5}],
    "noise of the two sides": [{"shared_noise": False}],
    "what is predicted": [{"prediction": "v"}, {"prediction": "epsilon"}],
    "which caption of the clip": [{"targets": "any"}, {"targets": "mean"}],
    "network": [{"hidden": 512}],
    "products": [{"precision": "bfloat16"}],
    "times in training": [{"last_time": 1000}],
    "start": [{"start": 200}],
    "distilled from 5 steps": [{"sample_steps": 5, "distil_steps": 100}],
    "first guess": [{"precondition": False}],
    "what the network sees": [{"condition": True}, {"condition": True, "guidance": 1.0}],
}


def validation_study(pairs: PairedEmbeddings) -> PairedEmbeddings:
    """Fit on train, measure on val: the test split is not there at all."""
    split = np.asarray(pairs.split)
    kept = pairs.take(np.flatnonzero(np.isin(split, ["train", "val"])), name=pairs.name)
    renamed = np.where(np.asarray(kept.split) == "val", "test", np.asarray(kept.split))
    return dataclasses.replace(kept, split=renamed)


def run(dataset: str, work: Path, seeds: int, *, afresh: bool) -> None:
    """Row by row, with the three files after each."""
    pairs = validation_study(load_dataset(dataset))
    defaults = make_bridge(SUBJECT).get_params()
    rows: list[tuple[str, dict[str, Any]]] = [("default", {})]
    rows += [
        (choice, options)
        for choice, own in CHOICES.items()
        for options in own
        if any(defaults[key] != value for key, value in options.items())
    ]
    facts: dict[str, Any] = {"dataset": dataset, "split": "val", "seeds": seeds, "defaults": defaults, "rows": []}
    known = {} if afresh else kept(facts)
    frames, records = [], []
    for choice, options in rows:
        if spelled(options) in known:
            frame, record = known[spelled(options)]
        else:
            frame, record = measured(pairs, choice, options, work, seeds)
        frames.append(frame)
        records.append(record)
        # Written after every row: a study that is stopped has left what it knows.
        frame = pd.concat(frames, ignore_index=True)
        write_text(
            OUTPUT / "ablation.csv", frame[COLUMNS].to_csv(index=False, float_format="%.6g", lineterminator="\n")
        )
        write_text(OUTPUT / "ablation.md", markdown(frame, dataset, seeds))
        facts["rows"] = records
        write_text(OUTPUT / "ablation.json", json.dumps(facts, indent=2) + "\n")


def kept(facts: dict[str, Any]) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Setting to its rows and record in the results, where those are of the same study."""
    table, record = OUTPUT / "ablation.csv", OUTPUT / "ablation.json"
    if not (table.is_file() and record.is_file()):
        return {}
    stored = json.loads(record.read_text(encoding="utf-8"))
    if any(stored[key] != json.loads(json.dumps(facts[key])) for key in ("dataset", "split", "seeds", "defaults")):
        return {}
    frame = pd.read_csv(table)
    found = {}
    for row in stored["rows"]:
        label = spelled(row["options"])
        own = (frame["setting"] == label) | ((frame["setting"] == "identity") & (label == "default"))
        found[label] = (frame[own], row)
    return found


def measured(
    pairs: PairedEmbeddings, choice: str, options: dict[str, Any], work: Path, seeds: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """One setting's rows and record; the default brings the clouds without a bridge with it."""
    results, seconds = study(pairs, options, work, seeds)
    own = results.summary()
    frames = []
    for name in (SUBJECT, "identity") if not options else (SUBJECT,):
        label = name if name == "identity" else spelled(options)
        row = own[own["bridge"] == name]
        frames.append(row.assign(choice="without a bridge" if name == "identity" else choice, setting=label))
    return pd.concat(frames, ignore_index=True), {"choice": choice, "options": options, "fit_seconds": seconds}


def study(pairs: PairedEmbeddings, options: dict[str, Any], work: Path, seeds: int) -> tuple[Results, float]:
    """One setting, in a folder of its own."""
    name = hashlib.blake2b(json.dumps(options, sort_keys=True).encode(), digest_size=6).hexdigest()
    params = {SUBJECT: options} if options else {}
    config = StudyConfig(bridges=(SUBJECT,), metrics=METRICS, seeds=seeds, params=params, threads=1)
    home = work / name
    with reporting(quiet=True) as progress:
        results = run_study(pairs, config, out=home, progress=progress)
    cells = json.loads((home / "manifest.json").read_text(encoding="utf-8"))["cells"]
    own = [cell["fit_seconds"] for stem, cell in cells.items() if stem.startswith(f"{SUBJECT}-s")]
    say(f"{spelled(options)}: {np.mean(own):.1f} s to fit")
    return results, float(np.mean(own))


def spelled(options: dict[str, Any]) -> str:
    """The options as a reader would write them."""
    return ", ".join(f"{key} = {value}" for key, value in options.items()) or "default"


def markdown(frame: pd.DataFrame, dataset: str, seeds: int) -> str:
    """The table, grouped by choice."""
    wide = frame.pivot_table(index=["choice", "setting"], columns="metric", values="value", sort=False)
    spread = frame[(frame["choice"] == "default")].set_index("metric")
    labels = {
        "cosine": "cosine", "centroid-distance": "centroid", "mmd": "MMD² x1000", "separability": "separability",
        "share-risen": "clips risen", "recall@1": "R@1", "recall@10": "R@10",
    }  # fmt: skip
    lines = [
        f"Diffusion-Link on the validation split of `{dataset}`, one choice changed at a time; seeds: {seeds}.",
        "",
        "| choice | setting | " + " | ".join(labels[m] for m in METRICS) + " |",
        "|---|---|" + "---|" * len(METRICS),
    ]
    last = ""
    for (choice, setting), row in wide.iterrows():
        cells = [f"{row[m] * 1000:.2f}" if m == "mmd" else f"{row[m]:.3f}" for m in METRICS]
        lines.append(f"| {choice if choice != last else ''} | `{setting}` | " + " | ".join(cells) + " |")
        last = choice
    half = {m: (spread.loc[m, "ci_high"] - spread.loc[m, "ci_low"]) / 2 for m in METRICS}
    width = ", ".join(
        f"{labels[m]} {half[m] * 1000:.2f}" if m == "mmd" else f"{labels[m]} {half[m]:.3f}" for m in METRICS
    )
    lines += ["", f"Half-width of the 95 % interval over clips of the default row: {width}."]
    return marked("\n".join(lines) + "\n", dataset)


def main() -> None:
    """Run the ablation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--dataset", default="soundscapes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--afresh", action="store_true", help="do not keep rows that the results hold already")
    arguments = parser.parse_args()
    run(arguments.dataset, arguments.work, arguments.seeds, afresh=arguments.afresh)


if __name__ == "__main__":
    main()
