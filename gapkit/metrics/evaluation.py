"""Measure many rows against one reference: everything that must be equal for all rows is fixed here, once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.metrics._estimators import ESTIMATORS
from gapkit.metrics._kernels import ClipSums, Kernel, clip_sums
from gapkit.metrics._row import Row, T
from gapkit.metrics._sides import Cloud, Sides, cloud, directions
from gapkit.metrics.bandwidth import FACTORS, median_bandwidth
from gapkit.metrics.registry import METRICS, Metric, metric_names, takes_owner
from gapkit.metrics.separability import clip_folds
from gapkit.statistics import bootstrap_weights, percentile_interval

GENERIC_DRAWS = 200
"""Resamples of a metric that must be computed again for each."""


@dataclass(frozen=True)
class Estimate:
    """One cell of a table.

    Parameters
    ----------
    value : float
        NaN where undefined.
    low, high : float
        95 % percentile interval, clips resampled; NaN without draws.
    draws : array of shape (B,), float64
        Value in each resample; empty without an interval. All rows measured against one reference use the same
        resamples, so draws of two rows may be subtracted.
    n : int
        Number of source clips.
    seconds : float
        Wall time; what metrics share counts for the first that needs it.
    why : str
        Why `value` is undefined; empty otherwise.
    """

    value: float
    low: float
    high: float
    draws: NDArray[np.float64] = field(repr=False)
    n: int
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class Reference:
    """The fixed side of a comparison; make it with `from_target`.

    Parameters
    ----------
    target : Cloud
        Targets sorted by clip.
    bandwidth : float
        Kernel width.
    folds : array of shape (n,)
        Fold of each clip.
    weights : Tensor of shape (B, n)
        Resampling weights of the clips.
    seed : int
    n_folds : int
    max_memory : int
        Bytes that kernels may take.
    fitted : Tensor of shape (f, d), optional
        The targets that the bridges were fitted on.
    """

    target: Cloud
    bandwidth: float
    folds: NDArray[np.int64]
    weights: Tensor
    seed: int
    n_folds: int
    max_memory: int
    fitted: Tensor | None = None
    _memo: dict[Any, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_target(
        cls,
        target: ArrayLike,
        *,
        owner: ArrayLike | None = None,
        seed: int = 0,
        n_resamples: int = 1000,
        folds: int = 5,
        max_memory: int = 2**29,
        fitted: ArrayLike | None = None,
    ) -> Self:
        """Fix bandwidths, folds and resamples from the targets.

        Parameters
        ----------
        target : array-like of shape (m, d)
        owner : array-like of shape (m,), optional
            Clip of each target row; left out, each row is a clip of its own.
        seed : int
            Of bandwidth pairs, folds and resamples: the same seed gives the same numbers.
        n_resamples : int
            Number of bootstrap draws, B; 0 for none.
        folds : int
            Folds of the separability classifiers.
        max_memory : int
            Bytes for kernel matrices. Where the clip-by-clip matrices do not fit (about 3,000 clips at the default),
            the intervals of MMD use the first-order projection of the U-statistic instead, in O(n) memory.
        fitted : array-like of shape (f, d), optional
            The targets that the bridges were fitted on; metrics that need them are left out otherwise.

        Raises
        ------
        InputError
            Fewer than two clips, rows that are all the same, an owner that does not fit.
        """
        rows = cloud(target, name="target", owner=owner)
        if rows.n < 2:
            raise InputError(f"target: expected at least 2 clips, got {rows.n}; a metric compares clouds")
        width, device = rows.rows.shape[1], rows.rows.device
        return cls(
            target=rows,
            bandwidth=median_bandwidth(rows.rows, seed=seed),
            folds=clip_folds(rows.n, folds, seed),
            weights=torch.from_numpy(bootstrap_weights(rows.n, n_resamples, [seed, 0])).to(rows.rows.device),
            seed=seed,
            n_folds=folds,
            max_memory=max_memory,
            fitted=None if fitted is None else as_matrix(fitted, name="fitted", n_features=width, device=device),
        )

    def __len__(self) -> int:
        """Number of clips."""
        return self.target.n

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """What metrics need of the targets alone: made at its first use, and kept for all rows."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    @cached_property
    def kernels(self) -> dict[str, Kernel]:
        """Kernels by metric, all with the reference's width."""
        width = self.bandwidth
        return {
            "mmd": Kernel("gaussian", (width,)),
            "mmd-multi": Kernel("gaussian", tuple(f * width for f in FACTORS)),
            "mmd-imq": Kernel("imq", (width,)),
            "energy-distance": Kernel("distance", (width,)),
        }

    @property
    def n_dense(self) -> int:
        """Most clips whose kernel matrices fit the memory: three a kernel, two residual ones, a sum, float32."""
        return math.isqrt(self.max_memory // ((3 * len(self.kernels) + 3) * 4))

    @property
    def dense(self) -> bool:
        """Whether clip-by-clip matrices are kept."""
        return len(self.weights) > 0 and self.target.n <= self.n_dense

    def target_kernels(self, names: Sequence[str]) -> dict[str, ClipSums]:
        """Kernel sums inside the target, the same for all rows; what no row has asked for yet in one pass."""
        known: dict[str, ClipSums] = self.shared("target kernels", dict)
        missing = [name for name in names if name not in known]
        if missing:
            sums = clip_sums(
                self.target,
                None,
                [self.kernels[name] for name in missing],
                drop_same=True,
                dense=self.dense,
                max_memory=self.max_memory // 4,
            )
            known.update(zip(missing, sums, strict=True))
        return known

    @cached_property
    def directions(self) -> Cloud:
        """Targets of length one."""
        return directions(self.target, "target")

    @cached_property
    def unit_sums(self) -> Tensor:
        """Resampled sums of the clips' mean directions, shape (B, d)."""
        return self.weights @ self.directions.clip_means

    def source_folds(self, n: int) -> NDArray[np.int64]:
        """Folds of `n` source rows that are unrelated to the clips."""
        return clip_folds(n, self.n_folds, [self.seed, 1])

    def source_weights(self, n: int) -> Tensor:
        """Resampling weights of `n` source rows that are unrelated to the clips."""
        weights = bootstrap_weights(n, len(self.weights), [self.seed, 1])
        return torch.from_numpy(weights).to(self.weights.device)


def measure(
    source: ArrayLike,
    reference: Reference,
    metrics: Sequence[str] | None = None,
    *,
    paired: bool = True,
    original: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Measure one moved source against the reference.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Row i is clip i of the reference where `paired`.
    reference : Reference
    metrics : sequence of str, optional
        Names; left out, all registered ones.
    paired : bool
        False: source rows are unrelated to the clips, in any number; they are resampled on their own, and metrics
        that need pairs are left out.
    original : array-like of shape (n, d), optional
        The source before it was moved; metrics that need it are left out otherwise.

    Returns
    -------
    dict of str to Estimate
        In the order asked for. A metric that is undefined for this source is NaN and says why.

    Raises
    ------
    InputError
        An unknown name (the nearest are offered), rows that do not fit the reference.
    """
    target = reference.target
    rows = as_matrix(source, name="source", n_features=target.rows.shape[1], device=target.rows.device)
    x = cloud(rows, name="source")
    if paired and x.n != target.n:
        raise InputError(
            f"source: expected one row a clip of the reference ({target.n}), got {x.n}; "
            "pass paired=False for unrelated rows"
        )
    if x.n < 2:
        raise InputError(f"source: expected at least 2 clips, got {x.n}; a metric compares clouds")
    records = [METRICS.get(name) for name in (metric_names() if metrics is None else metrics)]
    records = [record for record in records if paired or not record.needs_pairs]
    before = None if original is None else _original(original, x)
    given = {"original": before is not None, "fitted": reference.fitted is not None}
    records = [record for record in records if all(given[need] for need in record.needs)]
    weights = reference.weights if paired else reference.source_weights(x.n)
    row = Row(Sides(x, target, paired), reference, weights, frozenset(record.name for record in records), before)
    return {record.name: _estimate(record, row) for record in records}


def _original(values: ArrayLike, moved: Cloud) -> Cloud:
    rows = as_matrix(values, name="original", n_features=moved.rows.shape[1], device=moved.rows.device)
    if len(rows) != len(moved.rows):
        raise InputError(f"original: expected one row a source row ({len(moved.rows)}), got {len(rows)}")
    return cloud(rows, name="original")


def _estimate(record: Metric, row: Row) -> Estimate:
    start = time.perf_counter()
    draws: NDArray[np.float64] = np.empty(0)
    why = ""
    try:
        if record.name in ESTIMATORS:
            value, drawn = ESTIMATORS[record.name](row)
            draws = drawn.cpu().numpy()
        else:
            value, draws = _generic(record, row)
    except InputError as error:
        value, why = math.nan, str(error)
    if math.isnan(value):
        draws, why = np.empty(0), why or f"{record.name} gave NaN"
    low, high = percentile_interval(draws)
    return Estimate(value, low, high, draws, row.both.x.n, time.perf_counter() - start, why)


def _generic(record: Metric, row: Row) -> tuple[float, NDArray[np.float64]]:
    """A metric that gapkit knows nothing about: call it, and call it again on resampled clips where it is cheap."""
    x, y = row.both.x.rows.cpu().numpy(), row.both.y.rows.cpu().numpy()
    owner = row.both.y.owner.cpu().numpy()
    with_owner = takes_owner(record.function)
    extras: dict[str, NDArray[np.float32]] = {}
    if "fitted" in record.needs and row.reference.fitted is not None:
        extras["fitted"] = row.reference.fitted.cpu().numpy()
    if "original" in record.needs and row.original is not None:
        extras["original"] = row.original.rows.cpu().numpy()

    def call(x: NDArray[np.float32], y: NDArray[np.float32], owner: NDArray[np.int64]) -> float:
        if with_owner:
            return float(record.function(x, y, owner=owner if row.both.paired else None, **extras))
        return float(record.function(x[owner] if record.needs_pairs else x, y, **extras))

    value = call(x, y, owner)
    if record.cost != "n d" or extras or len(row.weights) == 0:
        return value, np.empty(0)
    ends = np.searchsorted(owner, np.arange(row.both.y.n + 1))
    draws = []
    for wx, wy in zip(*(w[:GENERIC_DRAWS].cpu().numpy() for w in (row.weights, row.reference.weights)), strict=True):
        take_x, take_y = (np.repeat(np.arange(len(w)), w.astype(np.int64)) for w in (wx, wy))
        rows = np.concatenate([np.arange(ends[c], ends[c + 1]) for c in take_y])
        counts = ends[take_y + 1] - ends[take_y]
        draws.append(call(x[take_x], y[rows], np.repeat(np.arange(len(take_y)), counts)))
    return value, np.asarray(draws)
