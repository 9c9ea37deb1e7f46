"""Anchor rows: what a number of the table can be read against.

`identity` and `mean-shift` are bridges. The others are made of targets: two that must look bad on one
side of the table (collapse closes gaps and loses content, random targets are in place and wrong) and two ceilings.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.cells import Value
from gapkit.comparison.division import Division, fold_seed
from gapkit.comparison.measuring import Measured, estimate_all
from gapkit.comparison.other_set import concatenated, groups_of
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics.evaluation import Reference
from gapkit.statistics import split

BRIDGES = ("identity", "mean-shift")
"""Bridges that stand among the anchors."""

SPLIT_HALF = "target-split-half"
KEYS = {SPLIT_HALF: f"{SPLIT_HALF} of test and fit"}
"""Anchors that are computed in another way than by an earlier gapkit of this version."""
HALVES = 10
"""Random halvings behind `target-split-half`."""


def collapse(parts: Parts, seed: int) -> NDArray[np.float32]:
    """Every source row at the centroid of the fitted targets, (n, d): the gap closed by saying nothing."""
    centroid = parts.fit.target.mean(axis=0, dtype=np.float64)
    centroid /= max(float(np.linalg.norm(centroid)), 1e-12)
    return np.tile(centroid.astype(np.float32), (len(parts.test), 1))


def random_target(parts: Parts, seed: int) -> NDArray[np.float32]:
    """Each clip gets a random fitted target, (n, d): in place, and wrong.

    Test targets in another order would not do: the two sides would hold the very same points.
    """
    rows = np.random.default_rng(seed).integers(parts.fit.n_targets, size=len(parts.test))
    return parts.fit.target[rows]


def oracle_target(parts: Parts, seed: int) -> NDArray[np.float32]:
    """Each clip gets its own first target, (n, d): the most that pairs can give."""
    return parts.test.target[first_targets(parts.test)]


SOURCES: Mapping[str, Callable[[Parts, int], NDArray[np.float32]]] = {
    "collapse": collapse,
    "random-target": random_target,
    "oracle-target": oracle_target,
}
"""Anchors that are a source matrix for the test clips."""

SYNTHETIC = (*SOURCES, SPLIT_HALF)
"""Anchors that are no bridge."""

NAMES = (*BRIDGES, *SYNTHETIC)
"""All anchors, in the order of the table."""


def cloud(name: str, division: Division, seed: int) -> NDArray[np.float32]:
    """The measured items at one of `SOURCES`, (n, d), each by what its own fit has seen."""
    make = SOURCES[name]
    return division.pooled(make(parts, fold_seed(seed, k)) for k, parts in enumerate(division))


def first_targets(pairs: PairedEmbeddings) -> NDArray[np.int64]:
    """Row of the first target of each clip, (n,)."""
    return np.unique(pairs.owner, return_index=True)[1].astype(np.int64)


def split_half(
    test: PairedEmbeddings,
    metrics: Sequence[str],
    *,
    fit: PairedEmbeddings | None = None,
    seed: int,
    reference: Reference,
) -> Measured:
    """Targets of a random half of the items against those of the other half: the floor of every distance.

    The measured items and as many fitted ones are one pool, so that a half has as many items as the table; a bridge is
    measured with one row an item, and so is the half that stands for the source. Where there are fewer fitted items,
    the halves are smaller, and `Value.n` says so. Items of one group are in one half, as far as chains of shared groups
    allow: the halves then differ in their origins too, and a bridge, which is measured against targets of the same
    origins, can lie below.

    Parameters
    ----------
    test : PairedEmbeddings
    metrics : sequence of str
        Those that need pairs are left out.
    fit : PairedEmbeddings, optional
        Left out, the measured items alone are halved.
    seed : int
        Of the halvings.
    reference : Reference
        That of all rows; its bandwidth is used for the halves too.

    Returns
    -------
    Measured
        Mean over `HALVES` halvings; intervals are the 2.5 and 97.5 percentiles over them; no draws.
    """
    rng = np.random.default_rng(seed)
    values: dict[str, list[Value]] = {}
    failed: dict[str, str] = {}
    began = time.perf_counter()
    items = len(test)
    for _ in range(HALVES if len(test) >= 4 else 0):
        left, right = _halves(test, fit, rng)
        items = min(len(left), len(right))
        half = Reference.from_target(right.target, owner=right.owner, groups=right.origins, seed=seed, n_resamples=0)
        half = dataclasses.replace(half, bandwidth=reference.bandwidth)
        rows = left.target[first_targets(left)]
        measured = estimate_all(rows, half, metrics, paired=False, groups=left.origins)
        failed |= measured.failed
        for metric, value in measured.estimates.items():
            values.setdefault(metric, []).append(value)
    seconds = (time.perf_counter() - began) / max(len(values), 1)
    return Measured({metric: _over_halves(own, items, seconds) for metric, own in values.items()}, failed, {})


def _halves(
    test: PairedEmbeddings, fit: PairedEmbeddings | None, rng: np.random.Generator
) -> tuple[PairedEmbeddings, PairedEmbeddings]:
    """Both halves of the measured items and of as many fitted ones; no group is parted as far as that can be."""
    pool, most = [test], len(test)
    if fit is not None:
        # Halves of groups are not of one size: from a larger pool both can be cut to that of the table.
        more = most if test.origins is None or test.origins.apart else 2 * most
        pool.append(fit.take(np.sort(rng.choice(len(fit), size=min(len(fit), more), replace=False))))
    origins = groups_of(pool)
    if origins is None or origins.apart or len(np.unique(origins.components)) < 2:
        halves = np.array_split(rng.permutation(sum(map(len, pool))), 2)
    else:
        part = split(origins, (0.5, 0.5), int(rng.integers(2**31))).part
        halves = [rng.permutation(np.flatnonzero(part == k)) for k in (0, 1)]
    left, right = (_taken(pool, np.sort(rows[:most])) for rows in halves)
    return left, right


def _taken(pool: Sequence[PairedEmbeddings], rows: NDArray[np.int64]) -> PairedEmbeddings:
    """Some items of a pool of sets that are numbered through."""
    ends = np.cumsum([0, *map(len, pool)])
    own = [rows[(rows >= start) & (rows < end)] - start for start, end in itertools.pairwise(ends)]
    return concatenated([part.take(clips) for part, clips in zip(pool, own, strict=True) if len(clips)])


def _over_halves(own: Sequence[Value], n: int, seconds: float) -> Value:
    numbers = np.array([value.value for value in own])
    if np.isnan(numbers).any():
        return Value(np.nan, np.nan, np.nan, n, seconds, next(v.why for v in own if np.isnan(v.value)))
    low, high = np.percentile(numbers, [2.5, 97.5])
    return Value(float(numbers.mean()), float(low), float(high), n, seconds)
