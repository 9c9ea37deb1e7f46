"""Maximum mean discrepancy with Gaussian kernels: how far two distributions are from being one."""

from __future__ import annotations

from collections.abc import Sequence

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics._kernels import ClipSums, checked_kernel, clip_sums
from gapkit.metrics._sides import sides
from gapkit.metrics.bandwidth import FACTORS, median_bandwidth


def mmd(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    bandwidth: float | None = None,
    bandwidths: Sequence[float] | None = None,
    max_memory: int = 2**27,
) -> float:
    """Squared maximum mean discrepancy, unbiased, with k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2)).

    Clips are the independent units. Where source and target describe the same clips, k(x_i, y_j) is averaged over
    i != j only: with i = j the estimate would be biased. Several targets of one clip count as their mean kernel, and
    never meet each other.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    paired : bool, optional
        Whether clip i of one side is clip i of the other. Left out: yes where `owner` is given or m == n (which does
        no harm to rows that are unrelated).
    bandwidth : float, optional
        Kernel width; left out, `median_bandwidth` of the target.
    bandwidths : sequence of float, optional
        Several widths: the mean of their kernels. All come from one pass over the distances.
    max_memory : int
        Bytes that the tiles may take; no matrix of all pairs is ever held.

    Returns
    -------
    float
        0 in expectation where the distributions agree (an estimate may be slightly negative), at most 2; lower is
        nearer. Tables show it times 1000.

    Raises
    ------
    InputError
        A bandwidth that is not positive, both `bandwidth` and `bandwidths`, rows that do not fit.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, JMLR 13, Lemma 6.

    Examples
    --------
    >>> round(mmd([[0.0], [1.0]], [[0.0], [1.0]], bandwidth=1.0), 12)
    0.0
    >>> round(mmd([[0.0], [0.0]], [[9.0], [9.0]], bandwidth=1.0), 6)
    2.0
    """
    both = sides(source, target, owner, paired=paired)
    if bandwidths is not None and bandwidth is not None:
        raise InputError("mmd: got both `bandwidth` and `bandwidths`; give one of them")
    if bandwidths is None:
        bandwidths = [median_bandwidth(both.y.rows) if bandwidth is None else bandwidth]
    kernel = checked_kernel(bandwidths)
    (xx,) = clip_sums(both.x, None, [kernel], drop_same=True, max_memory=max_memory)
    (yy,) = clip_sums(both.y, None, [kernel], drop_same=True, max_memory=max_memory)
    (xy,) = clip_sums(both.x, both.y, [kernel], drop_same=both.paired, max_memory=max_memory)
    return squared_mmd(xx, yy, xy, paired=both.paired)


def mmd_multi(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    max_memory: int = 2**27,
) -> float:
    """Squared MMD with the mean of five kernels, of 1/4, 1/2, 1, 2 and 4 times the median width of the target.

    Sees differences at several scales, where `mmd` looks at one.

    Parameters
    ----------
    source, target, owner, paired, max_memory
        See `mmd`.

    Returns
    -------
    float
        As `mmd`; lower is nearer.

    Raises
    ------
    InputError
    """
    both = sides(source, target, owner, paired=paired)
    width = median_bandwidth(both.y.rows)
    bandwidths = [factor * width for factor in FACTORS]
    return mmd(source, target, owner=owner, paired=paired, bandwidths=bandwidths, max_memory=max_memory)


def squared_mmd(xx: ClipSums, yy: ClipSums, xy: ClipSums, *, paired: bool) -> float:
    """U-statistic from the kernel sums of the three pairs of sides."""
    n, m = len(xx.rows), len(yy.rows)
    cross = n * (n - 1) if paired else n * m
    return float(xx.rows.sum() / (n * (n - 1)) + yy.rows.sum() / (m * (m - 1)) - 2 * xy.rows.sum() / cross)
