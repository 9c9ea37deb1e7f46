"""Resamples of groups: how far a number would move with other groups of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError
from gapkit.statistics.bootstrap import bootstrap_weights
from gapkit.statistics.groups import Groups

UNITS = 8192
"""Most units that are resampled: the matrix of 1,000 resamples then takes 33 MB however many groups there are."""


@dataclass(frozen=True, eq=False)
class GroupDraws:
    """Counts of each group in each resample; make it with `draw`.

    A number moves by ``widening * (counts - 1) @ totals(influence) / n``, where `totals` sums the influence of the
    items of each group. An item of several groups goes into the total of each: its multiplier is the sum of theirs.

    Parameters
    ----------
    groups : Groups
    counts : array of shape (B, u), float32
        Whole numbers; each row sums to u.
    unit : array of shape (n_groups,), int64
        Column of `counts` of each group; u for groups that are in every resample once.
    widening : float
        Makes up for groups that are few or unequal, and for what several groups an item count twice: see `widening`.

    References
    ----------
    Cameron, Gelbach & Miller (2011), Robust inference with multiway clustering, JBES 29. Owen (2007), The pigeonhole
    bootstrap, Annals of Applied Statistics 1. Aronow, Samii & Assenova (2015), Cluster-robust variance estimation for
    dyadic data, Political Analysis 23.

    Examples
    --------
    >>> draws = GroupDraws.draw(Groups.from_labels(list("aabbccdd")), 1000, seed=0)
    >>> draws.of([3.0, 3.0, -3.0, -3.0, 1.0, 1.0, -1.0, -1.0]).shape
    (1000,)
    """

    groups: Groups
    counts: NDArray[np.float32]
    unit: NDArray[np.int64]
    widening: float

    @classmethod
    def draw(cls, groups: Groups, n_resamples: int, seed: int | Sequence[int]) -> GroupDraws:
        """Resamples of groups; the same seed gives the same.

        Where every item is its own group, `counts` is `bootstrap_weights` of the items. More than 8,192 groups are put
        into units of one number of groups at random, and units are drawn; groups left over when units are filled are in
        every resample once.

        Parameters
        ----------
        groups : Groups
        n_resamples : int
            B.
        seed : int or sequence of int

        Raises
        ------
        InputError
            Too few groups for an interval: `Groups.no_interval` says why.
        """
        if groups.no_interval:
            raise InputError(f"groups: {groups.no_interval}")
        count = groups.n_groups
        size = -(-count // UNITS)
        unit = np.arange(count)
        if size > 1:
            parts = seed if isinstance(seed, Sequence) else [seed]
            unit[np.random.default_rng([*parts, 1]).permutation(count)] = np.arange(count) // size
        return cls(groups, bootstrap_weights(count // size, n_resamples, seed), unit, widening(groups))

    def totals(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values of the items summed over each unit, (n, ...) to (u, ...), float64."""
        given = np.asarray(values, dtype=np.float64)
        sums = self.groups.incidence.T @ given.reshape(len(given), -1)
        u = self.counts.shape[1]
        if len(sums) > u:
            whole = np.zeros((u + 1, sums.shape[1]))
            np.add.at(whole, self.unit, sums)
            sums = whole[:-1]
        return np.asarray(sums.reshape(-1, *given.shape[1:]))

    def of(self, influence: ArrayLike) -> NDArray[np.float64]:
        """Shift of a number by each resample: add it to the value.

        Parameters
        ----------
        influence : array-like of shape (n,) or (n, k)
            First-order influence of each item, in the unit of the number: for a mean, item minus mean. Centred here.

        Returns
        -------
        array of shape (B,) or (B, k)
        """
        given = np.asarray(influence, dtype=np.float64)
        totals = self.totals(given - given.mean(axis=0))
        # One product in the type of the counts: in float64 all of them would be copied.
        drawn = (self.counts @ totals.astype(np.float32)).astype(np.float64)
        moved: NDArray[np.float64] = (drawn - totals.sum(axis=0)) * (self.widening / len(given))
        return moved


def resample_weights(
    n: int, n_resamples: int, seed: int | Sequence[int], *, groups: Groups | None = None
) -> NDArray[np.float32]:
    """Weight of each item in each resample of items, or of groups of items.

    Parameters
    ----------
    n : int
        Number of items.
    n_resamples : int
        B.
    seed : int or sequence of int
    groups : Groups, optional
        Of the items; left out, each is its own, and the weights are those of `bootstrap_weights`.

    Returns
    -------
    array of shape (B, n)
        Each row sums to n. A mean moves by them as `GroupDraws` moves it: weights of groups are no whole numbers, and
        may lie below 0. No row where the groups are too few (`Groups.no_interval`).

    Raises
    ------
    InputError
        Groups of another number of items.

    Examples
    --------
    >>> resample_weights(4, 2, seed=0, groups=Groups.from_labels(list("aabc"))).sum(axis=1).round(3)
    array([4., 4.], dtype=float32)
    """
    if groups is None or groups.apart:
        return bootstrap_weights(n, n_resamples, seed)
    if len(groups) != n:
        raise InputError(f"resamples: expected the groups of {n:,} items, got those of {len(groups):,}")
    if groups.no_interval:
        return np.empty((0, n), dtype=np.float32)
    drawn = GroupDraws.draw(groups, n_resamples, seed)
    more = np.pad(drawn.counts, ((0, 0), (0, 1)), constant_values=1)[:, drawn.unit] - 1
    moved = (groups.incidence @ more.T.astype(np.float64)).T
    weights: NDArray[np.float32] = (1 + drawn.widening * (moved - moved.mean(axis=1, keepdims=True))).astype(np.float32)
    return weights


def widening(groups: Groups) -> float:
    """Factor of the draws of groups; 1 where every item is its own group.

    The product of two. With values that are nothing but effects of groups, drawn groups have another variance than the
    mean: influences are centred by the groups themselves (too small; ``G / (G - 1)`` for G equal groups), and an item
    of several groups is counted in each (too large). Their ratio has a closed form. And t instead of normal quantiles
    at 95 %, with ``n_effective - 1`` degrees of freedom.
    """
    if groups.apart:
        return 1.0
    effects = _expected(groups)[1]
    return float(np.sqrt(effects.mean / effects.drawn)) * quantile(groups)


def quantile(groups: Groups) -> float:
    """The t quantile at 95 % of ``n_effective - 1`` degrees of freedom over the normal one."""
    from scipy.stats import t

    return float(t.ppf(0.975, groups.n_effective - 1) / t.ppf(0.975, np.inf))


def robust_variance(groups: Groups, influence: ArrayLike) -> NDArray[np.float64]:
    """Variance of a number whose items share groups, from the influence of each item.

    ``(a S + b T) / n^2``: S is the sum of ``influence_i influence_j`` over all items i and j that share a group (the
    variance that is robust to sharing), T the same over items of the very same groups. The factors a and b are those by
    which the variance is right, whatever part of it comes from groups, for effects of groups that add up and items that
    are independent beside them; with one group an item a is ``G / (G - 1)`` for G equal groups, and b is 0. The
    variance is at least ``T / n^2``.

    Draws of groups have this variance, where each item has one group. With several they have more where groups matter
    little, up to the number of groups an item: no draws that are a fixed linear function of influences can have it.

    Parameters
    ----------
    groups : Groups
    influence : array-like of shape (n,) or (n, k)
        As for `GroupDraws.of`.

    Returns
    -------
    array of shape () or (k,)

    Raises
    ------
    InputError
        Too few groups: `Groups.no_interval` says why.

    References
    ----------
    Cameron, Gelbach & Miller (2011), Robust inference with multiway clustering, JBES 29.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 9.0])
    >>> bool(np.isclose(robust_variance(Groups.from_labels(range(4)), x), x.var(ddof=1) / 4))
    True
    """
    if groups.no_interval:
        raise InputError(f"groups: {groups.no_interval}")
    given = np.asarray(influence, dtype=np.float64)
    centred = given.reshape(len(given), -1) - given.mean(axis=0)
    _, first, inverse = np.unique(groups.sets, return_index=True, return_inverse=True)
    alike = np.zeros((len(first), centred.shape[1]))
    np.add.at(alike, inverse, centred)
    own = (alike**2).sum(axis=0)
    twice = (groups.per_item[first] - 1.0) @ alike**2
    shared = ((groups.incidence.T @ centred) ** 2).sum(axis=0) - twice
    noise, effects = _expected(groups)
    known = noise.shared * effects.alike - noise.alike * effects.shared
    if groups.single:
        total = shared * (effects.mean / effects.shared)
    elif abs(known) > 1e-6 * noise.drawn * effects.drawn:
        factors = np.linalg.solve(
            [[noise.shared, noise.alike], [effects.shared, effects.alike]], [noise.mean, effects.mean]
        )
        total = np.maximum(factors @ np.stack([shared, own]), own)
    else:
        # All that share a group share the same groups, or so few items do that the two cannot be told apart.
        total = (shared + twice) * (effects.mean / effects.drawn)
    return np.asarray((total / len(given) ** 2).reshape(given.shape[1:]))


@dataclass(frozen=True)
class _Expected:
    """Expectations under one model of the values, each times n^2.

    Parameters
    ----------
    mean : float
        Of the squared mean.
    drawn : float
        Of the variance of drawn groups, before widening.
    shared, alike : float
        Of the S and the T of `robust_variance`.
    """

    mean: float
    drawn: float
    shared: float
    alike: float


def _expected(groups: Groups) -> tuple[_Expected, _Expected]:
    """For independent items of variance 1, and for sums of independent group effects of variance 1."""
    incidence, n = groups.incidence, len(groups)
    size = groups.sizes.astype(np.float64)
    share = size / n
    square = float(share @ share)
    together: Any = incidence.T @ incidence
    first = np.unique(groups.sets, return_index=True)[1]
    count = np.bincount(groups.sets).astype(np.float64)
    extra = groups.per_item[first] - 1.0
    noise = count - count**2 / n
    effect = count**2 * (extra + 1 - 2 * (incidence[first] @ share) + square)
    drawn = float((together.data**2).sum()) - 2 * n * float(share @ (together @ share)) + (n * square) ** 2
    drawn_noise = float(size.sum()) - n * square
    return (
        _Expected(float(n), drawn_noise, drawn_noise - float(extra @ noise), float(noise.sum())),
        _Expected(float(size @ size), drawn, drawn - float(extra @ effect), float(effect.sum())),
    )
