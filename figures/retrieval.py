"""Retrieval curves before and after each bridge.

    python figures/retrieval.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import OVER, one, publish

from gapkit.metrics import METRICS
from gapkit.plots import retrieval


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    table = pd.read_csv(results / "migration" / "retrieval.csv")
    facts = json.loads((results / "migration" / "migration.json").read_text(encoding="utf-8"))
    return retrieval(table, title=facts["dataset"]), caption(table, facts)


def caption(table: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    text = METRICS.get("recall@10").text
    ends = {
        k: {name: one(table, name=name, k=k)["value"] for name in table["name"].unique()} for k in table["k"].unique()
    }
    first, last = min(ends), max(ends)
    best = {k: max(values, key=lambda name: values[name]) for k, values in ends.items()}
    return f"""
    **Retrieval after each bridge**, `{facts["dataset"]}`: share of {facts["clips"]:,} test clips with one of their own
    captions among the first k of {facts["targets"]:,}. Highest at k = {first}: {best[first]}
    ({text(ends[first][best[first]])}); at k = {last}: {best[last]} ({text(ends[last][best[last]])}). Bands: {OVER};
    dotted: a random order; seed {facts["seed"]}.
    """


if __name__ == "__main__":
    publish(__file__, figure)
