"""Gap, separability and retrieval against the temperature of training.

    python figures/temperature.py

Reads what ``analyses/temperature.py`` wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from publish import publish

from gapkit.plots import temperature


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    frame = pd.read_csv(results / "temperature.csv")
    return temperature(frame), caption(frame)


def caption(frame: pd.DataFrame) -> str:
    """What is seen, and the numbers that it rests on."""
    learned = frame[frame["temperature"] == "learned"]
    fixed = frame[frame["temperature"] != "learned"]
    means = fixed.assign(at=fixed["temperature"].astype(float)).groupby("at")[["gap", "recall_at_10"]].mean()
    low, high = means.iloc[0], means.iloc[-1]
    ended = f"A learned temperature ended at {learned['reached'].mean():.3f}." if len(learned) else ""
    return f"""
    **The temperature makes the gap**: heads trained on the same frozen features of sounds and captions at several
    temperatures, {int(frame["n"].iloc[0]):,} test clips. A dot is one seed, the line their mean. From temperature
    {means.index[0]:g} to {means.index[-1]:g} the centroid distance goes from {low["gap"]:.2f} to {high["gap"]:.2f},
    R@10 from {low["recall_at_10"]:.2f} to {high["recall_at_10"]:.2f}. {ended}
    """


if __name__ == "__main__":
    publish(__file__, figure)
