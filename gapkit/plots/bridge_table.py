"""The table of a study as a figure: a dot with its interval a number, a bar a share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.plots.style import AFTER, INK, PAGE, panels
from gapkit.plots.words import printable
from gapkit.report.table import BLOCKS, Row, Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BARS = {"closed": "Gap closed\n(mean share) ↑", "kept": "R@10 kept\n(share) ↑"}
MOST = 8
"""Columns side by side on a page; more come below."""
LEFT_OUT = ("collapse", "random-target", "oracle-target", "target-split-half")


def bridge_table(
    table: Table,
    shares: pd.DataFrame | None = None,
    *,
    metrics: Sequence[str] | None = None,
    anchors: bool = False,
    ax: Sequence[Axes] | None = None,
    title: str | None = None,
) -> NDArray[np.object_]:
    """One row a bridge, one column a metric, each on its own scale; many columns in several parts, one below the other.

    Parameters
    ----------
    table : Table
        `Results.table()`.
    shares : DataFrame, optional
        What `trade_off` gives: two columns of bars.
    metrics : sequence of str, optional
        Which columns; left out, all.
    anchors : bool
        With the rows that are made of targets or of one point: they stretch the scales.
    ax : sequence of Axes, optional
        One a column.
    title : str, optional
        Left out: that of the table.

    Returns
    -------
    array of Axes
        What cannot be told from the best of a column is filled and bold; a dashed line stands at ``identity``.

    Raises
    ------
    InputError
        No rows, or a metric that the table does not have.
    """
    known = {column.name: place for place, column in enumerate(table.columns)}
    chosen = list(metrics) if metrics is not None else list(known)
    for name in chosen:
        if name not in known:
            raise InputError(f"table: no metric {name!r} here; there are: {', '.join(known)}")
    rows = [
        (block, row)
        for block, own in table.blocks.items()
        for row in own
        if (anchors or row.name not in LEFT_OUT) and not row.empty
    ]
    if not rows or not chosen:
        raise InputError("table: no row with a number; see the failures of the study")
    bars = [] if shares is None else list(BARS)
    places = _places([block for block, _ in rows])
    height = 0.155 * (max(places) + 1) + 0.85
    n = len(chosen) + len(bars)
    parts = -(-n // MOST) if ax is None else 1
    across = -(-n // parts)
    size = (min(PAGE, 1.5 + 0.95 * across), height * parts)
    with panels(ax, n, columns=across, size=size, sharey=True) as axes:
        for axis, name in zip(axes, chosen, strict=False):
            _dots(axis, table, known[name], [row for _, row in rows], places)
        for axis, column in zip(axes[len(chosen) :], bars, strict=True):
            assert shares is not None
            _shares(axis, shares.set_index("bridge")[column], [row.name for _, row in rows], places, BARS[column])
        axes[0].set_ylim(max(places) + 0.7, -1.0)
        axes[0].set_yticks(places, [printable(row.name, limit=26) for _, row in rows], parse_math=False)
        for axis in axes:
            axis.tick_params(axis="y", length=0)
            for side in ("left", "top", "right"):
                axis.spines[side].set_visible(False)
            for place in places:
                axis.axhline(place, color="#EEEEEE", linewidth=0.5, zorder=0)
        for block in dict.fromkeys(block for block, _ in rows):
            first = min(place for place, (own, _) in zip(places, rows, strict=True) if own == block)
            for axis in axes[::across]:
                axis.text(
                    -0.04, first - 0.95, BLOCKS[block], transform=axis.get_yaxis_transform(), ha="right", va="center",
                    fontsize=6, style="italic", color="#555555", gid="block",
                )  # fmt: skip
        if ax is None:
            axes[0].figure.suptitle(printable(table.title if title is None else title, limit=110), x=0.01, ha="left")
    return np.array(axes, dtype=object)


def _places(blocks: Sequence[str]) -> list[float]:
    """A height for each row; a free line before each block."""
    places, height = [], -1.0
    for place, block in enumerate(blocks):
        height += 2.0 if place and block != blocks[place - 1] else 1.0
        places.append(height)
    return places


def _dots(axis: Axes, table: Table, place: int, rows: Sequence[Row], heights: Sequence[float]) -> None:
    column = table.columns[place]
    for row, height in zip(rows, heights, strict=True):
        entry = row.entries[place]
        if not np.isfinite(entry.value):
            continue
        value = entry.value * column.scale
        colour = AFTER if entry.marked else INK
        if entry.has_interval:
            axis.plot(
                np.array([entry.low, entry.high]) * column.scale, [height] * 2, color=colour, linewidth=0.9, zorder=2
            )
        face = colour if entry.marked else "white"
        axis.plot(value, height, "o", color=colour, markerfacecolor=face, markersize=3.6, markeredgewidth=0.8, zorder=3)
        axis.text(
            1.04, height, column.text(entry.value), transform=axis.get_yaxis_transform(), fontsize=5.5, va="center",
            ha="left", fontweight="bold" if entry.marked else "normal", gid="value",
        )  # fmt: skip
    start = next((row.entries[place].value for row in rows if row.name == "identity"), np.nan)
    if np.isfinite(start):
        axis.axvline(start * column.scale, color="#999999", linewidth=0.7, linestyle="--", zorder=1)
    axis.set_title(heading(f"{column.label} {column.factor} {column.arrow}"), fontsize=6.5, loc="center")
    _few_ticks(axis)


def _shares(axis: Axes, values: Any, names: Sequence[str], heights: Sequence[float], label: str) -> None:
    for name, height in zip(names, heights, strict=True):
        if name not in values.index or not np.isfinite(values[name]):
            continue
        value = float(values[name])
        axis.barh(height, value, height=0.62, color="#56B4E9", zorder=2)
        axis.text(
            1.04, height, f"{value:.0%}", transform=axis.get_yaxis_transform(), fontsize=5.5, va="center", gid="value"
        )
    axis.axvline(0, color="#555555", linewidth=0.6)
    axis.axvline(1, color="#999999", linewidth=0.7, linestyle="--", zorder=1)
    axis.set_title(label, fontsize=6.5, loc="center")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _few_ticks(axis, steps=[1, 5, 10])


def _few_ticks(axis: Axes, steps: Sequence[float] | None = None) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.margins(x=0.08)
    axis.xaxis.set_major_locator(MaxNLocator(2, steps=steps))
    axis.tick_params(axis="x", labelsize=5.0)


def heading(words: str) -> str:
    """A heading in two lines where it is long."""
    text = printable(words, limit=36)
    if len(text) <= 13 or " " not in text:
        return text
    middle = min((i for i, sign in enumerate(text) if sign == " "), key=lambda i: abs(i - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"
