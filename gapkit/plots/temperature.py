"""Gap, separability and retrieval against the temperature of contrastive training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.plots.style import PAGE, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANELS = {
    "gap": "Gap (centroid distance)",
    "separability": "Separability (chance .5)",
    "recall_at_10": "R@10, source to target",
}
"""Columns that are drawn."""

LEARNED = "learned"


def temperature(frame: pd.DataFrame, *, ax: Axes | Sequence[Axes] | None = None) -> NDArray[np.object_]:
    """One panel a measure; a dot one training, the line their mean, an open square a temperature that was learned.

    Parameters
    ----------
    frame : DataFrame
        One row a training: temperature (a number, or "learned"), reached (where it ended), n (clips of the gallery) and
        the columns of `PANELS`.
    ax : sequence of Axes, optional
        Three.

    Returns
    -------
    array of Axes

    Raises
    ------
    InputError
        Columns that are missing.
    """
    missing = [name for name in ("temperature", "reached", "n", *PANELS) if name not in frame.columns]
    if missing:
        raise InputError(f"temperature: expected the columns {', '.join(missing)} too; see analyses/temperature.py")
    learned = frame[frame["temperature"] == LEARNED]
    fixed = frame[frame["temperature"] != LEARNED]
    at = fixed["temperature"].astype(float)
    with panels(ax, len(PANELS), columns=3, size=(PAGE, 2.2)) as axes:
        for axis, (column, label) in zip(axes, PANELS.items(), strict=True):
            mean = fixed[column].groupby(at).mean()
            axis.plot(mean.index, mean, color="#0072B2", zorder=1)
            axis.plot(at, fixed[column], "o", color="#0072B2", markersize=3, zorder=2, label="fixed, one seed")
            axis.plot(
                learned["reached"], learned[column], "s", color="#D55E00", markerfacecolor="white", markersize=4,
                zorder=3, label="learned, where it ended",
            )  # fmt: skip
            axis.set_xscale("log")
            ticks = sorted(set(at))
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
            low, high = frame[column].min(), frame[column].max()
            axis.set_ylim(
                min(low, 0.5) - 0.05 if column == "separability" else 0.0,
                high * (1.04 if column == "separability" else 1.15),
            )
            axis.set(xlabel="Temperature of the training", ylabel=label)
        chance = 10 / float(frame["n"].iloc[0])
        axes[2].axhline(chance, color="#999999", linestyle=":", linewidth=0.9)
        axes[2].annotate("chance", (min(at), chance), textcoords="offset points", xytext=(0, 2), fontsize=6)
        axes[1].axhline(0.5, color="#999999", linestyle=":", linewidth=0.9)
        axes[1].annotate("chance", (min(at), 0.5), textcoords="offset points", xytext=(0, 2), fontsize=6)
        axes[0].legend()
    return np.array(axes, dtype=object)
