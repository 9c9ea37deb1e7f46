"""The gap without the means of the sides: the part that no shift can close."""

from __future__ import annotations

from collections.abc import Sequence

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cosine import cosine_of
from gapkit.metrics.energy import energy_distance_of
from gapkit.metrics.fold_centring import fold_centred
from gapkit.metrics.frechet import Shrinkage, frechet_of
from gapkit.metrics.kernel_distance import kernel_distance
from gapkit.metrics.kernels import checked_kernel
from gapkit.metrics.pair import pair_of
from gapkit.metrics.sliced_wasserstein import PROJECTIONS, sliced_wasserstein_of


def residual_cosine(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    """Paired cosine of the rows seen from their own side's mean.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    float
        In [-1, 1]; higher is nearer. The share that all pairs have in common is gone, so about 0 means that pairs
        are no nearer than strangers.

    Raises
    ------
    InputError
        One side is a single point: nothing is left.

    Examples
    --------
    >>> round(residual_cosine([[5, 1], [5, -1]], [[0, 2], [0, -3]]), 6)
    1.0
    """
    return cosine_of(pair_of(source, target, owner, paired=True).centred).value


def residual_mmd(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    bandwidth: float | None = None,
    bandwidths: Sequence[float] | None = None,
    seed: int = 0,
    max_memory: int = 2**27,
) -> float:
    """Squared MMD after means are removed fold by fold, with the width that `mmd` uses.

    Clips are dealt into five folds (fewer where there are less than 15), rows are seen from the mean of their fold, and
    rows of different folds alone are compared: where the sides differ by a shift and nothing else the expectation is 0,
    however few clips there are.

    Parameters
    ----------
    source, target, owner, paired, bandwidth, bandwidths, max_memory
        See `mmd`.
    seed : int
        Deals the folds. Another seed moves the value by less than its own chance.

    Returns
    -------
    float
        As `mmd`: 0 in expectation where the shapes agree, and an estimate may be slightly negative; lower is nearer.

    Raises
    ------
    InputError
        As `mmd`; fewer than 4 clips.
    """
    if bandwidths is not None and bandwidth is not None:
        raise InputError("mmd: got both `bandwidth` and `bandwidths`; give one of them")
    seed = whole("seed", seed)
    pair = pair_of(source, target, owner, paired=paired, seed=seed, max_memory=4 * memory_limit(max_memory))
    if bandwidths is None:
        bandwidths = [pair.bandwidth if bandwidth is None else bandwidth]
    return kernel_distance(fold_centred(pair), checked_kernel(bandwidths)).value


def residual_frechet_distance(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    shrinkage: Shrinkage | None = None,
) -> float:
    """Squared Frechet distance of the centred sides, tr(S_x + S_y - 2 (S_x S_y)^(1/2)): the covariance part alone.

    Parameters
    ----------
    source, target, owner, shrinkage
        See `frechet_distance`.

    Returns
    -------
    float
        At least 0, at most `frechet_distance`; lower is nearer. Two samples of one shape do not reach 0: the bias of
        a small number of clips stays, as in `frechet_distance`. The mean that is removed is that of the whole side.

    Raises
    ------
    InputError
        No more clips than dimensions and no `shrinkage`.

    References
    ----------
    Dowson & Landau (1982), The Frechet distance between multivariate normal distributions.
    """
    return frechet_of(pair_of(source, target, owner).centred, shrinkage=shrinkage).value


def residual_sliced_wasserstein(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    n_projections: int = PROJECTIONS,
    seed: int = 0,
    max_memory: int = 2**28,
) -> float:
    """Sliced 2-Wasserstein distance of the centred sides, along the directions that `sliced_wasserstein` uses.

    Parameters
    ----------
    source, target, owner, n_projections, seed, max_memory
        See `sliced_wasserstein`.

    Returns
    -------
    float
        The root, in the units of the rows; at least 0, at most `sliced_wasserstein`; lower is nearer. Two samples of
        one shape do not reach 0, as in `sliced_wasserstein`. The mean that is removed is that of the whole side.

    Raises
    ------
    InputError
    """
    pair = pair_of(source, target, owner, seed=seed, max_memory=2 * memory_limit(max_memory)).centred
    return sliced_wasserstein_of(pair, n_projections=n_projections, keep_target=False).value


def residual_energy_distance(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    seed: int = 0,
    max_memory: int = 2**27,
) -> float:
    """Energy distance after means are removed fold by fold, no root taken.

    Parameters
    ----------
    source, target, owner, paired, max_memory
        See `energy_distance`.
    seed : int
        Deals the folds, see `residual_mmd`.

    Returns
    -------
    float
        As `energy_distance`: 0 in expectation where the shapes agree; lower is nearer.

    Raises
    ------
    InputError
        As `energy_distance`; fewer than 4 clips.
    """
    seed = whole("seed", seed)
    pair = pair_of(source, target, owner, paired=paired, seed=seed, max_memory=4 * memory_limit(max_memory))
    return energy_distance_of(fold_centred(pair)).value
