"""Closure against preservation, with the frontier."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gapkit.errors import InputError
from gapkit.plots.families import family_handles, sign
from gapkit.plots.labels import place_labels
from gapkit.plots.style import PAGE, canvas
from gapkit.plots.words import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NEAR = 0.75
"""Bridges that close less than this share of what the best one closes lie beyond the axes."""


def reaching(closed: pd.Series, near: float) -> pd.Series:
    """Which bridges close at least the share `near` of what the best one closes: all, where none closes anything."""
    best = closed.max()
    return closed >= (near * best if near > 0 and best >= 0 else -np.inf)


def frontier(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    highlight: Sequence[str] = (),
    near: float = NEAR,
    title: str = "",
) -> Axes:
    """A sign a bridge: how much of the gap it closes, and how much of retrieval it keeps.

    Parameters
    ----------
    table : DataFrame
        What `trade_off` gives.
    ax : Axes, optional
    highlight : sequence of str
        Bridges whose names are bold.
    near : float
        The axes reach down to this share of the best closure; 0 for all bridges.
    title : str

    Returns
    -------
    Axes
        A line joins the bridges that no other beats on both. What lies beyond the axes is named below them.

    Raises
    ------
    InputError
        No bridge but anchors.
    """
    rivals = table[table["family"] != "anchor"]
    if rivals.empty:
        raise InputError("frontier: expected at least one bridge, got none but anchors, which do not compete")
    rivals = rivals[reaching(rivals["closed"], near)]
    spans = {column: (rivals[column].min(), rivals[column].max()) for column in ("closed", "kept")}
    with canvas(ax, size=(PAGE * 0.75, 3.9)) as axes:
        limits = {c: (a - 0.12 * (b - a) - 0.005, b + 0.12 * (b - a) + 0.005) for c, (a, b) in spans.items()}
        axes.set(xlim=limits["closed"], ylim=limits["kept"])
        here = table[[_inside(row, limits) for _, row in table.iterrows()]]
        axes.axhline(1, color="#BBBBBB", linewidth=0.6, linestyle=":", zorder=0)
        for _, row in here.iterrows():
            colour, marker = sign(str(row["family"]))
            bars = [
                [[max(row[c] - row[f"{c}_low"], 0)], [max(row[f"{c}_high"] - row[c], 0)]]
                if np.isfinite(row.get(f"{c}_low", np.nan))
                else None
                for c in ("closed", "kept")
            ]  # fmt: skip
            axes.errorbar(
                row["closed"], row["kept"], xerr=bars[0], yerr=bars[1], color=colour, marker=marker, markersize=4.5,
                linestyle="", elinewidth=0.5, ecolor=colour, alpha=0.95, zorder=3,
                markeredgecolor="white", markeredgewidth=0.4,
            )  # fmt: skip
        front = table[table["front"]].sort_values(["closed", "kept"])
        axes.plot(front["closed"], front["kept"], color="#555555", linewidth=0.9, zorder=2, label="frontier")
        shown = set(here["bridge"])
        beyond = [_placed(row) for _, row in table.iterrows() if row["bridge"] not in shown]
        axes.set(xlabel="Share of the gap that is closed (mean of 4 metrics) →", ylabel="Share of R@10 that is kept →")
        if beyond:
            said = textwrap.fill(f"beyond the axes (closed, kept): {', '.join(beyond)}", 92)
            axes.set_xlabel(f"{axes.get_xlabel()}\n{said}")
        axes.set_title(printable(title), fontweight="bold")
        handles = family_handles(here["family"]) + axes.get_legend_handles_labels()[0]
        axes.legend(handles=handles, loc="lower left")
        bold = [*highlight, *front["bridge"]]
        place_labels(axes, list(here["closed"]), list(here["kept"]), list(here["bridge"]), bold=bold)
    return axes


def _placed(row: pd.Series) -> str:
    return f"{printable(row['bridge'], limit=24)} ({row['closed']:.2f}, {row['kept']:.2f})"


def _inside(row: pd.Series, limits: dict[str, tuple[float, float]]) -> bool:
    return all(limits[c][0] <= row[c] <= limits[c][1] for c in limits)
