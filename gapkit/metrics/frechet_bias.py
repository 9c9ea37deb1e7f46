"""How much of a Frechet distance is the number of clips: its values at several sizes against 1 / n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.frechet import frechet_of
from gapkit.metrics.pair import Pair, pair_of


@dataclass(frozen=True)
class FrechetBias:
    """What `frechet_bias` found.

    Parameters
    ----------
    value : float
        Frechet distance of all clips.
    limit : float
        Where the fitted line meets 1 / n = 0: the distance without the bias of n. May be slightly negative where the
        distributions agree.
    slope : float
        Of the line: the bias at n clips is about slope / n.
    sizes : array of shape (k,), int64
        Numbers of clips.
    values : array of shape (k,), float64
        Mean distance of the subsamples of each size.
    """

    value: float
    limit: float
    slope: float
    sizes: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def bias(self) -> float:
        """Part of `value` that is due to the number of clips."""
        return self.value - self.limit


def frechet_bias(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    sizes: Sequence[int] | None = None,
    n_draws: int = 4,
    seed: int = 0,
) -> FrechetBias:
    """Fit the Frechet distance of subsamples as limit + slope / n.

    Both sides are thinned to the same number of clips; where they are paired, to the same clips.

    Parameters
    ----------
    source, target, owner
        See `frechet_distance`.
    sizes : sequence of int, optional
        Numbers of clips, each above the number of dimensions. Left out: eight, evenly spaced in 1 / n, from twice
        the dimensions (or a quarter of the clips, if that is more) to all clips.
    n_draws : int
        Subsamples of each size.
    seed : int
        Of the subsamples.

    Returns
    -------
    FrechetBias
        Cost: sizes x draws Frechet distances.

    Raises
    ------
    InputError
        Fewer clips than twice the dimensions, or sizes that no subsample can have.

    References
    ----------
    Chong & Forsyth (2020), Effectively unbiased FID and Inception score, arXiv:1911.07023.
    Gui et al. (2024), Adapting Frechet Audio Distance for generative music evaluation, arXiv:2311.01616.
    """
    both = pair_of(source, target, owner)
    n, d = min(both.x.n, both.y.n), both.x.rows.shape[1]
    asked = _sizes(n, d) if sizes is None else np.asarray(sizes)
    if asked.ndim != 1 or asked.dtype.kind not in "iu" or len(np.unique(asked)) < 2:
        raise InputError(f"frechet_bias: sizes: expected at least 2 different numbers of clips, got {sizes}")
    if asked.min() <= d or asked.max() > n:
        raise InputError(
            f"frechet_bias: sizes: expected numbers above the dimensions ({d}) and up to the clips ({n}), "
            f"got {asked.min()} to {asked.max()}"
        )
    n_draws = whole("frechet_bias: n_draws", n_draws, 1)
    rng = np.random.default_rng(whole("frechet_bias: seed", seed))
    of_all = _distance(both)
    values = np.array([np.mean([_thinned(both, int(size), rng) for _ in range(n_draws)]) for size in asked])
    values[(asked == both.x.n) & (asked == both.y.n)] = of_all
    slope, limit = np.polyfit(1 / asked, values, 1)
    return FrechetBias(of_all, float(limit), float(slope), asked.astype(np.int64), values)


def _sizes(n: int, d: int) -> NDArray[np.int64]:
    least = max(2 * d, n // 4)
    if least >= n:
        raise InputError(f"frechet_bias: expected more than {2 * d} clips (twice the dimensions), got {n}")
    return np.unique(np.rint(1 / np.linspace(1 / least, 1 / n, 8)).astype(np.int64))


def _thinned(both: Pair, size: int, rng: np.random.Generator) -> float:
    x = rng.permutation(both.x.n)[:size]
    y = x if both.paired else rng.permutation(both.y.n)[:size]
    return _distance(Pair(_subset(both.x, x), _subset(both.y, y), both.paired))


def _subset(side: Cloud, clips: NDArray[np.int64]) -> Cloud:
    number = torch.full((side.n,), -1, dtype=torch.int64)
    number[torch.from_numpy(np.sort(clips))] = torch.arange(len(clips))
    owner = number.to(side.owner.device)[side.owner]
    return Cloud(side.rows[owner >= 0], owner[owner >= 0], len(clips))


def _distance(both: Pair) -> float:
    return frechet_of(both).value
