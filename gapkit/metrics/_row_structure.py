"""How the measures of neighbourhoods and structure are taken inside a row: what they share, and their intervals.

Where clips shape each other's neighbourhoods as much as they have their own (mixing, mutual neighbours), the draws
follow both to first order. Balls, and the classifiers of the two-sample tests, stay those of the sample, as the gallery
does in retrieval; the straight cuts of the margin move (`refit`). What does not come to a mean over clips has no
draws, nor has coverage, which hangs on the balls more than on the clips in them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gapkit.metrics._neighbourhood import inside
from gapkit.metrics._points import points
from gapkit.metrics._row import Drawn, Row
from gapkit.metrics.calibration import chance_corrected, expected_cka
from gapkit.metrics.cka import Features, correction, features, hsic, ratio
from gapkit.metrics.cknna import of_neighbours
from gapkit.metrics.cloud import Cloud, directions
from gapkit.metrics.gap_direction import GROUP, GapDirection, of_sides
from gapkit.metrics.hubness import K as LISTED
from gapkit.metrics.hubness import occurrences, skewness
from gapkit.metrics.memorisation import checked_fitted, nearest_cosine
from gapkit.metrics.mixing import K as POOLED
from gapkit.metrics.mixing import Pooled, pooled, pulls, simpson, simpson_slope
from gapkit.metrics.mutual_knn import K as NEAREST
from gapkit.metrics.mutual_knn import clip_directions, nearest_clips, nearest_found, overlap, pull
from gapkit.metrics.neighbours import Neighbours
from gapkit.metrics.pair import Pair
from gapkit.metrics.pair_distance import pair_distances
from gapkit.metrics.prdc import ByClip, compare
from gapkit.metrics.prdc import K as BALL
from gapkit.metrics.procrustes_distance import of_product
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


def _gap(row: Row) -> GapDirection:
    return row.shared("gap direction", lambda: of_sides(_unit(row), GROUP, row.reference.seed))


def _found_source(row: Row) -> Neighbours:
    return row.shared("nearest clips", lambda: nearest_found(_unit_source(row), NEAREST, 0, metric_memory(row)))


def _near_source(row: Row) -> Tensor:
    return _found_source(row).indices


def _clip_directions(row: Row) -> Cloud:
    if row.reference.normalise and row.both.y.single:
        return row.both.y
    return row.reference.shared("clip directions", lambda: clip_directions(row.both.y))


def _found_target(row: Row) -> Neighbours:
    return row.reference.shared(
        "nearest clips", lambda: nearest_found(_clip_directions(row), NEAREST, 1, metric_memory(row))
    )


def _near_target(row: Row) -> Tensor:
    return _found_target(row).indices


def _overlap(row: Row, left: Tensor, right: Tensor) -> Drawn:
    value, n = overlap(left, right), row.both.x.n
    _, draws = row._mean(value + n * pull(left, right))
    return float(value.mean()), draws


def _mutual(row: Row) -> Drawn:
    return row.shared("mutual neighbours", lambda: _overlap(row, _near_source(row), _near_target(row)))


def _features(row: Row) -> tuple[Features, Features]:
    x = row.shared("linear features", lambda: features(row.both.x))
    return x, row.reference.shared("linear features", lambda: features(row.both.y))


def _product(row: Row) -> Tensor:
    """Outer products of both sides, summed over clips."""
    x, y = _features(row)
    return row.shared("product", lambda: x.product(y))


def _criteria(row: Row) -> tuple[float, float, float]:
    """HSIC across, inside the source, inside the target; all with their bias."""
    x, y = _features(row)
    across, own = row.shared("hsic", lambda: (float(_product(row).square().sum()), hsic(x, x)))
    return across, own, row.reference.shared("hsic", lambda: hsic(y, y))


def _prdc(row: Row) -> ByClip:
    def radius(side: Cloud, found: Callable[[Row], Neighbours]) -> Tensor:
        # Rows of length one, one a clip, have the same neighbours by cosine: one search serves both.
        if row.reference.normalise and side.single and side.n > NEAREST and not side.flat:
            return found(row).distances[:, BALL - 1]
        return inside(side, points(side.rows)[0], BALL, metric_memory(row)).radius

    def make() -> ByClip:
        balls = row.reference.shared("balls", lambda: radius(row.both.y, _found_target))
        return compare(row.both, radius(row.both.x, _found_source), balls, BALL, metric_memory(row))

    return row.shared("prdc", make)


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


def _residual_l2i(row: Row) -> Drawn:
    x, y = row.both.x.centred, row.both.y.centred
    return row._mean(pair_distances(Pair(x, y, row.both.paired)))


def _mutual_knn_calibrated(row: Row) -> Drawn:
    value, draws = _mutual(row)
    chance = NEAREST / (row.both.x.n - 1)
    return chance_corrected(value, chance), (draws - chance) / (1 - chance) if chance < 1 else draws * 0


def _mutual_knn_kept(row: Row) -> Drawn:
    before = row.of_original(
        "nearest clips",
        lambda original: nearest_clips(directions(original, "original"), NEAREST, 0, metric_memory(row)),
    )
    return _overlap(row, _near_source(row), before)


def _cka(row: Row) -> Drawn:
    return _no_draws(ratio(*_criteria(row)))


def _cka_debiased(row: Row) -> Drawn:
    x, y = _features(row)
    sides = ((x, y), (x, x), (y, y))
    whole = (value + correction(*pair) for value, pair in zip(_criteria(row), sides, strict=True))
    return _no_draws(ratio(*whole))


def _cka_calibrated(row: Row) -> Drawn:
    across, inside_x, inside_y = _criteria(row)
    chance = expected_cka(*_features(row), inside_x, inside_y)
    return _no_draws(chance_corrected(ratio(across, inside_x, inside_y), chance))


def _cka_kept(row: Row) -> Drawn:
    x, before = _features(row)[0], row.of_original("linear features", features)
    inside = row.of_original("hsic", lambda _: hsic(before, before))
    return _no_draws(ratio(hsic(x, before), _criteria(row)[1], inside))


def _cknna(row: Row) -> Drawn:
    return _no_draws(of_neighbours(_unit_source(row), _clip_directions(row), _near_source(row), _near_target(row)))


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
    "residual-l2i": _residual_l2i,
    "gap-length": lambda row: _no_draws(_gap(row).length),
    "gap-consistency": lambda row: _no_draws(_gap(row).consistency),
    "gap-orthogonality": lambda row: _no_draws(_gap(row).orthogonality),
    "mutual-knn": _mutual,
    "mutual-knn-calibrated": _mutual_knn_calibrated,
    "mutual-knn-kept": _mutual_knn_kept,
    "cka": _cka,
    "cka-debiased": _cka_debiased,
    "cka-calibrated": _cka_calibrated,
    "cka-kept": _cka_kept,
    "cknna": _cknna,
    "procrustes-distance": lambda row: _no_draws(of_product(_product(row), row.both.x.n)),
    "hubness": lambda row: _no_draws(
        skewness(occurrences(_unit_source(row), row.reference.directions, LISTED, metric_memory(row)), row.both.y)
    ),
    "variance-ratio": _variance_ratio,
    "prdc-precision": lambda row: row._mean(_prdc(row).precision),
    "prdc-recall": lambda row: _target_mean(row, _prdc(row).recall),
    "prdc-density": lambda row: row._mean(_prdc(row).density),
    "prdc-coverage": lambda row: _no_draws(float(_prdc(row).coverage.mean())),
    "memorisation": _memorisation,
}
"""Estimators of these measures; those not here are called as they are."""
