"""Similarity matrices before and after.

    python figures/similarity.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from publish import publish

from gapkit.plots import similarity


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    facts = json.loads((home / "migration.json").read_text(encoding="utf-8"))
    with np.load(home / "clips.npz", allow_pickle=False) as file:
        rows = {k.removeprefix("rows/"): file[k].astype(np.float32) for k in file.files if k.startswith("rows/")}
    target = rows.pop("target")
    return similarity(rows, target), caption(len(target), facts)


def caption(clips: int, facts: dict[str, Any]) -> str:
    """What is seen."""
    return f"""
    **Cosines of {clips} sounds with {clips} captions**, `{facts["dataset"]}`, drawn at random from the test clips and
    ordered so that captions next to each other are alike; one scale of colours. The diagonal holds the pairs. A shift
    raises all cosines alike; what a bridge brings beyond it is the contrast of the diagonal and of the blocks around it
    to the rest.
    """


if __name__ == "__main__":
    publish(__file__, figure)
