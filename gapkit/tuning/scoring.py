"""What a setting is searched for: the share of the gap that it closes, and the share of retrieval that it keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.metrics import Estimate, Reference, measure
from gapkit.metrics.registry import METRICS
from gapkit.statistics import percentile_interval
from gapkit.verdict.shares import CLOSURE, PRESERVATION, closure, kept

UNBIASED = {"centroid-distance": "mmd-linear"}
"""Where chance alone keeps a metric from its best value (a length is never 0): the unbiased metric that tells a gap."""
N_RESAMPLES = 1000
"""Bootstrap resamples behind the intervals; clips are resampled."""


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
