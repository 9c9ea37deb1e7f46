"""The sign-flip test: how often the two would differ as much, had they been swapped within clips at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.statistics.group_draws import robust_variance
from gapkit.statistics.groups import Groups

UNITS = 8192
"""Most units whose signs are flipped one by one."""

BLOCK = 2**24
"""Signs held at a time."""


def sign_flip_test(
    differences: ArrayLike, *, n_permutations: int = 9999, seed: int = 0, groups: Groups | None = None
) -> NDArray[np.float64]:
    """Two-sided p-value of the mean paired difference being 0, by swapping the two within clips at random.

    Exact where the differences are symmetric about 0 under the hypothesis, as they are where the labels of the two
    could be exchanged within each clip. All columns are tested with the same swaps, in one matrix product.

    Parameters
    ----------
    differences : array-like of shape (n,) or (n, k)
        One row a clip, one column a question.
    n_permutations : int
        Number of random swaps, B. With more than 8,192 clips random groups of clips swap together: their sums are
        symmetric too, so that the test stays exact.
    seed : int
    groups : Groups, optional
        Of the clips: all clips of a group are swapped together, and so are groups that share a clip. Where that would
        chain more than half of the clips together (`Groups.chained`) nothing is swapped: p is that of a t-test with
        `robust_variance`, which holds for many groups.

    Returns
    -------
    array of shape () or (k,)
        ``(c + 1) / (B + 1)`` with c the swaps whose mean is at least as far from 0; never 0. With chained groups that
        of the t-test; NaN where `Groups.no_interval` has a reason.

    Raises
    ------
    InputError
        No clips, numbers that are not finite, n_permutations < 1, groups of another number of clips.

    References
    ----------
    Fisher (1935), The Design of Experiments, section 21. Phipson & Smyth (2010), Permutation p-values should never be
    zero, arXiv:1603.05766.

    Examples
    --------
    >>> float(sign_flip_test([0.0, 0.0, 0.0]))
    1.0
    >>> bool(sign_flip_test([1.0, 1.2, 0.9, 1.1, 1.0, 0.8, 1.3, 0.7, 1.0, 1.1]) < 0.01)
    True
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim not in (1, 2) or len(d) == 0 or not np.isfinite(d).all():
        raise InputError(f"sign-flip test: expected finite numbers, one row a clip, got shape {d.shape}")
    n_permutations = whole("sign-flip test: n_permutations", n_permutations, 1)
    rng = np.random.default_rng(whole("sign-flip test: seed", seed))
    columns = d.reshape(len(d), -1)
    if groups is not None:
        if len(groups) != len(d):
            raise InputError(f"sign-flip test: expected groups of the {len(d)} clips, got those of {len(groups)}")
        if groups.chained:
            return _t_test(d, groups)
        unit = groups.components
        columns = np.stack([np.bincount(unit, weights=column) for column in columns.T], axis=1)
    if len(columns) > UNITS:
        order = rng.permutation(len(columns))
        columns = np.add.reduceat(columns[order], np.arange(UNITS) * len(columns) // UNITS, axis=0)
    # Sums of the same numbers in another order differ in their last digits.
    mark = np.abs(columns.sum(axis=0)) - 1e-12 * np.abs(columns).sum(axis=0)
    reached = np.zeros(columns.shape[1])
    step = max(1, BLOCK // len(columns))
    for start in range(0, n_permutations, step):
        flips = rng.integers(0, 2, size=(min(step, n_permutations - start), len(columns)), dtype=np.int8)
        sums = (1.0 - 2.0 * flips) @ columns
        reached += (np.abs(sums) >= mark).sum(axis=0)
    p: NDArray[np.float64] = ((reached + 1) / (n_permutations + 1)).reshape(d.shape[1:])
    return p


def _t_test(differences: NDArray[np.float64], groups: Groups) -> NDArray[np.float64]:
    from scipy.stats import t

    mean = differences.mean(axis=0)
    if groups.no_interval:
        return np.full(mean.shape, np.nan)
    error = np.sqrt(robust_variance(groups, differences))
    # Without any spread there is no saying how far from zero a mean is, but for one that is zero.
    steps = np.divide(np.abs(mean), error, out=np.full(mean.shape, np.nan), where=error > 0)
    p: NDArray[np.float64] = np.where(mean == 0, 1.0, 2 * t.sf(steps, groups.n_effective - 1))
    return p
