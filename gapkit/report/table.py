"""`Table`: what every writer prints, marks included."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from gapkit.metrics.wording import arrow
from gapkit.metrics.wording import number as number

Intervals = Literal["ends", "half", "none"]
"""How a writer shows an interval: both ends in brackets, ± half its width, or not at all."""

INTERVALS: tuple[Intervals, ...] = ("ends", "half", "none")

BLOCKS = {"anchor": "anchors", "unpaired": "unpaired bridges", "paired": "paired bridges"}
"""Blocks of a table in their order, and how they are headed."""


@dataclass(frozen=True)
class Column:
    """One metric, as tables show it.

    Parameters
    ----------
    name, label, group : str
        Registry name, heading, and the group that the metric belongs to.
    better : {"higher", "lower", "none"}
        Direction.
    best : float, optional
        The best possible value.
    range : pair of float
        Lowest and highest possible value.
    scale : float
        Values are multiplied by it for display; the heading says so.
    digits : int
        Decimals after scaling.
    note : tuple of str
        What else the heading says: chance and ceiling of a recall.
    """

    name: str
    label: str
    group: str = ""
    better: str = "none"
    best: float | None = None
    range: tuple[float, float] = (-math.inf, math.inf)
    scale: float = 1.0
    digits: int = 3
    note: tuple[str, ...] = ()

    @property
    def arrow(self) -> str:
        """↑, ↓, the value aimed at where that is inside the range (→.5 for separability), or nothing."""
        return arrow(self.better, self.best, self.range, self.scale)

    @property
    def factor(self) -> str:
        """``×1000`` where values are shown scaled and the label does not say so, otherwise nothing."""
        return "" if self.scale == 1 or "×" in self.label else f"×{self.scale:g}"

    def merit(self, value: float) -> float:
        """Higher is better, whatever the metric; NaN where the metric has no direction.

        Beyond the best possible value there is only chance (an unbiased MMD² below 0, a classifier below .5): whatever
        lies there counts as the best.
        """
        if math.isnan(value) or self.better == "none":
            return math.nan
        if self.better == "higher":
            return value if self.best is None else min(value, self.best)
        return -value if self.best is None else -max(value, self.best)

    def text(self, value: float) -> str:
        """The value as tables show it; an undefined one is a dash."""
        return number(value * self.scale, self.digits)


@dataclass(frozen=True)
class Entry:
    """One number of a table with its interval, in the units of the metric (not scaled).

    `marked`: it cannot be told from the best of its column.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    marked: bool = False

    @property
    def has_interval(self) -> bool:
        """Both ends of the interval are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Row:
    """One bridge: an entry a column, and why it has none where it failed."""

    name: str
    entries: tuple[Entry, ...]
    error: str = ""

    @property
    def empty(self) -> bool:
        """No entry has a value."""
        return all(math.isnan(entry.value) for entry in self.entries)


@dataclass(frozen=True)
class Table:
    """Rows in blocks.

    Parameters
    ----------
    columns : tuple of Column
    blocks : mapping of block name to rows
        Keys are those of `BLOCKS`, in that order; empty blocks are left out.
    title : str
        What was compared.
    notes : tuple of str
        Footnotes: what the intervals are.
    """

    columns: tuple[Column, ...]
    blocks: Mapping[str, tuple[Row, ...]]
    title: str = ""
    notes: tuple[str, ...] = ()

    @property
    def has_marks(self) -> bool:
        """Some entry is marked."""
        return any(entry.marked for rows in self.blocks.values() for row in rows for entry in row.entries)


def build_table(
    summary: pd.DataFrame,
    columns: Sequence[Column],
    *,
    title: str = "",
    notes: Sequence[str] = (),
    marks: Mapping[str, Collection[str]] | None = None,
) -> Table:
    """Lay a summary out as a table.

    Parameters
    ----------
    summary : DataFrame
        One row a bridge and metric with `bridge`, `block`, `metric`, `value`, `ci_low`, `ci_high`, `error`; a bridge
        that failed has one row without a metric.
    columns : sequence of Column
        Which metrics, in which order; those without any value are left out.
    title : str
        What was compared.
    notes : sequence of str
        Footnotes.
    marks : mapping of metric to collection of str, optional
        Rows of a column to mark: those that cannot be told from its best.

    Returns
    -------
    Table
        Rows in the order of the summary, inside their block.
    """
    present = set(summary["metric"].dropna())
    shown = tuple(column for column in columns if column.name in present)
    cells: dict[tuple[str, str], Entry] = {}
    errors: dict[str, str] = {}
    home: dict[str, str] = {}
    record: dict[str, Any]
    for record in summary.to_dict("records"):  # type: ignore[assignment]
        bridge = str(record["bridge"])
        home.setdefault(bridge, str(record["block"]))
        if isinstance(record["metric"], str):
            cells[bridge, record["metric"]] = Entry(record["value"], record["ci_low"], record["ci_high"])
        elif isinstance(record["error"], str) and record["error"]:
            errors[bridge] = record["error"]
    for metric, bridges in (marks or {}).items():
        for bridge in bridges:
            cells[bridge, metric] = replace(cells[bridge, metric], marked=True)
    blocks = {
        block: tuple(
            Row(b, tuple(cells.get((b, c.name), Entry()) for c in shown), errors.get(b, ""))
            for b, own in home.items()
            if own == block
        )
        for block in BLOCKS
    }
    return Table(shown, {block: rows for block, rows in blocks.items() if rows}, title, tuple(notes))
