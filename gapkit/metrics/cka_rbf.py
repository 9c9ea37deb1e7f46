"""Centred kernel alignment with Gaussian kernels, tile by tile: no matrix of pairs is held."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import positive
from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.cka import KORNBLITH, ratio
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.points import points
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

TILE = 512
"""Clips on a side of a tile."""


def cka_rbf(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    width: float = 1.0,
    debiased: bool = False,
    seed: int = 0,
) -> float:
    """Centred kernel alignment with exp(-|a - b|^2 / (2 s^2)), s being `width` medians of each side's own distances.

    The kernel of two clips is the mean over their rows. A wide kernel gives the linear `cka`; a narrow one looks at
    near neighbours only.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.
    width : float
        Above 0, in medians of the Euclidean distances inside a side (see `median_bandwidth`).
    debiased : bool
        Use unbiased estimates of the three HSIC (n >= 4); see `cka`.
    seed : int
        Chooses the pairs that the medians are taken over.

    Returns
    -------
    float
        In [0, 1], debiased slightly below 0 by chance; higher is better; 0 where one side is a single point. It does
        not see the gap. Cost n^2 d.

    Raises
    ------
    InputError
        Most rows of a side are the same point: its distances have no median above 0.

    References
    ----------
    Kornblith et al. (2019), Similarity of neural network representations revisited, ICML, arXiv 1905.00414.
    Song et al. (2012), Feature selection via dependence maximization, JMLR 13 (unbiased HSIC).

    Examples
    --------
    >>> round(cka_rbf([[0, 0], [1, 0], [0, 1]], [[5, 5], [5, 7], [3, 5]]), 6)
    1.0
    """
    pair = pair_of(source, target, owner, paired=True)
    return cka_rbf_of(pair, width=width, debiased=debiased, seed=seed).value


@metric(
    "cka-rbf",
    label="CKA, Gaussian",
    place=580,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n^2 d",
    reference=KORNBLITH,
    default=False,
    definition="Centred kernel alignment with Gaussian kernels of each side's own median width.",
    holds_rows=True,
    function=cka_rbf,
)
def cka_rbf_of(pair: Pair, *, width: float = 1.0, debiased: bool = False, seed: int = 0) -> Value:
    """Alignment from the three criteria of Gaussian kernels; it has no interval."""
    width = positive("width", width)
    if debiased and pair.x.n < 4:
        raise InputError(f"cka: expected at least 4 clips for the debiased form, got {pair.x.n}; give more clips")
    if pair.x.flat or pair.y.flat:
        return Value(0.0)
    x, y = (_scaled(side, width, seed) for side in (pair.x, pair.y))
    return Value(ratio(*_criteria(x, y, debiased=debiased)))


def _scaled(side: Cloud, width: float, seed: int) -> Cloud:
    """Centred rows in units in which the kernel is exp(-|a - b|^2)."""
    rows = points(side.rows)[0].near
    try:
        median = median_bandwidth(rows, seed=seed)
    except InputError:
        raise InputError(
            f"{side.name}: the median distance of its rows is 0 (most are the same), so that the kernel has no width; "
            "use the linear cka"
        ) from None
    return Cloud(rows / (width * median * 2**0.5), side.owner, side.n)


def _criteria(x: Cloud, y: Cloud, *, debiased: bool) -> tuple[float, float, float]:
    """HSIC of both sides, of the first and of the second with itself, up to a common factor."""
    n = x.n
    rows = [torch.zeros(n, dtype=torch.float64, device=x.base.device) for _ in range(2)]
    own = [torch.zeros_like(rows[0]) for _ in range(2)]
    products = [0.0, 0.0, 0.0]
    for i, j, tiles in _tiles(x, y):
        twice = 1 if i == j else 2
        for side, tile in enumerate(tiles):
            if i == j:
                own[side][i] = tile.diagonal().double()
                tile.fill_diagonal_(0)
            else:
                rows[side][j] += tile.sum(dim=0, dtype=torch.float64)
            rows[side][i] += tile.sum(dim=1, dtype=torch.float64)
        for number, (a, b) in enumerate(((0, 1), (0, 0), (1, 1))):
            products[number] += twice * float((tiles[a] * tiles[b]).sum(dtype=torch.float64))
    found = []
    for number, (a, b) in enumerate(((0, 1), (0, 0), (1, 1))):
        left, right, product = rows[a], rows[b], products[number]
        if debiased:
            outer, through = float(left.sum() * right.sum()), float(left @ right)
            found.append(product + outer / ((n - 1) * (n - 2)) - 2 * through / (n - 2))
        else:
            left, right = left + own[a], right + own[b]
            outer, through = float(left.sum() * right.sum()), float(left @ right)
            found.append(product + float(own[a] @ own[b]) + outer / n**2 - 2 * through / n)
    return found[0], found[1], found[2]


def _tiles(x: Cloud, y: Cloud) -> Iterator[tuple[slice, slice, list[Tensor]]]:
    """Blocks of clips on and above the diagonal, and both kernels between them."""
    blocks = [slice(i, min(i + TILE, x.n)) for i in range(0, x.n, TILE)]
    for number, i in enumerate(blocks):
        for j in blocks[number:]:
            yield i, j, [_kernel(side, i, j) for side in (x, y)]


def _kernel(side: Cloud, i: slice, j: slice) -> Tensor:
    """Mean kernel between the clips of two blocks, float32."""
    a, b = (side.clips(clips.start, clips.stop) for clips in (i, j))
    squares = torch.cdist(a.rows, b.rows, compute_mode="use_mm_for_euclid_dist").square_()
    return b.per_clip(a.per_clip(squares.neg_().exp_()).T).T
