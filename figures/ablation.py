"""Diffusion-Link taken apart, one choice at a time.

    python figures/ablation.py

Reads what ``analyses/ablation.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import OVER, UNTESTED, publish

from gapkit.plots import ablation


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    frame = pd.read_csv(results / "ablation.csv")
    facts = json.loads((results / "ablation.json").read_text(encoding="utf-8"))
    return ablation(frame), caption(frame, facts)


def caption(frame: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What is seen."""
    seeds = f"{facts['seeds']} seed{'' if facts['seeds'] == 1 else 's'}"
    return f"""
    **Diffusion-Link, one choice changed at a time**, validation split of `{facts["dataset"]}`
    ({int(frame["n"].iloc[0]):,} clips), {seeds}. Blue: the default with its interval ({OVER}).
    {UNTESTED}
    """


if __name__ == "__main__":
    publish(__file__, figure)
