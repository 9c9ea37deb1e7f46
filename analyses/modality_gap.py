"""The first table: every bridge on every dataset, with intervals and paired tests.

    python analyses/modality_gap.py WORK [--datasets soundscapes,openclipart,sfx] [--seeds 5] [--clip-coco FILE]

Studies run in WORK, cell by cell, and go on where they stopped. Written to ``results/modality_gap``: DATASET.csv (one
row a bridge and metric), DATASET.md (the table), DATASET-tests.csv (Diffusion-Link against every other bridge, paired
over clips, Holm-corrected), DATASET.json (versions, seeds, parameters, seconds). ``docs/results.md`` is written from
them by ``analyses/results_page.py``.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.atomic import write_text
from gapkit.bridges.registry import BRIDGES, bridge_names
from gapkit.cli.progress import reporting
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.datasets import load_dataset
from gapkit.embeddings import PairedEmbeddings

sys.path.insert(0, str(Path(__file__).resolve().parent))
from independence import marked

OUTPUT = Path(__file__).resolve().parents[1] / "results" / "modality_gap"
DATASETS = ("soundscapes", "openclipart", "sfx")
SUBJECT = "diffusion-link"
METRICS = (
    "cosine", "centroid-distance", "mmd", "separability", "rmg", "share-risen", "residual-cosine", "residual-mmd",
    "recall@1", "recall@10", "cosine-margin", "effective-rank",
)  # fmt: skip
SLOW = ("diffusion-bridge-unet",)
"""Fitted with one seed, and only on `SLOW_ON`: a fit takes minutes."""
SLOW_ON = ("soundscapes",)
TESTED = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")
INTERVALS = 2
"""How intervals are made: from 2 on those of separability follow the classifiers, and those of the residual MMD count
what pairs add once."""
KEPT = ("gapkit", "python", "packages", "processor", "device", "threads", "seeds", "parts", "input")
"""What the committed manifest keeps of a study's."""


def clip_coco(path: Path) -> PairedEmbeddings:
    """CLIP embeddings of COCO pairs, (2, n, d): images, then captions."""
    images, captions = np.load(path, allow_pickle=False).astype(np.float32)
    return PairedEmbeddings(source=images, target=captions, name="clip-coco500")


def run(pairs: PairedEmbeddings, work: Path, seeds: int, bridges: tuple[str, ...]) -> None:
    """One study, and its four files."""
    if "all" in bridges:
        bridges = tuple(bridge_names())
    results, manifest = study(pairs, work / pairs.name, seeds, [name for name in bridges if name not in SLOW])
    if pairs.name in SLOW_ON and any(name in SLOW for name in bridges):
        slow, more = study(pairs, work / f"{pairs.name}-slow", 1, [name for name in bridges if name in SLOW])
        results = results.merge(slow)
        manifest["cells"] |= {stem: cell for stem, cell in more["cells"].items() if stem not in manifest["cells"]}
    OUTPUT.mkdir(parents=True, exist_ok=True)
    write_text(OUTPUT / f"{pairs.name}.csv", csv(table(results, manifest)))
    write_text(OUTPUT / f"{pairs.name}.md", marked(results.to_markdown(), pairs.name))
    write_text(OUTPUT / f"{pairs.name}-tests.csv", csv(tests(results)))
    write_text(OUTPUT / f"{pairs.name}.json", json.dumps(committed(manifest), indent=2, ensure_ascii=False) + "\n")


def study(pairs: PairedEmbeddings, home: Path, seeds: int, bridges: list[str]) -> tuple[Results, dict[str, Any]]:
    """Results and manifest of one study."""
    config = StudyConfig(bridges=tuple(bridges), metrics=METRICS, seeds=seeds, threads=1)
    with reporting(quiet=False) as progress:
        results = run_study(pairs, config, out=home, progress=progress)
    return results, json.loads((home / "manifest.json").read_text(encoding="utf-8"))


def table(results: Results, manifest: dict[str, Any]) -> pd.DataFrame:
    """The summary with each bridge's family, and its seconds to fit and to transform."""
    frame = results.summary()
    cells = pd.DataFrame(
        [
            {"bridge": stem.rsplit("-s", 1)[0] if _seeded(stem) else stem, **{k: cell[k] for k in SECONDS}}
            for stem, cell in manifest["cells"].items()
        ]
    )
    seconds = cells.groupby("bridge")[list(SECONDS)].mean()
    known = set(BRIDGES.names())
    frame["family"] = [BRIDGES.get(name).family if name in known else "anchor" for name in frame["bridge"]]
    return frame.drop(columns=["seconds", "group"]).join(seconds, on="bridge")


def tests(results: Results) -> pd.DataFrame:
    """Each other bridge minus the subject; p by the normal approximation, Holm-corrected over the whole table.

    Counted among B draws no p is below 2 / (B + 1), which Holm multiplies by more than a hundred.
    """
    frame = results.tests(against=SUBJECT, metrics=TESTED, p="normal")
    return frame.drop(columns=["effect", "verdict"], errors="ignore")


SECONDS = ("fit_seconds", "transform_seconds")


def _seeded(stem: str) -> bool:
    return stem.rsplit("-s", 1)[-1].isdigit()


def committed(manifest: dict[str, Any]) -> dict[str, Any]:
    """What of the manifest goes beside the results: parameters once a bridge, and nothing of the machine's paths."""
    kept = {key: manifest[key] for key in KEPT}
    kept["input"] = {k: v for k, v in kept["input"].items() if k != "meta"}
    params: dict[str, Any] = {}
    for stem, cell in manifest["cells"].items():
        name = stem.rsplit("-s", 1)[0] if _seeded(stem) else stem
        own = {k: v for k, v in cell["params"].items() if k != "random_state"}
        params.setdefault(name, own)
    return kept | {"params": params, "intervals": INTERVALS}


def csv(frame: pd.DataFrame) -> str:
    """Six significant digits: more is noise."""
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, float_format="%.6g", lineterminator="\n")
    return buffer.getvalue()


def main() -> None:
    """Run the studies that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--datasets", default=",".join(DATASETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bridges", default="all")
    parser.add_argument("--clip-coco", type=Path, help="features_clip.npy of Mind the Gap (Liang et al., 2022)")
    arguments = parser.parse_args()
    bridges = tuple(arguments.bridges.split(","))
    for name in filter(None, arguments.datasets.split(",")):
        run(load_dataset(name), arguments.work, arguments.seeds, bridges)
    if arguments.clip_coco:
        run(clip_coco(arguments.clip_coco), arguments.work, arguments.seeds, bridges)


if __name__ == "__main__":
    main()
