"""Closure against preservation, all bridges.

    python figures/frontier.py

Reads what ``analyses/modality_gap.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import listed, publish

from gapkit.plots import frontier, trade_off

DATASET, SUBJECT = "soundscapes", "diffusion-link"


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    table = trade_off(pd.read_csv(results / "modality_gap" / f"{DATASET}.csv"))
    facts = json.loads((results / "modality_gap" / f"{DATASET}.json").read_text(encoding="utf-8"))
    return frontier(table, highlight=[SUBJECT], title=DATASET), caption(table, facts)


def caption(table: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    front = table[table["front"]].sort_values("closed")
    own = table[table["bridge"] == SUBJECT].iloc[0]
    beating = table[
        (table["family"] != "anchor") & (table["closed"] >= own["closed"]) & (table["kept"] >= own["kept"])
        & (table["bridge"] != SUBJECT)
    ]  # fmt: skip
    said = "no bridge has more of both" if own["front"] else f"{listed(list(beating['bridge']))} have as much of both"
    return f"""
    **Closure against preservation** on `{DATASET}`, {facts["parts"]["test"]["clips"]:,} test clips, mean over seeds
    {", ".join(map(str, facts["seeds"]))}. Right: share of the gap that is closed, mean over paired cosine (to 1),
    centroid distance (to 0), the root of MMD² (to 0) and separability (to .5). Up: R@10 as a share of that before any
    bridge.
    The line joins the bridges that no other beats on both: {listed(list(front["bridge"]))}. `{SUBJECT}` closes
    {own["closed"]:.1%} and keeps {own["kept"]:.1%}; {said}.
    """


if __name__ == "__main__":
    publish(__file__, figure)
