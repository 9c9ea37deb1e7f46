"""The way of single clips through the reverse steps of Diffusion-Link.

    python figures/arrows.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publish import publish
from steps import caption

from gapkit.plots import Scene, arrows


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    scene = Scene.read(home / "steps-pca.npz")
    facts = json.loads((home / "migration.json").read_text(encoding="utf-8"))
    return arrows(scene), f"{caption(scene, facts)} Arrows: 40 clips, one arrow a step; black: the mean of all clips."


if __name__ == "__main__":
    publish(__file__, figure)
