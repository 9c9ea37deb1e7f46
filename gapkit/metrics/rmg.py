"""Relative modality gap: the distance of pairs in units of the distances inside each modality."""

from __future__ import annotations

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.cosine import own_cosines
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Influence, Value


def rmg(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Relative modality gap, P / ((Oxx + Oyy) / 2 + P) with the distance D = (1 - cosine) / 2.

    P is the mean D of a clip and its own targets; Oxx and Oyy are the mean D between different clips inside the
    source and inside the target. Several targets of one clip never count as different clips. Computed from means,
    without a matrix of pairs.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        In [0, 1]; lower is nearer: 0 where pairs coincide, 0.5 where a pair is as far apart as two clips of one
        modality, 1 where each modality is one point and the two differ. Good pairs that are not equal never
        reach 0: the floor is what their captions leave open. 0 where everything is one point.

    Raises
    ------
    InputError

    References
    ----------
    Schrodi et al. (2025), Two effects, one trigger, ICLR. Their code drops only the diagonal of Oxx and Oyy, and so
    counts captions of one clip as different; here they are left out.

    Examples
    --------
    >>> rmg([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    0.0
    >>> rmg([[1, 0], [0, 1]], [[0, 1], [1, 0]])
    0.5
    """
    return rmg_of(pair_of(source, target, owner, paired=True)).value


@metric(
    "rmg",
    label="RMG",
    place=70,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, 1.0),
    reference="Schrodi et al. (2025), Two effects, one trigger",
    definition="Distance of pairs over itself plus the mean distance of different clips inside a modality.",
    function=rmg,
    residual=Residual(
        "Residual RMG", "Relative modality gap after each fold's mean is removed.", place=300, centring="folds"
    ),
)
def rmg_of(pair: Pair) -> Value:
    """Distance of pairs over the whole; each item moves its own pair's, and the mean distance inside its side."""
    sides, own = (pair.unit.x, pair.unit.y), own_cosines(pair)
    # Rounding may leave a distance of equal rows just below 0.
    apart = max(0.0, (1 - float(own.mean())) / 2)
    inside = max(0.0, (1 - sum(map(_inner_cosine, sides)) / 2) / 2)
    whole = apart + inside

    def influence() -> Influence:
        if whole <= 1e-12:
            return None, None
        x, y = (_of_inner_cosine(side) for side in sides)
        by_apart, by_inside = inside / whole**2, -apart / whole**2
        return -by_apart * own / 2 - by_inside * x / 4, -by_inside * y / 4

    return Value(apart / whole if whole > 1e-12 else 0.0, influence=influence)


def _own_products(side: Cloud) -> Tensor:
    """Product of each clip's mean row with the sum of those of its label, its own or its fold's; float64, (n,)."""

    def make() -> Tensor:
        products = torch.empty(side.n, dtype=torch.float64, device=side.base.device)
        if side.fold is None:
            for clips, rows in side.clip_blocks():
                products[clips] = rows.double().square().sum(dim=1)
            return products
        sums = torch.zeros(int(side.fold.max()) + 1, side.base.shape[1], dtype=torch.float64, device=side.base.device)
        for clips, rows in side.clip_blocks():
            sums.index_add_(0, side.fold[clips], rows.double())
        for clips, rows in side.clip_blocks():
            products[clips] = (rows.double() * sums[side.fold[clips]]).sum(dim=1)
        return products

    return side.shared("own products", make)


def _strangers(side: Cloud) -> float:
    """Mean number of clips that a clip is compared with: those of other labels."""
    return side.n - (1 if side.fold is None else float(torch.bincount(side.fold).square().sum()) / side.n)


def _inner_cosine(side: Cloud) -> float:
    """Mean cosine between the unit rows of different clips of one side, or of different folds."""
    n, own = side.n, float(_own_products(side).sum())
    return (n * n * float(side.mean @ side.mean) - own) / (n * _strangers(side))


def _of_inner_cosine(side: Cloud) -> Tensor:
    """Twice the mean cosine of each item with the others of its side, up to a constant."""
    return 2 * (side.n * side.along(side.mean) - _own_products(side)) / _strangers(side)
