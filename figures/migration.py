"""The migration of sounds into the captions: before, and after each bridge, in one UMAP.

    python figures/migration.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publish import OVER, number, publish

from gapkit.plots import Scene, migration

METHOD = "umap"
UMAP = (
    "UMAP on {} exact neighbours by cosine; versions of one sound are no neighbours, since they would tie the clouds "
    "together over any gap; how far islands lie apart means nothing"
)


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    scene = Scene.read(home / f"bridges-{METHOD}.npz")
    return migration(scene), caption(scene, json.loads((home / "migration.json").read_text(encoding="utf-8")))


def caption(scene: Scene, facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    numbers, subject = scene.numbers, facts["subject"]
    plane = {
        "umap": UMAP.format(scene.params.get("n_neighbors")),
        "pca": "the principal components of source and target",
    }
    return f"""
    **Migration of `{scene.name}`.** {scene.n_clips:,} test clips, fitted on {facts["parts"]["fit"]["clips"]:,}: sounds
    before any bridge (grey) and after it (orange), and one caption of each (blue), in one plane for all panels
    (seed {facts["seed"]}; {plane[scene.method]}). Lines join the same 40 clips with their captions. The numbers in
    each panel are measured in the {facts["dim"]} dimensions on all clips and their {facts["targets"]:,} captions, with
    {OVER}: a plane shows, it does not measure. Paired cosine goes from
    {number(numbers, "cosine", cloud="source")} to {number(numbers, "cosine", cloud=subject)} with `{subject}`, R@10
    from {number(numbers, "recall@10", cloud="source")} to {number(numbers, "recall@10", cloud=subject)}. One seed.
    """


if __name__ == "__main__":
    publish(__file__, figure)
