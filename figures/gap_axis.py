"""Where clips stand on the line from the mean of the sounds to the mean of the captions.

    python figures/gap_axis.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from publish import publish

from gapkit.plots import gap_axis

SHOWN = ("mean-shift", "diffgap")
"""Beside the subject."""


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    facts = json.loads((home / "migration.json").read_text(encoding="utf-8"))
    names = ["source", *(name for name in SHOWN if name in facts["bridges"]), facts["subject"], "target"]
    with np.load(home / "clips.npz", allow_pickle=False) as file:
        positions = {name: file[f"axis/{name}"].astype(np.float64) for name in names}
    return gap_axis(positions, title=facts["dataset"]), caption(positions, facts)


def caption(positions: dict[str, np.ndarray], facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    spread = ", ".join(f"`{name}` {own.std():.3f}" for name, own in positions.items())
    return f"""
    **The gap axis**, `{facts["dataset"]}`, {facts["clips"]:,} test clips and one caption each: places on the line from
    the mean of the sounds (0) to the mean of the captions ({positions["target"].mean():.2f}), in units of the
    embedding space. Standard deviations along it: {spread}. This is the part of the gap that a shift closes.
    """


if __name__ == "__main__":
    publish(__file__, figure)
