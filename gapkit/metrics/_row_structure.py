"""How the measures of neighbourhoods and structure are taken inside a row: what they share, and their intervals.

Where clips shape each other's neighbourhoods as much as they have their own (mixing, mutual neighbours), the draws
follow both to first order. Balls, and the classifiers of the two-sample tests, stay those of the sample, as the gallery
does in retrieval; the straight cuts of the margin move (`_refit`). What does not come to a mean over clips has no
draws, nor has coverage, which hangs on the balls more than on the clips in them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gapkit.metrics._row import Drawn, Row
from gapkit.metrics.c2st import network_correctness, vote, vote_slope
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.hubness import K as LISTED
from gapkit.metrics.hubness import occurrences, skewness
from gapkit.metrics.margin import clip_margins, clip_spreads
from gapkit.metrics.memorisation import checked_fitted, nearest_cosine
from gapkit.metrics.mixing import K as POOLED
from gapkit.metrics.mixing import Pooled, pooled, pulls, simpson, simpson_slope
from gapkit.metrics.pair import Pair
from gapkit.metrics.pair_distance import pair_distances
from gapkit.metrics.variance_ratio import checked_width, spread

# What measures share.


def metric_memory(row: Row) -> int:
    """Bytes that one metric may take at a time: what is kept, and what the allocator holds back, take the rest."""
    return row.reference.max_memory // 4


def _unit_source(row: Row) -> Cloud:
    return row.x_directions


def _unit(row: Row) -> Pair:
    return Pair(_unit_source(row), row.reference.directions, row.both.paired)


def _seen(row: Row) -> Pooled:
    return row.shared("pooled", lambda: pooled(row.both, POOLED, metric_memory(row)))


# Values and their draws.


def _no_draws(value: float) -> Drawn:
    return value, torch.empty(0, dtype=torch.float64)


def _target_mean(row: Row, values: Tensor) -> Drawn:
    """Mean over the clips of the target."""
    return float(values.mean()), row.reference.resamples.sums(values).double() / row.both.y.n


def _two_sided(row: Row, x: Tensor, y: Tensor) -> Drawn:
    """Mean of the mean over source clips and the mean over target clips."""
    device = row.resamples.counts.device
    (a, drawn_a), (b, drawn_b) = row._mean(x.to(device)), _target_mean(row, y.to(device))
    return (a + b) / 2, (drawn_a + drawn_b) / 2


def _knn_mixing(row: Row, seen: Pooled) -> Drawn:
    return _pooled(row, seen, (simpson(seen.x), simpson(seen.y)), (simpson_slope(seen.x), simpson_slope(seen.y)))


def _cross_modal_share(row: Row, seen: Pooled) -> Drawn:
    return _pooled(row, seen, (1 - seen.x, seen.y), (-torch.ones_like(seen.x), torch.ones_like(seen.y)))


def _pooled(row: Row, seen: Pooled, values: tuple[Tensor, Tensor], slopes: tuple[Tensor, Tensor]) -> Drawn:
    """Mean over clips and sides of the rows' values; clips count as queries and as neighbours."""
    both = row.both
    x, y = both.x.per_clip(values[0]), both.y.per_clip(values[1])
    pull_x, pull_y = pulls(both, seen, *slopes)
    _, draws = _two_sided(row, x + 2 * both.x.n * pull_x, y + 2 * both.y.n * pull_y)
    return float(x.mean() + y.mean()) / 2, draws


Mixed = Callable[[Row, Pooled], Drawn]

MIXED: dict[str, Mixed] = {"knn-mixing": _knn_mixing, "knn-cross-share": _cross_modal_share}
"""What neighbourhoods in the pooled set say, by metric."""


def _c2st_knn(row: Row) -> Drawn:
    seen = _seen(row)
    return _pooled(
        row, seen, (vote(seen.x), vote(1 - seen.y)), (vote_slope(seen.x, seen.k), -vote_slope(seen.y, seen.k))
    )


def _c2st_mlp(row: Row) -> Drawn:
    return _two_sided(row, *network_correctness(row.both, row.fold_x, row.reference.folds, seed=row.reference.seed))


def _residual_c2st_mlp(row: Row) -> Drawn:
    folds, seed = row.reference.folds, row.reference.seed
    return _two_sided(row, *network_correctness(row.both, row.fold_x, folds, seed=seed, residual=True))


def _residual_l2i(row: Row) -> Drawn:
    x, y = row.both.x.centred, row.both.y.centred
    return row._mean(pair_distances(Pair(x, y, row.both.paired)))


def _margin(row: Row) -> Drawn:
    value, draws = _two_sided(row, *clip_margins(row.both, row.probe))
    if row.refits is None:
        return value, draws
    # The unit, the target's spread, follows the resample too.
    _, spread = _target_mean(row, clip_spreads(row.both.y, row.probe).to(row.resamples.counts.device))
    return value, draws.cpu() + row.refits.of_margin() - value / 2 * (spread.cpu() - 1)


def _variance_ratio(row: Row) -> Drawn:
    width = checked_width(row.both.y)
    # In units of the width: the squares of very long rows are no float32, as the sums are.
    value, above = row._mean(spread(row.both.x) / width)
    _, below = _target_mean(row, spread(row.both.y) / width)
    return value, above / below.clamp_min(1e-300)


def _memorisation(row: Row) -> Drawn:
    reference = row.reference
    known = reference.shared("fitted directions", lambda: checked_fitted(reference.fitted, row.both.x.base))
    new = reference.shared("held-out cosines", lambda: nearest_cosine(reference.directions, known, metric_memory(row)))
    value, draws = row._mean(nearest_cosine(_unit_source(row), known, metric_memory(row)))
    floor, drawn = _target_mean(row, new)
    return value - floor, draws - drawn


STRUCTURE_ESTIMATORS: dict[str, Callable[[Row], Drawn]] = {
    "l2i": lambda row: row._mean(pair_distances(row.both)),
    "alignment": lambda row: row._mean(pair_distances(_unit(row), 2.0)),
    "knn-mixing": lambda row: _knn_mixing(row, _seen(row)),
    "knn-cross-share": lambda row: _cross_modal_share(row, _seen(row)),
    "c2st-knn": _c2st_knn,
    "c2st-mlp": _c2st_mlp,
    "residual-c2st-mlp": _residual_c2st_mlp,
    "residual-l2i": _residual_l2i,
    "separability-margin": _margin,
    "hubness": lambda row: _no_draws(
        skewness(occurrences(_unit_source(row), row.reference.directions, LISTED, metric_memory(row)), row.both.y)
    ),
    "variance-ratio": _variance_ratio,
    "memorisation": _memorisation,
}
"""Estimators of these measures; those not here are called as they are."""
