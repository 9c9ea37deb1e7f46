"""`Evidence`: the rows of a study and their draws, as the verdict and the marks ask for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.bridges.families import ANCHOR, CONTROL, family_of
from gapkit.report import Column, Entry
from gapkit.statistics import percentile_interval
from gapkit.verdict.limits import CEILING_ROW, FLOOR_ROW, SAME, Floor, chance_of_recall, rank_cut
from gapkit.verdict.shares import CLOSURE, PRESERVATION, closure, kept
from gapkit.verdict.standing import Score

IDENTITY, SHIFT = "identity", "mean-shift"

Draws = Callable[[str, str], NDArray[np.float64] | None]
"""Bootstrap draws of a bridge and metric, mean over seeds."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a verdict may use.

    Parameters
    ----------
    summary : DataFrame
        One row a bridge and metric: see `gapkit.comparison.summary.summarise`.
    columns : tuple of Column
    draws : callable
        See `Draws`.
    study : mapping
        Identity of the study: data and options.
    findings : tuple of str
        What is odd about the data, a sentence each.
    """

    summary: pd.DataFrame
    columns: tuple[Column, ...]
    draws: Draws
    study: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    @cached_property
    def cells(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Rows of the summary that have a value."""
        known = self.summary[self.summary["metric"].notna() & self.summary["value"].notna()]
        records = known.to_dict("records")
        return {(str(own["bridge"]), str(own["metric"])): {str(k): v for k, v in own.items()} for own in records}

    @cached_property
    def blocks(self) -> dict[str, str]:
        """Block of each row, in the order of the study."""
        return {str(b): str(k) for b, k in zip(self.summary["bridge"], self.summary["block"], strict=True)}

    @cached_property
    def bridges(self) -> tuple[str, ...]:
        """Rows that could be chosen: bridges that are no controls, the mean shift among them."""
        return tuple(
            name
            for name, block in self.blocks.items()
            if family_of(name) != CONTROL and (block != ANCHOR or name == SHIFT)
        )

    @property
    def rivals(self) -> tuple[str, ...]:
        """Rows that compete for a mark: bridges that are neither anchors nor controls."""
        return tuple(name for name in self.bridges if self.blocks[name] != ANCHOR)

    @cached_property
    def column(self) -> dict[str, Column]:
        """Columns by the name of their metric, those that have a value."""
        measured = {metric for _, metric in self.cells}
        return {own.name: own for own in self.columns if own.name in measured}

    def entry(self, bridge: str, metric: str) -> Entry:
        """Value and interval; NaN where there is none."""
        own = self.cells.get((bridge, metric))
        return Entry() if own is None else Entry(float(own["value"]), float(own["ci_low"]), float(own["ci_high"]))

    def seconds(self, bridge: str) -> float:
        """Time to fit and to move, mean over seeds; NaN where it is not known."""
        return next((float(own["seconds"]) for (name, _), own in self.cells.items() if name == bridge), math.nan)

    @cached_property
    def n(self) -> int:
        """Measured items; 0 where none is known."""
        told = self.study.get("data", {}).get("test_clips")
        numbers = [int(own["n"]) for (name, _), own in self.cells.items() if name != FLOOR_ROW and pd.notna(own["n"])]
        return int(told) if told else max(numbers, default=0)

    @property
    def groups(self) -> Mapping[str, Any]:
        """Groups of the measured items, as `study` tells them; empty without any."""
        return dict(self.study.get("data", {}).get("groups") or {})

    @property
    def units(self) -> float:
        """Independent items, or the effective number of groups."""
        return float(self.groups.get("effective", self.n) or math.inf)

    def floor(self, metric: str) -> Floor | None:
        """What two samples of targets read on a distance; None of other metrics, and where it was not measured."""
        own, column = self.cells.get((FLOOR_ROW, metric)), self.column.get(metric)
        if own is None or column is None or column.better != "lower":
            return None
        n = int(own["n"]) if pd.notna(own["n"]) else 0
        return Floor(float(own["value"]), float(own["ci_low"]), float(own["ci_high"]), n, n >= SAME * self.n)

    def chance(self, metric: str) -> float | None:
        """Recall of a random order; None of other metrics."""
        k, targets = rank_cut(metric), self.study.get("data", {}).get("test_targets")
        return chance_of_recall(k, self.n, int(targets)) if k and targets and self.n else None

    def ceiling(self, metric: str) -> float | None:
        """Recall of each item at its own target; None of other metrics, and where it was not measured."""
        found = self.entry(CEILING_ROW, metric).value
        return found if rank_cut(metric) and math.isfinite(found) else None

    def score(self, bridge: str, metric: str) -> Score:
        """Higher is better; no value is better than the best possible one or than the floor."""
        column, floor = self.column.get(metric), self.floor(metric)
        if column is None or column.better == "none" or (bridge, metric) not in self.cells:
            return Score(math.nan)
        sign = 1.0 if column.better == "higher" else -1.0
        ends = (column.best, None if floor is None else floor.level)
        limits = [sign * end for end in ends if end is not None]

        def merit(values: Any) -> Any:
            return np.minimum(sign * np.asarray(values, dtype=np.float64), min(limits, default=np.inf))

        draws = self.draws(bridge, metric)
        value = float(merit(self.entry(bridge, metric).value))
        return Score(value, None if draws is None else merit(draws), self.units)

    @cached_property
    def closing(self) -> tuple[str, ...]:
        """Metrics of `CLOSURE` that were measured without a bridge; empty where the gap as it is was not."""
        return tuple(metric for metric in CLOSURE if (IDENTITY, metric) in self.cells)

    def closed(self, bridge: str, *, floored: bool = False) -> Score:
        """Share of the gap that a bridge closes; with `floored` nothing below a floor counts as nearer than it."""
        if not self.closing or any((bridge, metric) not in self.cells for metric in self.closing):
            return Score(math.nan)
        found = {metric: self.floor(metric) for metric in self.closing} if floored else {}
        floors = {metric: own.level for metric, own in found.items() if own is not None}
        values, start = ({m: self.entry(name, m).value for m in self.closing} for name in (bridge, IDENTITY))
        moved, before = ({m: self.draws(name, m) for m in self.closing} for name in (bridge, IDENTITY))
        value = float(closure(values, start, self.closing, floor=floors))
        if any(own is None for own in (*moved.values(), *before.values())):
            return Score(value)
        return Score(value, np.asarray(closure(moved, before, self.closing, floor=floors)), self.units)

    def kept(self, bridge: str) -> Entry:
        """Share of R@10 that is left, with its interval."""
        value = float(kept(self.entry(bridge, PRESERVATION).value, self.entry(IDENTITY, PRESERVATION).value))
        both = [self.draws(name, PRESERVATION) for name in (bridge, IDENTITY)]
        if any(own is None for own in both):
            return Entry(value)
        return Entry(value, *percentile_interval(kept(*both)))

    def at_floor(self, bridge: str, metric: str) -> bool:
        """Whether the value lies within what two samples of targets read."""
        floor, value = self.floor(metric), self.entry(bridge, metric).value
        return floor is not None and value <= (floor.high if math.isfinite(floor.high) else floor.value)
