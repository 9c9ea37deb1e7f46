"""Centred kernel alignment with the linear kernel, from d x d products: no matrix of pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, slices
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

KORNBLITH = "Kornblith et al. (2019), Similarity of neural network representations revisited"


def cka(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, debiased: bool = False) -> float:
    """Centred kernel alignment, HSIC(x, y) / sqrt(HSIC(x, x) HSIC(y, y)) with linear kernels.

    That is |X'Y|^2 / (|X'X| |Y'Y|) with centred columns and Frobenius norms. A clip with several targets stands at
    their mean.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Left out: pairs are one to one.
    debiased : bool
        Use unbiased estimates of the three HSIC (n >= 4). The plain form is far above 0 for unrelated clouds unless
        clips are many more than dimensions; this one is near 0, on either side of it.

    Returns
    -------
    float
        In [0, 1], debiased up to 1 and slightly below 0 by chance; higher is better: 1 where one side is the other
        but for rotation, scale and shift, 0 where one side is a single point. It does not see the gap. Cost n d^2.

    Raises
    ------
    InputError

    References
    ----------
    Kornblith et al. (2019), Similarity of neural network representations revisited, ICML, arXiv 1905.00414.
    Song et al. (2012), Feature selection via dependence maximization, JMLR 13 (unbiased HSIC).

    Examples
    --------
    >>> round(cka([[0, 0], [1, 0], [0, 1]], [[5, 5], [5, 7], [3, 5]]), 6)
    1.0
    """
    return cka_of(pair_of(source, target, owner, paired=True), debiased=debiased).value


def cka_kept(
    source: ArrayLike, target: Any = None, *, original: ArrayLike, owner: Any = None, debiased: bool = False
) -> float:
    """`cka` of the moved source and the source before it was moved.

    Parameters
    ----------
    source : array-like of shape (n, d)
        After it was moved.
    target, owner
        Not looked at; all metrics are called alike.
    original : array-like of shape (n, d)
        Before it was moved, row by row.
    debiased : bool
        See `cka`.

    Returns
    -------
    float
        In [0, 1]; higher is better: 1 where the source was only rotated, scaled or shifted. Cost n d^2.

    Raises
    ------
    InputError

    References
    ----------
    As `cka`.

    Examples
    --------
    >>> round(cka_kept([[5, 5], [5, 7], [3, 5]], original=[[0, 0], [1, 0], [0, 1]]), 6)
    1.0
    """
    return cka_kept_of(pair_of(source, source, paired=True, original=original), debiased=debiased).value


@metric(
    "cka",
    label="CKA",
    place=550,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n d^2",
    reference=KORNBLITH,
    default=False,
    definition="Linear centred kernel alignment of the source and the mean targets of its clips.",
    function=cka,
)
def cka_of(pair: Pair, *, debiased: bool = False) -> Value:
    """Alignment from the three criteria; it has no interval."""
    return Value(ratio(*criteria(pair, debiased=debiased)))


metric(
    "cka-debiased",
    label="CKA, debiased",
    place=560,
    group="preservation",
    better="higher",
    best=1.0,
    range=(-math.inf, 1.0),
    cost="n d^2",
    reference="Song et al. (2012), Feature selection via dependence maximization",
    default=False,
    definition="CKA from unbiased estimates of the three HSIC; near 0 for unrelated clouds of any size.",
)(partial(cka_of, debiased=True))


@metric(
    "cka-kept",
    label="CKA kept",
    place=590,
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n d^2",
    reference=KORNBLITH,
    default=False,
    needs=("original",),
    definition="Linear centred kernel alignment of the source after and before it was moved.",
    function=cka_kept,
)
def cka_kept_of(pair: Pair, *, debiased: bool = False) -> Value:
    """Alignment of the source with itself before it was moved."""
    assert pair.original is not None
    return cka_of(replace(pair, y=pair.original, original=None), debiased=debiased)


def criteria(pair: Pair, *, debiased: bool = False) -> tuple[float, float, float]:
    """Hilbert-Schmidt independence criteria, times n^2, or n (n - 3) where unbiased.

    Of the source with the target, with itself, and of the target with itself; kernels are linear.
    """
    x, y = features(pair.x), features(pair.y)
    found = float(outer_product(pair).square().sum()), _own_criterion(x), _own_criterion(y)
    if not debiased:
        return found
    n = pair.x.n
    if n < 4:
        raise InputError(f"cka: expected at least 4 clips for the debiased form, got {n}; give more or debiased=False")
    across, inside_x, inside_y = (
        value + correction(a.squares, b.squares) for value, (a, b) in zip(found, ((x, y), (x, x), (y, y)), strict=True)
    )
    return across, inside_x, inside_y


def outer_product(pair: Pair) -> Tensor:
    """Sum over items of the outer products of both sides' features, (d, d)."""
    return pair.shared("outer product", lambda: features(pair.x).product(features(pair.y)))


def _own_criterion(x: Features) -> float:
    return x.side.shared("own criterion", lambda: float(x.product(x).square().sum()))


@dataclass(frozen=True)
class Features:
    """One side, ready to be compared.

    Parameters
    ----------
    side : Cloud
    scale : float
        Root mean squared length of the clips seen from their mean; infinite for a single point.
    squares : Tensor of shape (n,), float64
        Squared lengths of the rows.
    """

    side: Cloud
    scale: float
    squares: Tensor

    def block(self, clips: slice) -> Tensor:
        """Centred means of some clips in units of `scale`, float64."""
        return (self.side.clip_block(clips).double() - self.side.mean) / self.scale

    @property
    def rows(self) -> Tensor:
        """All of them, (n, d)."""
        return self.block(slice(0, self.side.n))

    def product(self, other: Features) -> Tensor:
        """Sum over clips of the outer products of both sides' rows, (d, d)."""
        total = torch.zeros(self.side.base.shape[1], other.side.base.shape[1], dtype=torch.float64)
        total = total.to(self.squares.device)
        for clips in slices(self.side.n, self.side.base.shape[1]):
            rows = self.block(clips)
            total.addmm_(rows.T, rows if other is self else other.block(clips))
        return total


def features(side: Cloud) -> Features:
    """Centre and scale the clips of one side."""

    def measured() -> tuple[float, Tensor]:
        squares = torch.empty(side.n, dtype=torch.float64, device=side.base.device)
        for clips, rows in side.clip_blocks():
            squares[clips] = (rows.double() - side.mean).square().sum(dim=1)
        scale = math.inf if side.flat else math.sqrt(float(squares.mean())) or math.inf
        return scale, squares / scale**2

    return Features(side, *side.shared("scale and squares", measured))


def correction(x: Tensor, y: Tensor) -> float:
    """Number that takes the bias off a criterion, from the squared lengths of both sides' rows.

    They are the kernels' diagonals, of which only this much is left after centring.
    """
    n = len(x)
    return float(x.sum()) * float(y.sum()) / ((n - 1) * (n - 2)) - n / (n - 2) * float(x @ y)


def ratio(across: float, inside_x: float, inside_y: float) -> float:
    """Alignment from the three criteria; 0 where a side has no structure of its own."""
    inside = max(inside_x, 0.0) ** 0.5 * max(inside_y, 0.0) ** 0.5
    return min(1.0, across / inside) if inside > 0 else 0.0
