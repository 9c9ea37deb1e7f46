"""The reverse steps of Diffusion-Link as small multiples.

    python figures/steps.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publish import OVER, number, publish

from gapkit.plots import Scene, steps


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    scene = Scene.read(home / "steps-pca.npz")
    facts = json.loads((home / "migration.json").read_text(encoding="utf-8"))
    return steps(scene), caption(scene, facts)


def caption(scene: Scene, facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    *_, last = scene.clouds
    subject, numbers = facts["subject"], scene.numbers
    told = facts["sample_steps"][subject]
    other = "" if told == facts["shown_steps"] else f"; the tables use {told}"
    mapped = "" if facts["align"] in (None, "none") else f"the linear map ({facts['align']}) and "
    cosines = [number(numbers, "cosine", cloud=cloud) for cloud in ("source", "start", last)]
    return f"""
    **Reverse steps of `{subject}` on `{scene.name}`**, {facts["shown_steps"]} of them{other}. *source*: sounds as they
    are; *start*: where the process begins, after {mapped}the shift to the captions' mean; each step then denoises.
    Paired cosine is {cosines[0]} at the source, {cosines[1]} at the start and {cosines[2]} at the end. Plane: the
    principal components of source and target, stretched to the panel; {scene.n_clips:,} test clips; numbers from the
    {facts["dim"]} dimensions with {OVER}; seed {facts["seed"]}.
    """


if __name__ == "__main__":
    publish(__file__, figure)
