"""Diffusion-Link taken apart, one choice at a time.

    python figures/ablation.py

Reads what ``analyses/ablation.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import listed, publish

from gapkit.plots import ablation
from gapkit.plots.ablation import METRIC_NAMES


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    frame = pd.read_csv(results / "ablation.csv")
    facts = json.loads((results / "ablation.json").read_text(encoding="utf-8"))
    return ablation(frame), caption(frame, facts)


def caption(frame: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What is seen, and which settings stand apart."""
    default = frame[frame["choice"] == "default"].set_index("metric")
    apart = []
    for row in frame[frame["metric"].isin(METRIC_NAMES)].itertuples():
        low, high = default.loc[row.metric, ["ci_low", "ci_high"]]
        if row.choice != "without a bridge" and (row.ci_low > high or row.ci_high < low):
            apart.append(str(row.setting))
    said = f"Apart from the default on some metric: {listed(list(dict.fromkeys(apart)))}." if apart else ""
    seeds = f"{facts['seeds']} seed{'' if facts['seeds'] == 1 else 's'}"
    return f"""
    **Diffusion-Link, one choice changed at a time**, validation split of `{facts["dataset"]}`
    ({int(frame["n"].iloc[0]):,} clips), {seeds}. Blue: the default with its 95 % interval over clips. {said} Intervals
    are those of single rows: differences over the same clips are more certain than they look here.
    """


if __name__ == "__main__":
    publish(__file__, figure)
