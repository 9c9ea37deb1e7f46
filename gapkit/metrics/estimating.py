"""From a moved source and a metric to an estimate."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud, cloud, directions
from gapkit.metrics.draws import draws_of
from gapkit.metrics.estimate import Estimate
from gapkit.metrics.evaluation import Reference, groups_of
from gapkit.metrics.kernels import Kernel
from gapkit.metrics.pair import Form, Pair, Wanted
from gapkit.metrics.registry import METRICS, Metric, metric_names, takes_owner
from gapkit.metrics.resamples import Resamples
from gapkit.metrics.work_limits import refusal
from gapkit.statistics import LEAST_ITEMS, Groups, percentile_interval

RARE = 0.01
"""Share of the resamples that may have no value: the interval then holds the others."""
GENERIC_DRAWS = 200
"""Resamples of a metric that must be computed again for each."""


@dataclass(frozen=True)
class Prepared:
    """A moved source beside the reference, ready to be measured.

    Parameters
    ----------
    pair : Pair
    reference : Reference
    resamples : Resamples
        Of the source items; those of the reference where paired.
    """

    pair: Pair
    reference: Reference
    resamples: Resamples


def prepare(
    source: ArrayLike,
    reference: Reference,
    metrics: Sequence[str] | str | None,
    *,
    paired: bool = True,
    original: ArrayLike | None = None,
    groups: Groups | Iterable[Any] | None = None,
) -> tuple[Prepared, list[Metric], dict[str, str]]:
    """The prepared source, the metrics that apply to it, and what the others that were asked for lack.

    `groups` are those of an unrelated source; a paired one has those of the reference.
    """
    target = reference.target
    x = _cloud(source, "source", reference)
    if paired and x.n != target.n:
        raise InputError(
            f"source: expected one row a clip of the reference ({target.n}), got {x.n}; "
            "pass owner, the source row of each target row, or paired=False for unrelated rows"
        )
    if x.n < 2:
        raise InputError(f"source: expected at least 2 clips, got {x.n}; a metric compares clouds")
    before = None if original is None else _cloud(original, "original", reference)
    if before is not None and before.n != x.n:
        raise InputError(f"original: expected one row a source row ({x.n}), got {before.n}")
    given = {
        "original": before is not None,
        "fitted": reference.fitted is not None,
        "labels": reference.labels is not None,
    }
    chosen, left_out = list[Metric](), dict[str, str]()
    for record in map(METRICS.get, names_of(metrics)):
        lacking = [need for need in record.needs if not given[need]]
        if record.needs_pairs and not paired:
            left_out[record.name] = "needs pairs"
        elif lacking:
            left_out[record.name] = f"needs {' and '.join(lacking)}"
        else:
            chosen.append(record)
    folds, resamples = reference.folds, reference.resamples
    if not paired:
        origins = groups_of(groups, x.n, "source_groups")
        folds, resamples = reference.source_folds(x.n, origins), reference.source_resamples(x.n, origins)
    pair = Pair(
        x,
        target,
        paired,
        original=None if before is None else reference.known(before),
        fitted=reference.fitted,
        labels=reference.labels,
        seed=reference.seed,
        folds=(folds.part, reference.folds.part),
        units=(resamples, reference.resamples),
        max_memory=reference.max_memory,
        draws=len(resamples) > 0,
        width=reference.bandwidth,
        wanted=wanted_kernels(chosen, reference),
    )
    return Prepared(pair, reference, resamples), chosen, left_out


def wanted_kernels(metrics: Sequence[Metric], reference: Reference) -> dict[Form, Wanted]:
    """Kernels that the metrics will ask for, by the form of the rows."""
    inside: dict[Form, list[Kernel]] = {"rows": [], "directions": [], "folds": []}
    across: dict[Form, list[Kernel]] = {"rows": [], "directions": [], "folds": []}
    for metric in metrics:
        if metric.kernels is None:
            continue
        kernel = metric.kernels.of_width(reference.bandwidth)
        if metric.centring == "folds":
            # How a kernel changes with the means of the folds is in the draws.
            both = [kernel, kernel.slope] if len(reference.resamples) else [kernel]
            inside["folds"] += both
            across["folds"] += both
            continue
        form: Form = "directions" if metric.kernels.of_directions and not reference.normalise else "rows"
        inside[form].append(kernel)
        if metric.kernels.across:
            across[form].append(kernel)
    return {form: Wanted(*(tuple(dict.fromkeys(of[form])) for of in (inside, across))) for form in inside}


def names_of(metrics: Sequence[str] | str | None) -> list[str]:
    """Names of metrics as users give them: a list, one name, "all", or "default" for those of the default table."""
    if metrics is None or metrics == "all":
        return metric_names()
    if metrics == "default":
        return metric_names(default=True)
    names = [metrics] if isinstance(metrics, str) or not isinstance(metrics, Iterable) else list(metrics)
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"metrics: expected names, got {metrics!r}; see `gapkit list metrics`")
    return list(dict.fromkeys(names))


def estimate(record: Metric, row: Prepared) -> Estimate:
    """One metric of one prepared source; where it is undefined, NaN and why."""
    start = time.perf_counter()
    draws: NDArray[np.float64] = np.empty(0)
    both = row.pair
    sizes = both.x.n, len(both.y.base), both.x.base.shape[1]
    value, why = math.nan, refusal(record, *sizes, row.reference.max_work, row.reference.max_memory)
    clips: NDArray[np.float64] = np.empty(0)
    try:
        if why:
            pass
        elif record.of_pair is not None:
            found = record.of_pair(record.seen(both))
            value = found.value
            draws = draws_of(found, (row.resamples, row.reference.resamples), record.range).cpu().numpy()
            clips = clips if found.items is None else found.items.cpu().numpy()
        else:
            value, draws = _generic(record, row)
    except InputError as error:
        value, why = math.nan, str(error)
    if math.isnan(value):
        draws, clips, why = np.empty(0), np.empty(0), why or f"{record.name} gave NaN"
    few = min(both.x.n, both.y.n)
    no_interval = row.resamples.no_interval or row.reference.resamples.no_interval
    if few < LEAST_ITEMS and row.reference.n_resamples:
        draws, no_interval = (
            np.empty(0),
            f"{few} items are too few for an interval of 95 %; give at least {LEAST_ITEMS}",
        )
    undefined = ~np.isfinite(draws)
    if undefined.sum() > RARE * len(draws):
        no_interval = f"{undefined.sum()} of {len(draws)} resamples have no {record.name}; give more items"
    low, high = percentile_interval([] if no_interval else draws[~undefined])
    return Estimate(value, low, high, draws, both.x.n, time.perf_counter() - start, why, clips, no_interval)


def _cloud(values: ArrayLike, name: str, reference: Reference) -> Cloud:
    """Source rows beside the reference: on its device, as wide, scaled where it is."""
    rows = cloud(values, name=name, like=reference.target.base)
    return directions(rows, name).kept(reference.kept_bytes) if reference.normalise else rows


def _generic(record: Metric, row: Prepared) -> tuple[float, NDArray[np.float64]]:
    """A metric that gapkit knows nothing about: call it, and call it again on resampled clips where it is cheap."""
    x, y = row.pair.x.rows.cpu().numpy(), row.pair.y.rows.cpu().numpy()
    owner = row.pair.y.owner.cpu().numpy()
    with_owner = takes_owner(record.function)
    extras: dict[str, NDArray[Any]] = {}
    if "fitted" in record.needs and row.reference.fitted is not None:
        extras["fitted"] = row.reference.fitted.cpu().numpy().copy()
    if "original" in record.needs and row.pair.original is not None:
        extras["original"] = row.pair.original.rows.cpu().numpy().copy()

    if "labels" in record.needs and row.reference.labels is not None:
        extras["labels"] = row.reference.labels.copy()

    def call(x: NDArray[np.float32], y: NDArray[np.float32], owner: NDArray[np.int64]) -> float:
        if with_owner:
            return float(record.function(x, y, owner=owner if row.pair.paired else None, **extras))
        return float(record.function(x[owner] if record.needs_pairs else x, y, **extras))

    # Copies: what a plugin does to its arrays must reach neither the user's nor the next metric's.
    value = call(x.copy(), y.copy(), owner.copy())
    if record.cost != "n d" or extras or len(row.resamples) == 0:
        return value, np.empty(0)
    ends = np.searchsorted(owner, np.arange(row.pair.y.n + 1))

    def of(wx: NDArray[np.float32], wy: NDArray[np.float32]) -> float:
        take_x, take_y = (np.repeat(np.arange(len(w)), w.astype(np.int64)) for w in (wx, wy))
        rows = np.concatenate([np.arange(ends[c], ends[c + 1]) for c in take_y])
        counts = ends[take_y + 1] - ends[take_y]
        return call(x[take_x], y[rows], np.repeat(np.arange(len(take_y)), counts))

    units = [resamples.first(GENERIC_DRAWS) for resamples in (row.resamples, row.reference.resamples)]
    draws = np.asarray([of(*weights) for weights in zip(*(u.weights.cpu().numpy() for u in units), strict=True)])
    if all(u.groups.apart for u in units):
        return value, draws
    # An item of several groups is drawn with each, so what resamples move is seen from all groups drawn once.
    once = of(*(u.groups.per_item.astype(np.float32) for u in units))
    return value, value + max(u.widening for u in units) * (draws - once)
