"""Centred kernel alignment with the linear kernel, from d x d products: no matrix of pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, slices
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.mutual_knn import moved_and_original
from gapkit.metrics.pair import pair_of


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
    both = pair_of(source, target, owner, paired=True)
    return linear_cka(features(both.x), features(both.y), debiased=debiased)


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
    moved, before = moved_and_original(source, original)
    return linear_cka(features(moved), features(before), debiased=debiased)


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
    squares = torch.empty(side.n, dtype=torch.float64, device=side.base.device)
    for clips, rows in side.clip_blocks():
        squares[clips] = (rows.double() - side.mean).square().sum(dim=1)
    scale = math.inf if side.flat else math.sqrt(float(squares.mean())) or math.inf
    return Features(side, scale, squares / scale**2)


def linear_cka(x: Features, y: Features, *, debiased: bool = False) -> float:
    """`cka` of two sides."""
    return ratio(hsic(x, y, debiased=debiased), hsic(x, x, debiased=debiased), hsic(y, y, debiased=debiased))


def hsic(x: Features, y: Features, *, debiased: bool = False) -> float:
    """Hilbert-Schmidt independence criterion of linear kernels, times n^2, or n (n - 3) where unbiased."""
    whole = float(x.product(y).square().sum())
    return whole + correction(x, y) if debiased else whole


def correction(x: Features, y: Features) -> float:
    """What takes the bias off: the kernels' diagonals, of which only this much is left after centring."""
    n = x.side.n
    if n < 4:
        raise InputError(f"cka: expected at least 4 clips for the debiased form, got {n}; give more or debiased=False")
    own = float(x.squares @ y.squares)
    return float(x.squares.sum()) * float(y.squares.sum()) / ((n - 1) * (n - 2)) - n / (n - 2) * own


def ratio(across: float, inside_x: float, inside_y: float) -> float:
    """Alignment from the three criteria; 0 where a side has no structure of its own."""
    inside = max(inside_x, 0.0) ** 0.5 * max(inside_y, 0.0) ** 0.5
    return min(1.0, across / inside) if inside > 0 else 0.0
