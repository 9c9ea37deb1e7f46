"""Gap, separability and retrieval against the temperature of training.

    python figures/temperature.py [results/temperature.csv] [--out figures]

Reads what ``analyses/temperature.py`` wrote; writes ``temperature.png`` and ``temperature.pdf``. A dot is one seed, the
line their mean; the open mark is the learned temperature, where it ended.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator

HERE = Path(__file__).resolve().parent
PANELS = (
    ("gap", "Gap\n(centroid distance)", (0.0, None)),
    ("separability", "Linear separability\n(0.5 is chance)", (0.45, 1.02)),
    ("recall_at_10", "Retrieval\n(R@10, sound to text)", (0.0, None)),
)
COLOUR = "#0072B2"


def draw(frame: pd.DataFrame) -> plt.Figure:
    """The figure from the table of trainings."""
    figure, axes = plt.subplots(1, len(PANELS), figsize=(7.2, 2.4), layout="constrained")
    learned = frame["temperature"] == "learned"
    fixed = frame[~learned].assign(temperature=lambda table: table["temperature"].astype(float))
    for axis, (column, label, (low, high)) in zip(axes, PANELS, strict=True):
        mean = fixed.groupby("temperature")[column].mean()
        axis.plot(mean.index, mean, color=COLOUR, linewidth=1.5, zorder=1)
        axis.scatter(fixed["temperature"], fixed[column], color=COLOUR, s=12, zorder=2, label="fixed")
        axis.scatter(
            frame.loc[learned, "reached"], frame.loc[learned, column],
            facecolors="white", edgecolors="#D55E00", s=26, zorder=3, label="learned",
        )  # fmt: skip
        if column == "recall_at_10":
            axis.axhline(10 / frame["n"].iloc[0], color="grey", linewidth=0.8, linestyle=":")
            axis.annotate(
                "chance", (0.01, 10 / frame["n"].iloc[0]), textcoords="offset points", xytext=(0, 3), fontsize=7
            )
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1]))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticklabels(["0.01", "0.02", "0.05", "0.1"])
        axis.set_ylim(low, high)
        axis.set_xlabel("Temperature", fontsize=8)
        axis.set_ylabel(label, fontsize=8)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=7)
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=HERE.parent / "results" / "temperature.csv")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    made = draw(pd.read_csv(given.table))
    for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        made.savefig(given.out / f"temperature.{suffix}", dpi=200, metadata=metadata)
