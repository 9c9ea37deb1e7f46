"""What bridges cost, against how much of the gap they close.

    python figures/cost.py

Reads what ``analyses/modality_gap.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import one, publish

from gapkit.plots import cost, trade_off

DATASET, SUBJECT = "soundscapes", "diffusion-link"


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    frame = pd.read_csv(results / "modality_gap" / f"{DATASET}.csv")
    facts = json.loads((results / "modality_gap" / f"{DATASET}.json").read_text(encoding="utf-8"))
    seconds = frame.groupby("bridge")[["fit_seconds", "transform_seconds"]].first()
    table = trade_off(frame).join(seconds, on="bridge")
    return cost(table, highlight=[SUBJECT], title=DATASET), caption(table, facts)


def caption(table: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    own, parts = one(table, bridge=SUBJECT), facts["parts"]
    return f"""
    **What bridges cost** on `{DATASET}`: seconds to fit {parts["fit"]["clips"]:,} clips and to move
    {parts["test"]["clips"]:,}, {facts["device"]}, {facts["threads"]} thread, mean over seeds, against the share of the
    gap that is closed (see frontier). `{SUBJECT}`: {own["fit_seconds"]:.0f} s and {own["transform_seconds"]:.2f} s.
    Machines were shared: read orders of magnitude.
    """


if __name__ == "__main__":
    publish(__file__, figure)
