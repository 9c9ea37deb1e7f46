"""Precision, recall, density and coverage: whether the source lies where targets lie, and reaches all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit, whole
from gapkit.metrics.candidates import SameLabel, bounds_of
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.mutual_knn import K as SEARCHED
from gapkit.metrics.mutual_knn import nearest_items
from gapkit.metrics.neighbourhood import inside
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.points import Points, apart_where, points
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

_KYNKAANNIEMI = "Kynkaanniemi et al. (2019), Improved precision and recall metric"
_NAEEM = "Naeem et al. (2020), Reliable fidelity and diversity metrics"

K = 5
"""Neighbours that make the radius of a ball."""

BLOCK = 2**21
"""Entries of a block of comparisons."""


@dataclass(frozen=True)
class Prdc:
    """What `prdc` found.

    Parameters
    ----------
    precision : float
        Share of sources that lie in the ball of some target, in [0, 1].
    recall : float
        Share of targets that lie in the ball of some source, in [0, 1].
    density : float
        Mean number of targets in whose ball a source lies, over k; 1 in expectation in one distribution, and down to
        1 - 1 / 2k where pairs nearly coincide.
    coverage : float
        Share of targets in whose ball some source lies, in [0, 1]; about 1 - 2^-k in one distribution.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> Prdc:
    """Precision, recall, density and coverage of the source, the targets being the real ones.

    The ball of a row reaches to its `k`-th neighbour (Euclidean) in its own modality, and contains what is no farther.
    Clips are the units: the rows of a row's own clip neither make its ball nor count as inside it, so that a pair does
    not vouch for its own clip; a target row weighs one over the number of its clip's targets, and its ball reaches to
    `k` clips' worth of rows.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    paired : bool, optional
        Whether clip i of one side is clip i of the other. Left out: yes where `owner` is given or m == n. False gives
        the published definitions, in which a source may lie in the ball of its own target.
    k : int
        At least 1.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    Prdc
        Higher is better for all four, density up to 1. Cost (n + m)^2 d.

    Raises
    ------
    InputError
        Not more than `k` clips on a side.

    References
    ----------
    Kynkaanniemi et al. (2019), Improved precision and recall metric for assessing generative models, NeurIPS.
    Naeem et al. (2020), Reliable fidelity and diversity metrics for generative models, ICML, arXiv 2002.09797.

    Examples
    --------
    >>> prdc([[0.0], [1.0], [3.0]], [[0.0], [1.0], [3.0]], k=1)
    Prdc(precision=0.6666666666666666, recall=0.6666666666666666, density=1.0, coverage=1.0)
    """
    pair = pair_of(source, target, owner, paired=paired, max_memory=4 * memory_limit(max_memory))
    return Prdc(*(float(part.mean()) for part in by_item(pair, k)))


class ByItem(NamedTuple):
    """The four of each item, float64: precision and density of sources, recall and coverage of targets."""

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def precision_of(pair: Pair, *, k: int = K) -> Value:
    """Share of sources inside; the balls are those of the sample."""
    inside_of = by_item(pair, k).precision
    return Value(float(inside_of.mean()), influence=lambda: (inside_of, None))


def recall_of(pair: Pair, *, k: int = K) -> Value:
    """Share of targets inside; the balls are those of the sample."""
    inside_of = by_item(pair, k).recall
    return Value(float(inside_of.mean()), influence=lambda: (None, inside_of))


def density_of(pair: Pair, *, k: int = K) -> Value:
    """Mean density at the sources; the balls are those of the sample."""
    density = by_item(pair, k).density
    return Value(float(density.mean()), influence=lambda: (density, None))


def coverage_of(pair: Pair, *, k: int = K) -> Value:
    """Share of targets covered; it hangs on the balls more than on the items in them, and has no interval."""
    return Value(float(by_item(pair, k).coverage.mean()))


for _of, _name, _place, _most, _source, _what in (
    (precision_of, "precision", 650, 1.0, _KYNKAANNIEMI, "Share of sources within 5 neighbours' reach of a target."),
    (recall_of, "recall", 660, 1.0, _KYNKAANNIEMI, "Share of targets within 5 neighbours' reach of a source."),
    (density_of, "density", 670, math.inf, _NAEEM, "Mean number of targets within whose reach a source lies, over 5."),
    (coverage_of, "coverage", 680, 1.0, _NAEEM, "Share of targets within whose own reach some source lies."),
):
    metric(
        f"prdc-{_name}",
        label=_name.capitalize(),
        place=_place,
        group="preservation",
        better="higher",
        best=1.0,
        range=(0.0, _most),
        needs_pairs=False,
        cost="n^2 d",
        reference=_source,
        default=False,
        definition=_what,
        holds_rows=True,
    )(_of)


def by_item(pair: Pair, k: int) -> ByItem:
    """The four of each item, worked out once for all metrics."""
    k, room = whole("neighbours: k", k, 1), pair.max_memory // 4

    def found() -> ByItem:
        return _compare(pair, _radius(pair.x, k, 0, room), _radius(pair.y, k, 1, room), k, room)

    return pair.shared(("prdc", k), found)


def _radius(side: Cloud, k: int, order: int, max_memory: int) -> Tensor:
    """Radius of the ball of each row, (m,)."""

    def reach() -> Tensor:
        # Rows of length one, one an item, have the same neighbours by cosine: one search serves both.
        if side.of_length_one and side.single and k <= SEARCHED < side.n and not side.flat:
            return nearest_items(side, SEARCHED, order, max_memory).distances[:, k - 1]
        return inside(side, points(side.rows)[0], k, max_memory).radius

    return side.shared(("balls", k), reach)


def _compare(both: Pair, radius_x: Tensor, radius_y: Tensor, k: int, max_memory: int) -> ByItem:
    """Which rows lie in whose balls."""
    x, y = both.x, both.y
    queries, gallery = points(x.rows, y.rows)
    same = SameLabel(x.owner, y.owner) if both.paired else None
    balls_x, balls_y = radius_x / queries.unit, radius_y / queries.unit
    precision, density = (torch.zeros(x.n, dtype=torch.float64, device=x.base.device) for _ in range(2))
    recall, coverage = (torch.zeros(len(y.base), dtype=torch.bool, device=x.base.device) for _ in range(2))
    # Some float64 and float32 matrices of a block at once.
    block = min(BLOCK, memory_limit(max_memory) // 48)
    for at in torch.split(torch.arange(x.n, device=x.base.device), max(1, block // len(y.base))):
        in_y, in_x = _in_balls(queries, at, gallery, same, balls_x[at, None], balls_y)
        precision[at] = in_y.any(dim=1).double()
        density[at] = (in_y.double() @ y.share) / k
        recall |= in_x.any(dim=0)
        coverage |= in_y.any(dim=0)
    return ByItem(precision, y.per_clip(recall.double()), density, y.per_clip(coverage.double()))


def _in_balls(
    queries: Points, at: Tensor, gallery: Points, same: SameLabel | None, balls_x: Tensor, balls_y: Tensor
) -> tuple[Tensor, Tensor]:
    """Which pairs are no farther apart than the radius of the target, and than that of the source."""
    low = bounds_of(queries, at, gallery, same).double() + queries.floor[at, None]
    # The computed square may be off by the doubt on either side; the radii are distances and as good as float32.
    spare = 2 * queries.doubt * (queries.squares[at, None] + gallery.squares)
    open_pairs = torch.zeros_like(low, dtype=torch.bool)
    found = []
    for balls in (balls_y, balls_x):
        square = balls.square()
        surely = low + spare < square * (1 - 4 * queries.doubt)
        open_pairs |= (low <= square * (1 + 4 * queries.doubt)) & ~surely
        found.append(surely)
    i, j, far = apart_where(queries, at, gallery, open_pairs)
    for inside_of, balls in zip(found, (balls_y.expand_as(low), balls_x.expand_as(low)), strict=True):
        inside_of[i, j] |= far.double() <= balls[i, j]
    return found[0], found[1]
