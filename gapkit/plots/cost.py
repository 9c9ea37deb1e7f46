"""What a bridge costs, against how much of the gap it closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.plots.families import family_handles, sign
from gapkit.plots.frontier import NEAR, reaching
from gapkit.plots.labels import place_labels
from gapkit.plots.style import PAGE, panels
from gapkit.plots.words import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANELS = {"fit_seconds": "Seconds to fit", "transform_seconds": "Seconds to move the test clips"}
LEAST = 1e-3
"""Shorter times are drawn here."""


def cost(
    table: pd.DataFrame,
    *,
    ax: Axes | Sequence[Axes] | None = None,
    highlight: Sequence[str] = (),
    near: float = NEAR,
    title: str = "",
) -> NDArray[np.object_]:
    """Two panels: time to fit and time to move, each against the share of the gap that is closed.

    Parameters
    ----------
    table : DataFrame
        What `trade_off` gives, with the columns fit_seconds and transform_seconds.
    ax : sequence of Axes, optional
        Two.
    highlight : sequence of str
        Bridges whose names are bold.
    near : float
        Bridges that close less than this share of what the best one closes are left out; a line below names them.
    title : str

    Returns
    -------
    array of Axes

    Raises
    ------
    InputError
        Times are missing.
    """
    missing = [column for column in PANELS if column not in table.columns]
    if missing:
        raise InputError(f"cost: expected the columns {', '.join(PANELS)}, got no {', '.join(missing)}")
    known = table[(table["family"] != "anchor") & table[list(PANELS)].notna().all(axis=1)]
    if known.empty:
        raise InputError("cost: no bridge with times")
    far = known[~reaching(known["closed"], near)]
    known = known.drop(far.index)
    with panels(ax, len(PANELS), columns=2, size=(PAGE, 3.4), sharey=True) as axes:
        for axis, (column, label) in zip(axes, PANELS.items(), strict=True):
            seconds = np.maximum(known[column].to_numpy(dtype=float), LEAST)
            for x, (_, row) in zip(seconds, known.iterrows(), strict=True):
                colour, marker = sign(str(row["family"]))
                axis.plot(x, row["closed"], color=colour, marker=marker, markersize=4.5, linestyle="", zorder=3)
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.minorticks_off()
            axis.set_xlim(seconds.min() / 3, seconds.max() * 4)
            low, high = known["closed"].min(), known["closed"].max()
            axis.set_ylim(low - 0.08 * (high - low) - 0.02, high + 0.14 * (high - low) + 0.02)
            axis.set_xlabel(f"{label} (log scale)")
        axes[0].set_ylabel("Share of the gap that is closed (mean of 4 metrics) →")
        axes[0].set_title(printable(title), fontweight="bold")
        if len(far):
            said = ", ".join(
                f"{printable(b, limit=24)} {c:.2f}" for b, c in zip(far["bridge"], far["closed"], strict=True)
            )
            axes[0].text(
                0.01, 0.01, f"below: {said}", transform=axes[0].transAxes, fontsize=6, va="bottom", gid="below"
            )
        handles = family_handles(known["family"])
        if ax is None:
            axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        else:
            axes[-1].legend(handles=handles)
        for axis, column in zip(axes, PANELS, strict=True):
            seconds = np.maximum(known[column].to_numpy(dtype=float), LEAST)
            place_labels(axis, list(seconds), list(known["closed"]), list(known["bridge"]), bold=highlight, size=5.5)
    return np.array(axes, dtype=object)
