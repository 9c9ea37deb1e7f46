"""The frontier as text: one row a trial, beside the source as it is and the defaults."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gapkit.comparison.columns import metric_columns
from gapkit.report.table import number
from gapkit.tuning.trials import Trial, frontier
from gapkit.verdict.shares import CLOSURE, PRESERVATION, SQUARED

PARAMETERS = "differs from the defaults in"


@dataclass(frozen=True)
class Layout:
    """Text in rows and columns.

    Parameters
    ----------
    title : str
    heads : tuple of str
        The first names the trial, the last its parameters; numbers are between them.
    rows : tuple of tuple of str
    notes : tuple of str
        What was chosen, and what the numbers are.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def lay_out(
    trials: Sequence[Trial],
    best: Trial,
    before: Mapping[str, float],
    *,
    title: str,
    clips: tuple[int, int],
    keep: float,
    metrics: Sequence[str],
) -> Layout:
    """Lay the frontier out, the highest closure first; the defaults stand in it wherever they are."""
    default = trials[0]
    shown = frontier(trials)
    if default not in shown:
        shown = sorted([*shown, default], key=lambda t: -t.closure if t.complete else math.inf)
    columns = metric_columns([*CLOSURE, PRESERVATION])
    heads = [" ".join(part for part in (c.label, c.factor, c.arrow) if part) for c in columns]
    rows = [("before", "", "", *(column.text(before[column.name]) for column in columns), "")]
    for trial in shown:
        marks = [word for word, it in (("default", default), ("chosen", best)) if it.number == trial.number]
        name = " ".join([str(trial.number), ", ".join(marks)]).strip()
        if not trial.complete:
            rows.append((name, "failed", *("" for _ in range(len(columns) + 1)), trial.error))
            continue
        aims = (_share(trial.closure, trial.closure_interval), _share(trial.kept, trial.kept_interval))
        values = (column.text(trial.metrics[column.name]) for column in columns)
        rows.append((name, *aims, *values, changes(trial.params, default.params)))
    failed = sum(not trial.complete for trial in trials)
    count = f"{len(trials)} trials" + (f" ({failed} failed)" if failed else "")
    return Layout(
        f"{title}: {count}, fitted on {clips[0]} clips, scored on {clips[1]}",
        ("trial", "closure ↑", "kept ↑", *heads, PARAMETERS),
        tuple(rows),
        (_choice(best, default, keep), _legend(metrics)),
    )


def changes(params: Mapping[str, Any], default: Mapping[str, Any]) -> str:
    """The parameters that differ from the defaults, as ``a=1, b="x"``."""
    return ", ".join(f"{key}={json.dumps(value)}" for key, value in params.items() if value != default[key])


def _share(value: float, interval: tuple[float, float]) -> str:
    half = (interval[1] - interval[0]) / 2
    return number(value, 3) + (f" ±{number(half, 3)}" if math.isfinite(half) else "")


def _choice(best: Trial, default: Trial, keep: float) -> str:
    if best.kept >= keep:
        return f"Chosen: trial {best.number}, the highest closure of those that keep at least {keep:g} of R@10."
    rule = "the highest closure of those that keep as much as the defaults" if default.complete else "which keeps most"
    return f"No trial keeps {keep:g} of R@10. Chosen: trial {best.number}, {rule}; --keep sets another least share."


def _legend(metrics: Sequence[str]) -> str:
    named = ", ".join(f"{metric} (its root)" if metric in SQUARED else metric for metric in metrics)
    return (
        f"closure: share of the gap that is closed, mean over {named}. kept: R@10 over R@10 before. Intervals: 95 % "
        "bootstrap over clips. These are the clips that the choice was made on: on others expect a little less."
    )
