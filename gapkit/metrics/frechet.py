"""Frechet distance: how far apart two clouds are if each were Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, slices
from gapkit.errors import InputError
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Influence, Value

Shrinkage = float | Literal["ledoit-wolf"]


def frechet_distance(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    shrinkage: Shrinkage | None = None,
) -> float:
    """Squared Frechet distance |mu_x - mu_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)) of the Gaussians of both sides.

    The trace comes from singular values of factors of the covariances in float64: no matrix square root of a product,
    which may turn out complex. A covariance is the unbiased one with clips as units: a clip's rows share its weight.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Taken as given.
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    shrinkage : float or "ledoit-wolf", optional
        Weight, in [0, 1], of the sphere of equal trace in each covariance, or chosen for each side by Ledoit and Wolf's
        formula. Needed where a side has no more clips than dimensions.

    Returns
    -------
    float
        At least 0; lower is nearer. Two samples of one distribution do not reach 0: the value is too large by about
        a constant over n, see `frechet_bias`. Compare rows with the same number of clips only.

    Raises
    ------
    InputError
        No more clips than dimensions and no `shrinkage`: the covariance is singular.

    References
    ----------
    Dowson & Landau (1982), The Frechet distance between multivariate normal distributions.
    Heusel et al. (2017), GANs trained by a two time-scale update rule, arXiv:1706.08500.
    Ledoit & Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices.

    Examples
    --------
    >>> round(frechet_distance([[-1.0], [0.0], [1.0]], [[1.0], [3.0], [5.0]]), 6)
    10.0
    """
    return frechet_of(pair_of(source, target, owner), shrinkage=shrinkage).value


@metric(
    "frechet",
    label="Fréchet distance²",
    place=220,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, math.inf),
    needs_pairs=False,
    cost="n d^2 + d^3",
    reference="Heusel et al. (2017), GANs trained by a two time-scale update rule",
    default=False,
    definition="Squared Frechet distance of the Gaussians with each side's mean and covariance.",
    function=frechet_distance,
    residual=Residual(
        "Residual Fréchet distance²",
        "Squared Frechet distance after each side's mean is removed: the covariance part.",
        place=260,
    ),
)
def frechet_of(pair: Pair, *, shrinkage: Shrinkage | None = None) -> Value:
    """Squared offset of the means, and the distance of the covariances, which a centred pair has in common."""
    whole = pair.uncentred
    x = whole.x.shared(("gaussian", shrinkage), lambda: gaussian(whole.x, shrinkage))
    y = whole.y.shared(("gaussian", shrinkage), lambda: gaussian(whole.y, shrinkage))
    shape = whole.shared(("bures", shrinkage), lambda: bures(x, y))

    def of_shape() -> tuple[Tensor, Tensor]:
        return whole.shared(("influence", shrinkage), lambda: influences(whole, x, y))

    if pair.is_centred:
        return Value(shape, influence=of_shape)
    offset = x.mean - y.mean

    def influence() -> Influence:
        moved_x, moved_y = of_shape()
        return moved_x + 2 * pair.x.along(offset), moved_y - 2 * pair.y.along(offset)

    return Value(float(offset.square().sum()) + shape, influence=influence)


@dataclass(frozen=True)
class Gaussian:
    """Mean (d,) and covariance (d, d) of one side, float64."""

    mean: Tensor
    covariance: Tensor

    @cached_property
    def factor(self) -> Tensor:
        """A matrix F with F F' the covariance."""
        lower, failed = torch.linalg.cholesky_ex(self.covariance)
        return self.root if int(failed) else lower

    @cached_property
    def root(self) -> Tensor:
        """Symmetric square root of the covariance."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
        return root


def gaussian(side: Cloud, shrinkage: Shrinkage | None = None) -> Gaussian:
    """Fit a Gaussian to one side, every clip counting the same.

    Raises
    ------
    InputError
        Fewer clips than the covariance needs, or a shrinkage that is none.
    """
    n, d = side.n, side.base.shape[1]
    if shrinkage is None and n <= d:
        raise InputError(
            f"{side.name}: expected more clips than dimensions ({d}) for a covariance, got {n}; "
            'give more clips, or shrinkage="ledoit-wolf" to frechet_distance'
        )
    covariance = _scatter(side) / n
    # Unbiased: what the estimated mean takes away, the covariance of the clip means over n, is added back.
    means = covariance if side.single else _scatter(side, of_clips=True) / n
    if shrinkage is not None:
        weight = _ledoit_wolf(side, covariance) if shrinkage == "ledoit-wolf" else _weight(shrinkage)
    covariance = covariance + means / (n - 1)
    if shrinkage is not None:
        sphere = covariance.diagonal().mean()
        covariance *= 1 - weight
        covariance.diagonal().add_(weight * sphere)
    return Gaussian(side.mean, covariance)


def bures(x: Gaussian, y: Gaussian) -> float:
    """Squared Bures distance of the covariances: what is left of the Frechet distance between equal means."""
    trace = x.covariance.trace() + y.covariance.trace()
    # tr (S_x S_y)^(1/2) as the sum of singular values of a product of factors: taken as roots of the eigenvalues of a
    # product of covariances, small ones would carry the root of the rounding error.
    return max(0.0, float(trace - 2 * torch.linalg.svdvals(y.factor.T @ x.factor).sum()))


def influences(both: Pair, x: Gaussian, y: Gaussian) -> tuple[Tensor, Tensor]:
    """How much each clip pushes the Bures distance, to first order: float64, (n_x,) and (n_y,), mean 0.

    The derivative by S_x is 1 - T, with T the matrix of the optimal transport from x to y, and by S_y 1 - T^-1.
    """
    root = y.root
    values, vectors = torch.linalg.eigh(root @ x.covariance @ root)
    kept = values > values[-1].clamp_min(0) * len(values) * torch.finfo(values.dtype).eps
    half, vectors = values[kept].sqrt(), vectors[:, kept]
    # |x T x| and |y T^-1 y| by clip; where a covariance is singular no row has a part that T does not know.
    forth = _quadratic(both.x, (root @ vectors) / half.sqrt())
    back = _quadratic(both.y, (torch.linalg.pinv(root, hermitian=True) @ vectors) * half.sqrt())
    pushes = (_quadratic(both.x, None) - forth, _quadratic(both.y, None) - back)
    return pushes[0] - pushes[0].mean(), pushes[1] - pushes[1].mean()


def _quadratic(side: Cloud, factor: Tensor | None) -> Tensor:
    """Mean over a clip's centred rows of |row @ factor|^2."""
    out = torch.empty(len(side.base), dtype=torch.float64, device=side.base.device)
    for part in row_blocks(side.base):
        block = side.block(part).double() - side.mean
        out[part] = (block if factor is None else block @ factor).square().sum(dim=1)
    return side.per_clip(out)


def _scatter(side: Cloud, *, of_clips: bool = False) -> Tensor:
    """Sum over clips of the mean outer product of their centred rows, or of that of their centred means; float64."""
    total = torch.zeros(side.base.shape[1], side.base.shape[1], dtype=torch.float64, device=side.base.device)
    for part in slices(side.n, side.base.shape[1]) if of_clips else row_blocks(side.base):
        block = (side.clip_block(part) if of_clips else side.block(part)).double().sub_(side.mean)
        if not (of_clips or side.single):
            block *= side.share[part, None].sqrt()
        if block.device.type == "cpu":
            # numpy knows that such a product is symmetric, and does half the work.
            total += torch.from_numpy(block.numpy().T @ block.numpy())
        else:
            total.addmm_(block.T, block)
    return total


def _weight(shrinkage: Shrinkage) -> float:
    if isinstance(shrinkage, str) or not 0 <= shrinkage <= 1:
        raise InputError(f'frechet: shrinkage: expected a number in [0, 1] or "ledoit-wolf", got {shrinkage!r}')
    return float(shrinkage)


def _ledoit_wolf(side: Cloud, covariance: Tensor) -> float:
    """Weight of the sphere, from how much the second moments of single clips vary around the covariance."""
    n, d = side.n, len(covariance)
    square = covariance.square().sum()
    apart = square - d * covariance.diagonal().mean() ** 2
    # Squared norm of a clip's own second moment: the mean of (y_b . y_c)^2 over its rows b and c.
    own = float(_quadratic(side, None).square().sum()) if side.single else 0.0
    for clip in () if side.single else range(n):
        block = side.block(slice(int(side.ends[clip]), int(side.ends[clip + 1]))).double() - side.mean
        own += float((block @ block.T).square().mean())
    noise = (own / n - square) / n
    return float((noise / apart).clamp(0, 1)) if apart > 0 else 0.0
