"""Maximum mean discrepancy: how far two distributions are from being one, as a kernel sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics._kernels import ClipSums, Kernel, checked_kernel, checked_widths, clip_sums
from gapkit.metrics._sides import Cloud, Sides, sides
from gapkit.metrics.bandwidth import FACTORS, median_bandwidth

Estimator = Literal["unbiased", "paired", "biased"]


def mmd(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    kernel: str = "gaussian",
    estimator: Estimator | None = None,
    bandwidth: float | None = None,
    bandwidths: Sequence[float] | None = None,
    max_memory: int = 2**27,
) -> float:
    """Squared maximum mean discrepancy, by default unbiased and with k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2)).

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
    kernel : {"gaussian", "imq", "linear"}
        "imq": the inverse multiquadric (1 + |x - y|^2 / bandwidth^2)^(-1/2), with a longer reach than the Gaussian.
        "linear": the inner product, see `mmd_linear`; it has no width.
    estimator : {"paired", "unbiased", "biased"}, optional
        "paired": the U-statistic over i != j in all three terms; left out, the one for paired clips. "unbiased":
        k(x_i, y_j) over all i and j; left out, the one for unrelated clips. "biased": the V-statistic, each clip
        with itself included, which is never below 0 and too large by about (2 / n) (1 - mean kernel).
    bandwidth : float, optional
        Kernel width; left out, `median_bandwidth` of the target.
    bandwidths : sequence of float, optional
        Several widths: the mean of their kernels. All come from one pass over the distances.
    max_memory : int
        Bytes that the tiles may take; no matrix of all pairs is ever held.

    Returns
    -------
    float
        0 in expectation where the distributions agree (an estimate may be slightly negative), at most 2 (without a
        bound for the linear kernel); lower is nearer. Tables show it times 1000.

    Raises
    ------
    InputError
        A bandwidth that is not positive, both `bandwidth` and `bandwidths`, rows that do not fit.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, JMLR 13, Lemma 6 ("unbiased": equation 3, "paired": equation 4,
    "biased": equation 5).
    Gorham & Mackey (2017), Measuring sample quality with kernels, arXiv:1703.01717 (inverse multiquadric).

    Examples
    --------
    >>> round(mmd([[0.0], [1.0]], [[0.0], [1.0]], bandwidth=1.0), 12)
    0.0
    >>> round(mmd([[0.0], [0.0]], [[9.0], [9.0]], bandwidth=1.0), 6)
    2.0
    """
    both = sides(source, target, owner, paired=paired)
    known = checked_estimator(estimator, both)
    if bandwidths is not None and bandwidth is not None:
        raise InputError("mmd: got both `bandwidth` and `bandwidths`; give one of them")
    if kernel == "linear":
        if bandwidth is not None or bandwidths is not None:
            raise InputError("mmd: the linear kernel has no bandwidth; leave it out")
        return linear_mmd(both, known)
    if bandwidths is None:
        bandwidths = [median_bandwidth(both.y.rows) if bandwidth is None else bandwidth]
    return _one_pass(both, [_bounded_kernel(bandwidths, kernel)], known, max_memory)[0]


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


def mmd_imq(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    bandwidth: float | None = None,
    max_memory: int = 2**27,
) -> float:
    """Squared MMD with the inverse multiquadric kernel, (1 + |x - y|^2 / bandwidth^2)^(-1/2).

    Its tails fall off as a power: clouds that are many widths apart still differ by how far they are.

    Parameters
    ----------
    source, target, owner, paired, bandwidth, max_memory
        See `mmd`.

    Returns
    -------
    float
        As `mmd`; lower is nearer.

    Raises
    ------
    InputError
    """
    return mmd(source, target, owner=owner, paired=paired, kernel="imq", bandwidth=bandwidth, max_memory=max_memory)


def mmd_linear(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, paired: bool | None = None
) -> float:
    """Squared MMD with the linear kernel: the squared centroid distance without its sampling noise.

    Computed from means in O(n d): |mean x - mean y|^2 less the trace of the covariance of the pair difference
    (of both sides, where unpaired) over n.

    Parameters
    ----------
    source, target, owner, paired
        See `mmd`.

    Returns
    -------
    float
        0 in expectation where the means agree (an estimate may be slightly negative); lower is nearer. Blind to
        everything but the means.

    Raises
    ------
    InputError

    Examples
    --------
    >>> mmd_linear([[0, 0], [2, 0]], [[0, 3], [2, 3]])
    9.0
    """
    both = sides(source, target, owner, paired=paired)
    return linear_mmd(both, checked_estimator(None, both))


def mmd_profile(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    kernels: Sequence[str] = ("gaussian",),
    bandwidths: Sequence[float] | None = None,
    estimator: Estimator | None = None,
    max_memory: int = 2**27,
) -> dict[tuple[str, float], float]:
    """Squared MMD for each kernel at each width, all from one pass over the distances.

    Parameters
    ----------
    source, target, owner, paired, estimator, max_memory
        See `mmd`.
    kernels : sequence of {"gaussian", "imq"}
    bandwidths : sequence of float, optional
        Left out, 1/4, 1/2, 1, 2 and 4 times `median_bandwidth` of the target.

    Returns
    -------
    dict of (str, float) to float
        By kernel and width, in the order asked for.

    Raises
    ------
    InputError
    """
    both = sides(source, target, owner, paired=paired)
    known = checked_estimator(estimator, both)
    if bandwidths is None:
        width = median_bandwidth(both.y.rows)
        bandwidths = [factor * width for factor in FACTORS]
    asked = [_bounded_kernel([width], kind) for kind in kernels for width in checked_widths(bandwidths)]
    values = _one_pass(both, asked, known, max_memory) if asked else []
    return {(kernel.kind, kernel.widths[0]): value for kernel, value in zip(asked, values, strict=True)}


def checked_estimator(estimator: str | None, both: Sides) -> Estimator:
    """The estimator asked for, or the one that is unbiased for these sides."""
    if estimator is None:
        return "paired" if both.paired else "unbiased"
    if estimator == "paired" and not both.paired:
        raise InputError('mmd: estimator "paired" needs paired clips; leave it out, or leave out paired=False')
    for known in get_args(Estimator):
        if estimator == known:
            checked: Estimator = known
            return checked
    raise InputError(f"mmd: estimator: expected one of {', '.join(get_args(Estimator))}, got {estimator!r}")


def squared_mmd(xx: ClipSums, yy: ClipSums, xy: ClipSums, *, estimator: Estimator) -> float:
    """The statistic from the kernel sums of the three pairs of sides."""
    n, m = len(xx.rows), len(yy.rows)
    if estimator == "biased":
        return max(0.0, float(xx.rows.sum() / n**2 + yy.rows.sum() / m**2 - 2 * xy.rows.sum() / (n * m)))
    cross = n * (n - 1) if estimator == "paired" else n * m
    return float(xx.rows.sum() / (n * (n - 1)) + yy.rows.sum() / (m * (m - 1)) - 2 * xy.rows.sum() / cross)


def linear_mmd(both: Sides, estimator: Estimator) -> float:
    """Squared MMD with the inner product as kernel, from means and spreads."""
    x, y = both.x, both.y
    offset = float((x.mean - y.mean).square().sum())
    if estimator == "biased":
        return offset
    if estimator == "paired":
        return offset - _spread(x, x.mean - y.mean, y) / x.n
    return offset - _spread(x, x.mean) / x.n - _spread(y, y.mean) / y.n


def _spread(side: Cloud, centre: Tensor, minus: Cloud | None = None) -> float:
    """Trace of the covariance of the clips, or of the clips less those of `minus`, in float64 block by block."""
    total = 0.0
    for clips, rows in side.clip_blocks():
        block = rows.double() - centre
        if minus is not None:
            block -= minus.clip_block(clips)
        total += float(torch.linalg.vector_norm(block) ** 2)
    return total / (side.n - 1)


def _bounded_kernel(bandwidths: Sequence[float], kind: str) -> Kernel:
    if kind not in ("gaussian", "imq"):
        raise InputError(f"mmd: kernel: expected gaussian, imq or linear, got {kind!r}")
    return checked_kernel(bandwidths, kind)


def _one_pass(both: Sides, kernels: Sequence[Kernel], estimator: Estimator, max_memory: int) -> list[float]:
    own, cross = estimator != "biased", estimator == "paired"
    xx = clip_sums(both.x, None, kernels, drop_same=own, max_memory=max_memory)
    yy = clip_sums(both.y, None, kernels, drop_same=own, max_memory=max_memory)
    xy = clip_sums(both.x, both.y, kernels, drop_same=cross, max_memory=max_memory)
    return [squared_mmd(a, b, c, estimator=estimator) for a, b, c in zip(xx, yy, xy, strict=True)]
