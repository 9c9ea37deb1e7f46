"""What a similarity score is worth: the same score where the pairs are shuffled, taken off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, generator
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cka import cka, cka_of, correction, criteria, features, ratio
from gapkit.metrics.mutual_knn import K, mutual_knn, mutual_knn_of, nearest_of_both, overlap
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

_GROGER = "Groger et al. (2026), Revisiting the Platonic representation hypothesis"

PERMUTATIONS = 200
"""Shufflings."""

LEVEL = 0.95
"""Share of the null below the threshold of the gated score."""

SAME = 1e-6
"""Scores nearer than this are equal: the shuffled ones may be computed another way."""


@dataclass(frozen=True)
class Calibrated:
    """A score beside its null.

    Parameters
    ----------
    raw : float
        The score itself.
    null_mean, null_sd : float
        Mean and standard deviation of the score over shuffled pairs.
    calibrated : float
        (raw - null mean) / (1 - null mean): 0 at chance, 1 at the score's best, below 0 under chance.
    threshold, gated : float
        The 95 % quantile of the null, raw included, and (raw - threshold) / (1 - threshold), 0 below it.
    p : float
        Share of shuffled scores that reach the raw one, (k + 1) / (B + 1).
    n_permutations : int
        B.
    """

    raw: float
    null_mean: float
    null_sd: float
    calibrated: float
    threshold: float
    gated: float
    p: float
    n_permutations: int


def calibrated(
    score: Callable[..., float],
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    n_permutations: int = PERMUTATIONS,
    seed: int = 0,
    **options: Any,
) -> Calibrated:
    """Compare a similarity score with what it is when clips get the targets of random other clips.

    The level of such scores depends on the number of clips, of dimensions and of neighbours; their null does too.
    `mutual_knn` and `cka` are not computed again for each shuffling: neighbour lists are renumbered, and the products
    of many shufflings are one. Any other score is called `n_permutations` times.

    Parameters
    ----------
    score : callable
        ``score(source, target, owner=..., **options) -> float``, whose largest value is 1.
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row; clips are shuffled with all their targets.
    n_permutations : int
        At least 1; 200 resolve p down to 0.005.
    seed : int
        Draws the shufflings.
    **options
        Passed on to the score.

    Returns
    -------
    Calibrated

    Raises
    ------
    InputError
        No permutations, or what the score raises.

    References
    ----------
    Groger et al. (2026), Revisiting the Platonic representation hypothesis: an Aristotelian view, arXiv 2602.14486.
    Their score is `gated`; `calibrated` is corrected for chance as the adjusted Rand index is.

    Examples
    --------
    >>> rows = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]
    >>> calibrated(mutual_knn, rows, rows, k=1).calibrated
    1.0
    """
    if not callable(score):
        raise InputError(f"calibrated: expected a function such as gapkit.metrics.cka, got {score!r}")
    n_permutations = whole("calibrated: n_permutations", n_permutations, 1)
    both = pair_of(source, target, owner, paired=True)
    return _against(*_nulls(score, both, n_permutations, seed, options))


def mutual_knn_calibrated(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, k: int = K, max_memory: int = 2**27
) -> float:
    """`mutual_knn`, corrected for chance by its exact mean over all shufflings, k / (n - 1).

    Parameters
    ----------
    source, target, owner, k, max_memory
        See `mutual_knn`.

    Returns
    -------
    float
        At most 1; higher is better; 0 for unrelated clouds, whatever the number of clips and neighbours.

    Raises
    ------
    InputError

    References
    ----------
    As `calibrated`.

    Examples
    --------
    >>> rows = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]
    >>> mutual_knn_calibrated(rows, rows, k=1)
    1.0
    """
    pair = pair_of(source, target, owner, paired=True, max_memory=4 * memory_limit(max_memory))
    return mutual_knn_calibrated_of(pair, k=k).value


def cka_calibrated(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """`cka`, corrected for chance by its exact mean over all shufflings.

    Shuffled clips have HSIC tr(K) tr(L) / (n - 1) in the mean, K and L being the centred kernels.

    Parameters
    ----------
    source, target, owner
        See `cka`.

    Returns
    -------
    float
        At most 1; higher is better; 0 for unrelated clouds, whatever the number of clips and dimensions.

    Raises
    ------
    InputError

    References
    ----------
    As `calibrated`; the mean is that of Kazi-Aoual et al. (1995), Refined approximations to permutation tests for
    multivariate inference, Computational Statistics & Data Analysis 20.

    Examples
    --------
    >>> round(cka_calibrated([[0, 0], [1, 0], [0, 1]], [[5, 5], [5, 7], [3, 5]]), 6)
    1.0
    """
    return cka_calibrated_of(pair_of(source, target, owner, paired=True)).value


@metric(
    "mutual-knn-calibrated",
    label="Mutual kNN, calibrated",
    place=530,
    group="preservation",
    better="higher",
    best=1.0,
    range=(-1.0, 1.0),
    cost="n^2 d",
    reference=_GROGER,
    default=False,
    definition="Mutual kNN minus its mean over shuffled pairs, over one minus that mean.",
    holds_rows=True,
    function=mutual_knn_calibrated,
)
def mutual_knn_calibrated_of(pair: Pair, *, k: int = K) -> Value:
    """Mutual kNN in units of the room above chance."""
    raw, chance = mutual_knn_of(pair, k=k), k / (pair.x.n - 1)
    room = 1 - chance
    return replace(raw.times(1 / room if room > SAME else 0.0), inner=_chance_corrected(raw.value, chance))


@metric(
    "cka-calibrated",
    label="CKA, calibrated",
    place=570,
    group="preservation",
    better="higher",
    best=1.0,
    range=(-math.inf, 1.0),
    cost="n d^2",
    reference=_GROGER,
    default=False,
    definition="CKA minus its mean over shuffled pairs, over one minus that mean.",
    function=cka_calibrated,
)
def cka_calibrated_of(pair: Pair) -> Value:
    """Linear alignment above its mean over all shufflings; it has no interval."""
    across, inside_x, inside_y = criteria(pair)
    squares_x, squares_y = (float(features(side).squares.sum()) for side in (pair.x, pair.y))
    chance = ratio(squares_x * squares_y / (pair.x.n - 1), inside_x, inside_y)
    return Value(_chance_corrected(ratio(across, inside_x, inside_y), chance))


def _chance_corrected(raw: float, chance: float) -> float:
    """0 at chance, 1 at 1; 0 where chance leaves no room."""
    return (raw - chance) / (1 - chance) if chance < 1 - SAME else 0.0


def _nulls(
    score: Callable[..., float], both: Pair, n_permutations: int, seed: int, options: dict[str, Any]
) -> tuple[float, NDArray[np.float64]]:
    """The score and its values over shuffled pairs."""
    shuffles = (order for order in _orders(both.x.n, n_permutations, seed, both.x.rows.device))
    if score is mutual_knn:
        return _mutual_knn_null(both, shuffles, **options)
    if score is cka:
        return _cka_null(both, shuffles, **options)

    def call(rows: Tensor) -> float:
        return float(score(rows, both.y.rows, owner=both.y.owner, **options))

    return call(both.x.rows), np.array([call(both.x.rows[order]) for order in shuffles])


def _against(raw: float, null: NDArray[np.float64]) -> Calibrated:
    """Sum up a null."""
    mean, threshold = float(null.mean()), float(np.quantile(np.append(null, raw), LEVEL))
    reached = int((null >= raw - SAME * max(1.0, abs(raw))).sum())
    return Calibrated(
        raw=raw,
        null_mean=mean,
        null_sd=float(null.std()),
        calibrated=_chance_corrected(raw, mean),
        threshold=threshold,
        gated=max(0.0, _chance_corrected(raw, threshold)),
        p=(reached + 1) / (len(null) + 1),
        n_permutations=len(null),
    )


def _mutual_knn_null(
    both: Pair, orders: Iterator[Tensor], *, k: int = K, max_memory: int = 2**27
) -> tuple[float, NDArray[np.float64]]:
    """`mutual_knn`, and with shuffled clips: whoever was nearest stays so under another number."""
    x, y = (found.indices for found in nearest_of_both(replace(both, max_memory=4 * memory_limit(max_memory)), k))
    known = bool(x[0, 0] >= 0)
    null = [float(overlap(order.argsort()[x[order]] if known else x, y).mean()) for order in orders]
    return float(overlap(x, y).mean()), np.array(null)


def _cka_null(
    both: Pair, orders: Iterator[Tensor], *, debiased: bool = False, max_memory: int = 2**27
) -> tuple[float, NDArray[np.float64]]:
    """`cka`, and with shuffled clips: only the product of the two sides changes, and one product serves many."""
    x, y = features(both.x), features(both.y)
    _, inside_x, inside_y = criteria(both, debiased=debiased)
    scale = max(inside_x, 0.0) ** 0.5 * max(inside_y, 0.0) ** 0.5
    left, right = (_fewest_columns(side.rows).float() for side in (x, y))
    n, d = left.shape
    at_once = max(1, memory_limit(max_memory) // (8 * n * d))
    null: list[float] = []
    batch: list[Tensor] = []

    def measure() -> None:
        stacked = torch.stack([left[order].T for order in batch]).view(-1, n)
        whole = (stacked @ right).view(len(batch), -1).square().sum(dim=1, dtype=torch.float64)
        for order, value in zip(batch, whole.tolist(), strict=True):
            bias = correction(x.squares[order], y.squares) if debiased else 0.0
            null.append(min(1.0, (value + bias) / scale) if scale > 0 else 0.0)
        batch.clear()

    for order in orders:
        batch.append(order)
        if len(batch) == at_once:
            measure()
    if batch:
        measure()
    return cka_of(both, debiased=debiased).value, np.array(null)


def _fewest_columns(rows: Tensor) -> Tensor:
    """Rows with the same products among themselves, (n, min(n, d))."""
    return rows if rows.shape[0] >= rows.shape[1] else torch.linalg.qr(rows.T, mode="r").R.T


def _orders(n: int, count: int, seed: int, device: torch.device) -> Iterator[Tensor]:
    rng = generator(seed)
    for _ in range(count):
        yield torch.randperm(n, generator=rng).to(device)
