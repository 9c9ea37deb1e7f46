"""Share of the gap closed, and of R@10 kept, against the number of fitted pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gapkit.plots.cosines import colours
from gapkit.plots.style import MARKERS, PAGE, panels
from gapkit.plots.words import printable

PANELS = (("closed", "Share of the gap that is closed →"), ("kept", "Share of R@10 that is kept →"))


def pairs_curve_figure(table: pd.DataFrame, *, title: str = "") -> Any:
    """Two panels with a line a bridge, bands of 95 % intervals over items.

    Parameters
    ----------
    table : DataFrame
        `PairsCurve.frame`.
    title : str

    Returns
    -------
    array of Axes
    """
    names = list(dict.fromkeys(table["bridge"]))
    ticks = sorted(set(table["pairs"]))
    with panels(None, 2, columns=2, size=(PAGE, 2.8)) as axes:
        for panel, (column, label) in zip(axes, PANELS, strict=True):
            for place, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True)):
                own = table[(table["bridge"] == name) & table[column].notna()]
                x = own["pairs"].to_numpy(dtype=float)
                low, high = own[f"{column}_low"].to_numpy(), own[f"{column}_high"].to_numpy()
                panel.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)
                panel.plot(
                    x, own[column].to_numpy(), color=colour, marker=MARKERS[place % len(MARKERS)], markersize=3,
                    label=printable(name, limit=28),
                )  # fmt: skip
            panel.set_xscale("log")
            panel.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
            panel.minorticks_off()
            panel.set(xlabel="Fitted pairs", ylabel=label)
        axes[0].legend(loc="best")
        axes[0].figure.suptitle(printable(title), fontweight="bold")
    return np.array(axes, dtype=object)
