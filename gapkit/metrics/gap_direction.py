"""The gap as a vector: how long it is, whether it points the same way everywhere, and across what it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, slices
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.cloud import FLAT, Cloud
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

_C3 = "Zhang et al. (2024), Connect, collapse, corrupt"

GROUP = 100
"""Pairs of a group: their own differences cancel, what they share stays."""


@dataclass(frozen=True)
class GapDirection:
    """What `gap_direction` found.

    Parameters
    ----------
    length, length_sd : float
        Mean and standard deviation over groups of the length of a group's gap; at least the sampling noise of
        a group, about the square root of (trace of the pairs' covariance / group size).
    consistency : float
        Mean cosine between the gaps of two groups, in [-1, 1].
    orthogonality : float
        Mean absolute cosine between the mean gap and the difference of two clips of one modality, in [0, 1]: mean
        of the next two.
    orthogonality_source, orthogonality_target : float
        The same inside each modality; NaN where all its rows are one point.
    n_groups : int
    """

    length: float
    length_sd: float
    consistency: float
    orthogonality: float
    orthogonality_source: float
    orthogonality_target: float
    n_groups: int


def gap_direction(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    group_size: int = GROUP,
    seed: int = 0,
) -> GapDirection:
    """Statistics of the vectors from target to source, over random groups of pairs.

    Rows are scaled to length one; the gap of a clip is its source minus the mean of its targets, that of a group the
    mean over its clips. Clips left over by the last full group are not in any.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.
    group_size : int
        Clips of a group. Consistency depends on it: compare only numbers with the same.
    seed : int
        Order of the clips: groups, and the pairs whose differences are looked at (each clip and the next).

    Returns
    -------
    GapDirection
        Consistency near 1 and orthogonality near its chance level, about sqrt(2 / (pi d)), say that the gap is one
        constant vector. Where there is no gap (its length is rounding) both are 0. Cost n d.

    Raises
    ------
    InputError
        Fewer than two groups, or both modalities are single points.

    References
    ----------
    Zhang et al. (2024), Connect, collapse, corrupt, ICLR, arXiv 2401.08567. Their notebook takes neighbouring groups
    where all pairs of groups are taken here, and the signed cosine, whose mean is 0 by symmetry, where the absolute
    one is taken here.

    Examples
    --------
    >>> gap_direction([[1, 0], [1, 0]], [[0, 1], [1, -1]], group_size=1).n_groups
    2
    """
    return gap_direction_of(pair_of(source, target, owner, paired=True, seed=seed), group_size=group_size)


def gap_length(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    group_size: int = GROUP,
    seed: int = 0,
) -> float:
    """Mean length of the gap vectors of groups of pairs, directions taken of all rows first.

    Parameters
    ----------
    source, target, owner, group_size, seed
        See `gap_direction`.

    Returns
    -------
    float
        In [0, 2]; lower is nearer. Where the modalities have the same mean it is what groups of this size leave by
        chance, and not 0.

    Raises
    ------
    InputError
    """
    pair = pair_of(source, target, owner, paired=True, seed=seed)
    return gap_length_of(pair, group_size=group_size).value


def gap_consistency(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    group_size: int = GROUP,
    seed: int = 0,
) -> float:
    """Mean cosine between the gap vectors of two groups of pairs: whether what is left of the gap has a direction.

    Parameters
    ----------
    source, target, owner, group_size, seed
        See `gap_direction`.

    Returns
    -------
    float
        In [-1, 1]; 1 for one constant gap, 0 in expectation where the modalities have the same mean; lower is nearer.
        Unlike `centroid_distance` it has no floor, and it does not see how long the gap is.

    Raises
    ------
    InputError
    """
    pair = pair_of(source, target, owner, paired=True, seed=seed)
    return gap_consistency_of(pair, group_size=group_size).value


def gap_orthogonality(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    group_size: int = GROUP,
    seed: int = 0,
) -> float:
    """Mean absolute cosine between the gap and the differences of clips inside a modality.

    Parameters
    ----------
    source, target, owner, group_size, seed
        See `gap_direction`.

    Returns
    -------
    float
        In [0, 1]; about sqrt(2 / (pi d)) for directions that know nothing of each other, less where the gap runs
        across what tells clips apart. No direction is better: a shift closes a gap that is orthogonal at no cost.

    Raises
    ------
    InputError
    """
    pair = pair_of(source, target, owner, paired=True, seed=seed)
    return gap_orthogonality_of(pair, group_size=group_size).value


@metric(
    "gap-length",
    label="Gap length",
    place=480,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, 2.0),
    cost="n d by group",
    reference=_C3,
    default=False,
    definition="Mean length of the gap vectors of groups of 100 pairs, between directions.",
    function=gap_length,
)
def gap_length_of(pair: Pair, *, group_size: int = GROUP) -> Value:
    """Mean length of the gaps; it has no interval."""
    return Value(gap_direction_of(pair, group_size=group_size).length)


@metric(
    "gap-consistency",
    label="Gap consistency",
    place=490,
    group="closure",
    better="lower",
    best=0.0,
    range=(-1.0, 1.0),
    cost="n d by group",
    reference=_C3,
    default=False,
    definition="Mean cosine between the gap vectors of two groups of 100 pairs; 1 is one constant gap.",
    function=gap_consistency,
)
def gap_consistency_of(pair: Pair, *, group_size: int = GROUP) -> Value:
    """Mean cosine of two gaps; it has no interval."""
    return Value(gap_direction_of(pair, group_size=group_size).consistency)


@metric(
    "gap-orthogonality",
    label="Gap against differences",
    place=500,
    group="closure",
    better="none",
    range=(0.0, 1.0),
    cost="n d by group",
    reference=_C3,
    default=False,
    definition="Mean absolute cosine between the gap and the differences of clips inside a modality; 0 is orthogonal.",
    function=gap_orthogonality,
)
def gap_orthogonality_of(pair: Pair, *, group_size: int = GROUP) -> Value:
    """Mean absolute cosine of the gap and of differences; it has no interval."""
    return Value(gap_direction_of(pair, group_size=group_size).orthogonality)


def gap_direction_of(pair: Pair, *, group_size: int = GROUP) -> GapDirection:
    """`gap_direction` of a pair, the seed being the pair's: worked out once for all metrics."""
    size = whole("gap direction: group_size", group_size, 1)
    return pair.shared(("gap direction", size), lambda: _of_directions(pair.unit, size, pair.seed))


def _of_directions(unit: Pair, group_size: int, seed: int) -> GapDirection:
    n = unit.x.n
    if n < 2 * group_size:
        raise InputError(
            f"gap direction: expected at least 2 groups of {group_size} clips, got {n} clips; give a smaller group_size"
        )
    rng = np.random.default_rng(whole("gap direction: seed", seed))
    order = torch.from_numpy(rng.permutation(n)).to(unit.x.base.device)
    full = n // group_size
    gaps = _group_means(unit, order[: full * group_size], full, group_size)
    lengths = torch.linalg.vector_norm(gaps, dim=1)
    unit_gaps = torch.where(lengths[:, None] > FLAT, gaps / lengths[:, None].clamp_min(FLAT), 0.0)
    together = float(unit_gaps.sum(dim=0).square().sum() - unit_gaps.square().sum())
    gap = gaps.mean(dim=0)
    beside = [_absolute_cosine(side, order, gap) for side in (unit.x, unit.y)]
    seen = [value for value in beside if value == value]
    if not seen:
        raise InputError("gap direction: all rows of both sides are the same; a modality needs two different rows")
    return GapDirection(
        length=float(lengths.mean()),
        length_sd=float(lengths.std(correction=0)),
        consistency=together / (full * (full - 1)),
        orthogonality=sum(seen) / len(seen),
        orthogonality_source=beside[0],
        orthogonality_target=beside[1],
        n_groups=full,
    )


def _group_means(unit: Pair, order: Tensor, groups: int, size: int) -> Tensor:
    """Mean difference of the two sides in each group of clips, float64, (groups, d)."""
    means = torch.zeros(groups, unit.x.base.shape[1], dtype=torch.float64, device=order.device)
    for part in slices(len(order), means.shape[1]):
        apart = unit.x.take_clips(order[part]).double() - unit.y.take_clips(order[part])
        means.index_add_(0, torch.arange(part.start, part.stop, device=order.device) // size, apart / size)
    return means


def _absolute_cosine(side: Cloud, order: Tensor, gap: Tensor) -> float:
    """Mean over clips that follow each other of the absolute cosine of their difference with the gap."""
    across, total, count = float(torch.linalg.vector_norm(gap)), 0.0, 0
    for part in slices(len(order), len(gap)):
        # One more than the block, so that none of the differences is lost between two.
        differences = side.take_clips(order[part.start : part.stop + 1]).double().diff(dim=0)
        length = torch.linalg.vector_norm(differences, dim=1)
        apart = length > FLAT
        total += float((differences[apart] @ gap).abs().div(length[apart]).sum())
        count += int(apart.sum())
    if not count:
        return float("nan")
    return total / count / across if across > FLAT else 0.0
