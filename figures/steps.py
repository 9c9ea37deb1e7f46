"""The reverse steps of Diffusion-Link as small multiples.

    python figures/steps.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publish import number, publish

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
    return f"""
    **Reverse steps of `{subject}` on `{scene.name}`**, {facts["shown_steps"]} of them; the tables use
    {facts["sample_steps"][subject]}. *source*: sounds as they are; *start*: where the process begins, after the linear
    map and the shift to the captions' mean; each step then denoises. The largest part of the way is the shift: paired
    cosine is {number(numbers, "cosine", cloud="source")} at the source, {number(numbers, "cosine", cloud="start")} at
    the start and {number(numbers, "cosine", cloud=last)} at the end. Plane: the principal components of source and
    target, stretched to the panel; {scene.n_clips:,} test clips; numbers from the {facts["dim"]} dimensions with 95 %
    intervals over clips; seed {facts["seed"]}.
    """


if __name__ == "__main__":
    publish(__file__, figure)
