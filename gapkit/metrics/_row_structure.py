"""Classifier measures inside a row, which are still written twice."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics.c2st import network_correctness, vote, vote_slope
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.draws import draws_of
from gapkit.metrics.margin import clip_margins, clip_spreads
from gapkit.metrics.mixing import K as POOLED
from gapkit.metrics.mixing import mean_of_neighbourhoods, pooled
from gapkit.metrics.pair import Pair


def metric_memory(row: Row) -> int:
    """Bytes that one metric may take at a time: what is kept, and what the allocator holds back, take the rest."""
    return row.reference.max_memory // 4


def _unit_source(row: Row) -> Cloud:
    return row.x_directions


def _unit(row: Row) -> Pair:
    return Pair(_unit_source(row), row.reference.directions, row.both.paired)


def _no_draws(value: float) -> Drawn:
    return value, torch.empty(0, dtype=torch.float64)


def _two_sided(row: Row, x: Tensor, y: Tensor) -> Drawn:
    """Mean of the mean over source clips and the mean over target clips."""
    device = row.resamples.counts.device
    (a, drawn_a), (b, drawn_b) = row._mean(x.to(device)), _target_mean(row, y.to(device))
    return (a + b) / 2, (drawn_a + drawn_b) / 2


def _c2st_knn(row: Row) -> Drawn:
    seen = pooled(row.both, POOLED, metric_memory(row))
    slopes = vote_slope(seen.x, seen.k), -vote_slope(seen.y, seen.k)
    found = mean_of_neighbourhoods(row.both, seen, (vote(seen.x), vote(1 - seen.y)), lambda: slopes)
    return found.value, draws_of(found, row.both, (row.resamples, row.reference.resamples), (-math.inf, math.inf))


def _c2st_mlp(row: Row) -> Drawn:
    return _two_sided(row, *network_correctness(row.both, row.fold_x, row.reference.folds, seed=row.reference.seed))


def _residual_c2st_mlp(row: Row) -> Drawn:
    folds, seed = row.reference.folds, row.reference.seed
    return _two_sided(row, *network_correctness(row.both, row.fold_x, folds, seed=seed, residual=True))


def _margin(row: Row) -> Drawn:
    value, draws = _two_sided(row, *clip_margins(row.both, row.probe))
    if row.refits is None:
        return value, draws
    # The unit, the target's spread, follows the resample too.
    _, spread = _target_mean(row, clip_spreads(row.both.y, row.probe).to(row.resamples.counts.device))
    return value, draws.cpu() + row.refits.of_margin() - value / 2 * (spread.cpu() - 1)


STRUCTURE_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "c2st-knn": _c2st_knn,
    "c2st-mlp": _c2st_mlp,
    "residual-c2st-mlp": _residual_c2st_mlp,
    "separability-margin": _margin,
}
"""Estimators of these measures; those not here are called as they are."""
