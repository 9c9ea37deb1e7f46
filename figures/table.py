"""The table of bridges as a figure.

    python figures/table.py

Reads what ``analyses/modality_gap.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import OVER, publish

from gapkit.comparison.columns import metric_columns
from gapkit.plots import bridge_table, trade_off
from gapkit.report import build_table

DATASET = "soundscapes"
METRICS = ("cosine", "centroid-distance", "mmd", "separability", "residual-cosine", "recall@10")


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    frame = pd.read_csv(results / "modality_gap" / f"{DATASET}.csv")
    facts = json.loads((results / "modality_gap" / f"{DATASET}.json").read_text(encoding="utf-8"))
    frame["error"] = frame["error"].fillna("")
    table = build_table(frame, metric_columns(list(frame["metric"].dropna().unique())), title=DATASET)
    there = [column.name for column in table.columns]
    return bridge_table(table, trade_off(frame), metrics=[name for name in METRICS if name in there]), caption(facts)


def caption(facts: dict[str, Any]) -> str:
    """What is seen."""
    fitted, measured = (facts["parts"][part]["clips"] for part in ("fit", "test"))
    return f"""
    **Bridges on `{DATASET}`**, fitted on {fitted:,} clips, measured on {measured:,}; mean over seeds
    {", ".join(map(str, facts["seeds"]))}. Bars through the dots are {OVER} (many are shorter than
    the dot).
    Each column has its own scale; the dashed line is the source as it is. Orange and bold: best of the column among
    bridges; grey: second. *Gap closed* is the mean share over cosine, centroid, root of MMD² and separability; *R@10
    kept* is relative to the source as it is.
    """


if __name__ == "__main__":
    publish(__file__, figure)
