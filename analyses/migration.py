"""What the figures of clouds show: Diffusion-Link and earlier diffusion methods on one dataset.

    python analyses/migration.py WORK [--dataset soundscapes] [--seed 0]

Fits five bridges with one seed (minutes on one core; the study in WORK goes on where it stopped) and writes to
``results/migration``: scenes (a plane, its points, numbers of the original space) of the bridges by UMAP and by PCA and
of the reverse steps, `clips.npz` (per-clip cosines, places on the gap axis, rows behind the similarity matrices),
`path.csv`, `retrieval.csv`, and `migration.json`, which says how. ``make figures`` draws from these files alone.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.atomic import write_bytes, write_text
from gapkit.cli.progress import reporting, say
from gapkit.comparison import Run, StudyConfig, open_run, run_study
from gapkit.datasets import load_dataset
from gapkit.plots import gap_positions, pair_cosines, retrieval_table, stage, stage_steps
from gapkit.plots.drawing import ALONG
from gapkit.plots.material import Material

OUTPUT = Path(__file__).resolve().parents[1] / "results" / "migration"
SUBJECT = "diffusion-link"
BRIDGES = ("mean-shift", "diffusion-bridge", "diffgap", "ddbm", SUBJECT)
METRICS = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")
STEPS = 5
"""Reverse steps of Diffusion-Link in the figures that show its way; its table is measured with its own number."""
STRANGERS, MATRIX_CLIPS = 4000, 60
BEFORE = "source before"


def run(work: Path, dataset: str, seed: int) -> None:
    """The study, then everything that is drawn from it."""
    config = StudyConfig(bridges=BRIDGES, metrics=METRICS, seeds=1, seed=seed, threads=1)
    with reporting(quiet=False) as progress:
        run_study(load_dataset(dataset), config, out=work / dataset, progress=progress)
    study = open_run(work / dataset)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    moved = {name: study.moved(name) for name in BRIDGES}
    scenes(study, moved)
    steps(study)
    clips(study, moved)
    test = study.test
    table = retrieval_table({BEFORE: test.source, **moved}, test.target, owner=test.owner, seed=seed)
    write_text(OUTPUT / "retrieval.csv", _csv(table))
    write_text(OUTPUT / "migration.json", json.dumps(facts(study, seed), indent=2, ensure_ascii=False) + "\n")


def scenes(study: Run, moved: dict[str, np.ndarray]) -> None:
    """All bridges in one plane, by UMAP and by PCA."""
    test = study.test
    for method in ("umap", "pca"):
        say(f"projecting by {method}")
        scene = stage(test.source, test.target, moved, owner=test.owner, method=method, name=study.name)
        scene.save(OUTPUT / f"bridges-{method}.npz")


def steps(study: Run) -> None:
    """The states of Diffusion-Link, and what each step of each diffusion bridge measures."""
    material, test = Material.of(study), study.test
    say("measuring the steps")
    states, names, note = material.states(SUBJECT, None, STEPS)
    scene = stage_steps(states, test.target, names=names, owner=test.owner, name=study.name, note=note)
    scene.save(OUTPUT / "steps-pca.npz")
    tables = []
    for name in (name for name in BRIDGES if study.trajectory(name, n_snapshots=2) is not None):
        for asked in (None, STEPS) if name == SUBJECT else (None,):
            states, names, note = material.states(name, None, asked)
            own = stage_steps(states, test.target, names=names, owner=test.owner, metrics=ALONG, max_clips=50)
            tables.append(own.numbers.assign(bridge=note))
    write_text(OUTPUT / "path.csv", _csv(pd.concat(tables)[["bridge", *tables[0].columns[:-1]]]))


def clips(study: Run, moved: dict[str, np.ndarray]) -> None:
    """Numbers of single clips, in half precision."""
    test = study.test
    arrays: dict[str, np.ndarray] = {}
    for name, rows in {BEFORE: test.source, **moved}.items():
        own = pair_cosines(rows, test.target, owner=test.owner, strangers=STRANGERS)
        arrays |= {f"own/{name}": own.own, f"strangers/{name}": own.strangers}
    positions = gap_positions(test.source, test.target, moved, owner=test.owner)
    first = np.unique(test.owner, return_index=True)[1]
    positions["target"] = positions["target"][first]
    arrays |= {f"axis/{name}": own for name, own in positions.items()}
    shown = np.sort(np.random.default_rng(0).choice(len(test), MATRIX_CLIPS, replace=False))
    for name, rows in {BEFORE: test.source, "mean-shift": moved["mean-shift"], SUBJECT: moved[SUBJECT]}.items():
        arrays[f"rows/{name}"] = rows[shown]
    arrays["rows/target"] = test.target[first[shown]]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: own.astype(np.float16) for name, own in arrays.items()})
    write_bytes(OUTPUT / "clips.npz", buffer.getvalue())


def facts(study: Run, seed: int) -> dict[str, Any]:
    """How it was computed, without the paths of the machine."""
    manifest = dict(study.manifest)
    kept = {key: manifest[key] for key in ("gapkit", "python", "packages", "device", "threads", "parts")}
    told = {name: study.bridge(name).get_params(deep=False).get("sample_steps") for name in BRIDGES}
    return kept | {
        "dataset": study.name, "seed": seed, "bridges": list(BRIDGES), "subject": SUBJECT, "sample_steps": told,
        "shown_steps": STEPS, "dim": study.test.dim, "clips": len(study.test), "targets": study.test.n_targets,
    }  # fmt: skip


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--dataset", default="soundscapes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    run(arguments.work, arguments.dataset, arguments.seed)


if __name__ == "__main__":
    main()
