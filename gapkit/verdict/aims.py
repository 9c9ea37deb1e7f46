"""What a bridge is wanted for, and for which of these aims one helps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gapkit.errors import InputError
from gapkit.report import Entry
from gapkit.statistics import Difference, percentile_interval
from gapkit.verdict.evidence import IDENTITY, Evidence
from gapkit.verdict.limits import SATURATED
from gapkit.verdict.standing import LEVEL, Score, differences

Aim = Literal["closure", "retrieval", "pool", "classes"]
AIMS: tuple[Aim, ...] = get_args(Aim)

METRICS: Mapping[Aim, tuple[str, ...]] = {
    "closure": (),
    "retrieval": ("recall@10", "recall@1", "map@10"),
    "pool": ("ndcg-pooled@10", "recall-pooled@10"),
    "classes": ("zero-shot-accuracy", "cluster-ari"),
}
"""Metrics that tell of an aim, the first that was measured counts. Closure is a share of several."""

LACKING: Mapping[Aim, str] = {
    "closure": "--metrics cosine,centroid-distance,mmd,separability, with the row identity",
    "retrieval": "--metrics recall@1,recall@10",
    "pool": "--metrics ndcg-pooled@10,recall-pooled@10",
    "classes": "labels in the data, and --metrics zero-shot-accuracy,cluster-ari",
}
"""What to ask for where an aim was not measured."""


def checked_aim(aim: str) -> Aim:
    """The aim, if it is one.

    Raises
    ------
    InputError
    """
    for known in AIMS:
        if aim == known:
            return known
    raise InputError(f"aim: expected one of {', '.join(AIMS)}, got {aim!r}")


@dataclass(frozen=True)
class Help:
    """What the bridges do for one aim.

    Parameters
    ----------
    aim : str
    metric : str
        The metric that tells; empty for closure.
    start : Entry
        Without a bridge.
    best : str
        The bridge of the highest value.
    value : Entry
        Its value.
    better, worse, alike : tuple of str
        Bridges measurably better or worse than none, and those that cannot be told from it; all empty without draws.
    gain : Difference or None
        The best bridge minus no bridge.
    """

    aim: Aim
    metric: str
    start: Entry
    best: str
    value: Entry
    better: tuple[str, ...]
    worse: tuple[str, ...]
    alike: tuple[str, ...]
    gain: Difference | None


def metric_of(evidence: Evidence, aim: Aim) -> str | None:
    """The metric that tells of an aim; one with room for a better value goes before one that is saturated."""
    measured = [name for name in METRICS[aim] if (IDENTITY, name) in evidence.cells]
    open_ = [name for name in measured if evidence.entry(IDENTITY, name).value < SATURATED]
    return next(iter((*open_, *measured)), None)


def scores_of(evidence: Evidence, aim: Aim) -> tuple[dict[str, Score], Score]:
    """The score of each bridge, and that of no bridge; nothing where the aim was not measured."""
    if aim == "closure":
        scores = {name: evidence.closed(name, floored=True) for name in evidence.bridges}
        draws = next((own.draws for own in scores.values() if own.draws is not None), None)
        start = Score(0.0, None if draws is None else np.zeros(len(draws)))
    else:
        metric = metric_of(evidence, aim)
        if metric is None:
            return {}, Score(math.nan)
        scores = {name: evidence.score(name, metric) for name in evidence.bridges}
        start = evidence.score(IDENTITY, metric)
    return {name: own for name, own in scores.items() if math.isfinite(own.value)}, start


def value_of(evidence: Evidence, aim: Aim, bridge: str) -> Entry:
    """The number of a bridge that tells of an aim, as tables show it."""
    if aim == "closure":
        own = evidence.closed(bridge)
        return Entry(own.value) if own.draws is None else Entry(own.value, *percentile_interval(own.draws))
    metric = metric_of(evidence, aim)
    return Entry() if metric is None else evidence.entry(bridge, metric)


def help_of(evidence: Evidence, aim: Aim) -> Help | None:
    """What the bridges do for an aim; None where it was not measured, or there is no bridge."""
    scores, start = scores_of(evidence, aim)
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name].value)
    found = differences(scores, start)
    sure = {name: own for name, own in found.items() if own.p < LEVEL}
    return Help(
        aim=aim,
        metric="" if aim == "closure" else metric_of(evidence, aim) or "",
        start=Entry(0.0) if aim == "closure" else value_of(evidence, aim, IDENTITY),
        best=best,
        value=value_of(evidence, aim, best),
        better=tuple(name for name, own in sure.items() if own.value > 0),
        worse=tuple(name for name, own in sure.items() if own.value < 0),
        alike=tuple(name for name in found if name not in sure),
        gain=found.get(best),
    )
