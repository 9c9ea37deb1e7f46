"""What a setting is searched for: the share of the gap that it closes, and the share of retrieval that it keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.metrics import Estimate, Reference, measure
from gapkit.metrics.registry import METRICS
from gapkit.statistics import percentile_interval

CLOSURE = ("cosine", "centroid-distance", "mmd", "separability")
"""Metrics behind `closure`."""
PRESERVATION = "recall@10"
"""Metric behind what is kept."""
SQUARED = frozenset({"mmd"})
"""Metrics that enter by their root, so that all are distances and none closes twice as fast as the others."""
UNBIASED = {"centroid-distance": "mmd-linear"}
"""Where chance alone keeps a metric from its best value (a length is never 0): the unbiased metric that tells a gap."""
N_RESAMPLES = 1000
"""Bootstrap resamples behind the intervals; clips are resampled."""


def closure(values: Mapping[str, Any], identity: Mapping[str, Any], metrics: Sequence[str] = CLOSURE) -> Any:
    """Share of the gap that is closed, mean over metrics.

    ``mean_m (v_m - i_m) / (b_m - i_m)`` with v the value of the moved source, i that of the source as it is
    (`identity`), and b the metric's best possible value. Squared distances (MMD²) enter by their root. What lies beyond
    the best value is chance and counts as the best.

    Parameters
    ----------
    values, identity : mapping of metric to float or array of shape (B,)
        Values of the metrics, or one for each resample.
    metrics : sequence of str
        Registered metrics with a best value.

    Returns
    -------
    float or array of shape (B,)
        1: every gap closed; 0: as wide as before; below 0: wider. NaN where `identity` has no gap on any metric.

    Examples
    --------
    >>> closure({"cosine": 0.8, "mmd": 0.01}, {"cosine": 0.6, "mmd": 0.04}, ["cosine", "mmd"])
    0.5
    """
    table = np.stack([_share(metric, values[metric], identity[metric]) for metric in metrics])
    known = ~np.isnan(table)
    total, count = np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0)
    return _plain(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _share(metric: str, value: Any, identity: Any) -> NDArray[np.float64]:
    """Share of the gap of one metric; NaN where there is none."""
    record = METRICS.get(metric)
    if record.best is None:
        raise InputError(f"metric {metric!r}: has no best value, so no share of its gap can be told; leave it out")
    start = _distance(metric, identity)
    gap = record.best - start
    there = gap > 0 if record.better == "higher" else gap < 0
    way = (_distance(metric, value) - start) / np.where(there, gap, 1.0)
    return np.where(there, np.minimum(way, 1.0), np.nan)


def kept(value: Any, identity: Any) -> Any:
    """Share of retrieval that is left: R@10 of the moved source over R@10 of the source as it is.

    Returns
    -------
    float or array
        1: all; above 1: more than before. NaN where the source itself finds nothing.

    Examples
    --------
    >>> kept(0.45, 0.5)
    0.9
    """
    start = np.asarray(identity, dtype=np.float64)
    return _plain(np.where(start > 0, np.asarray(value) / np.where(start > 0, start, 1.0), np.nan))


@dataclass(frozen=True)
class Score:
    """What one setting came to on the scoring clips, mean over seeds.

    Parameters
    ----------
    metrics : mapping of str to float
    closure, kept : float
        The two aims of the search; both higher is better.
    closure_interval, kept_interval : pair of float
        95 %, bootstrap over clips; the source as it is is resampled alike.
    """

    metrics: Mapping[str, float]
    closure: float
    kept: float
    closure_interval: tuple[float, float]
    kept_interval: tuple[float, float]


@dataclass(frozen=True)
class Yardstick:
    """The scoring clips and the gap that they have before any bridge; make it with `of`.

    Parameters
    ----------
    reference : Reference
    source : array of shape (n, d)
    identity : mapping of metric to Estimate
    metrics : tuple of str
        Closure metrics that count here.
    notes : tuple of str
        Which do not, and what else to know of this yardstick.
    """

    reference: Reference
    source: NDArray[np.float32]
    identity: Mapping[str, Estimate]
    metrics: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, pairs: PairedEmbeddings, *, seed: int) -> Self:
        """Measure the gap of `pairs` as it is.

        A closure metric whose 95 % interval, or that of its unbiased form, reaches the best value has no gap that could
        be told from chance: a share of it would be noise over noise, so it does not count.

        Raises
        ------
        InputError
            No gap, or a source that finds none of its targets: nothing to close, or nothing to keep.
        """
        reference = Reference.from_target(
            pairs.target, owner=pairs.owner, groups=pairs.origins, seed=seed, n_resamples=N_RESAMPLES
        )
        try:
            identity = _measured(pairs.source, reference)
        except GapkitError as error:
            raise InputError(f"{pairs.name}: {error} before any bridge; give more clips to choose on") from None
        found = identity[PRESERVATION].value
        if not found > 0:
            raise InputError(
                f"{pairs.name}: {PRESERVATION} is 0 before any bridge, so none can keep it; "
                "check that source and target rows belong together"
            )
        judges = {**identity, **measure(pairs.source, reference, metrics=list(UNBIASED.values()))}
        open_, notes = [], []
        for metric in CLOSURE:
            judge = UNBIASED.get(metric, metric)
            value = judges[judge]
            if _clear(judge, value):
                open_.append(metric)
            else:
                notes.append(
                    f"{metric}: no gap beyond chance before any bridge ({judge} {value.value:.3g}, 95 % interval "
                    f"{value.low:.3g} to {value.high:.3g}); left out of closure"
                )
        if not open_:
            raise InputError(f"{pairs.name}: no gap to close before any bridge; nothing to tune for")
        if found == 1:
            notes.append(
                f"{pairs.name}: {PRESERVATION} is 1 before any bridge ({len(pairs)} clips, {pairs.n_targets} targets); "
                "what is kept can hardly be told apart on so few"
            )
        return cls(reference, pairs.source, identity, tuple(open_), tuple(notes))

    def score(self, moved: Sequence[NDArray[np.float32]]) -> Score:
        """Score the scoring clips as moved by one setting, once for each seed.

        Raises
        ------
        GapkitError
            A metric that is undefined for the moved source.
        """
        rows = [_measured(np.asarray(source), self.reference) for source in moved]
        closures = [closure(_values(row), _values(self.identity), self.metrics) for row in rows]
        shares = [kept(row[PRESERVATION].value, self.identity[PRESERVATION].value) for row in rows]
        closure_draws = [closure(_draws(row), _draws(self.identity), self.metrics) for row in rows]
        kept_draws = [kept(row[PRESERVATION].draws, self.identity[PRESERVATION].draws) for row in rows]
        return Score(
            {metric: float(np.mean([row[metric].value for row in rows])) for metric in rows[0]},
            float(np.mean(closures)),
            float(np.mean(shares)),
            _interval(closure_draws),
            _interval(kept_draws),
        )


def _measured(source: NDArray[np.float32], reference: Reference) -> Mapping[str, Estimate]:
    estimates = measure(source, reference, metrics=[*CLOSURE, PRESERVATION])
    for metric, estimate in estimates.items():
        if not math.isfinite(estimate.value):
            raise GapkitError(f"{metric} is undefined ({estimate.why})")
    return estimates


def _distance(metric: str, value: Any) -> NDArray[np.float64]:
    array = np.asarray(value, dtype=np.float64)
    return np.sqrt(np.maximum(array, 0.0)) if metric in SQUARED else array


def _plain(values: NDArray[np.float64]) -> Any:
    return float(values) if values.ndim == 0 else values


def _clear(metric: str, value: Estimate) -> bool:
    """Whether the interval ends before the best value."""
    record = METRICS.get(metric)
    assert record.best is not None
    return value.high < record.best if record.better == "higher" else value.low > record.best


def _values(row: Mapping[str, Estimate]) -> dict[str, float]:
    return {metric: estimate.value for metric, estimate in row.items()}


def _draws(row: Mapping[str, Estimate]) -> dict[str, NDArray[np.float64]]:
    return {metric: estimate.draws for metric, estimate in row.items()}


def _interval(draws: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    low, high = percentile_interval(np.mean(draws, axis=0))
    return float(low), float(high)
