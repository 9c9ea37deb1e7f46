"""Maximum mean discrepancy: how far two distributions are from being one, as a kernel sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import memory_limit
from gapkit.metrics.bandwidth import FACTORS
from gapkit.metrics.kernel_distance import Estimator, checked_estimator, kernel_distance
from gapkit.metrics.kernels import Kernel, Kernels, checked_kernel, checked_widths
from gapkit.metrics.mmd_linear import linear_mmd
from gapkit.metrics.pair import Pair, Wanted, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.residual import residual_mmd
from gapkit.metrics.value import Value

_GRETTON = "Gretton et al. (2012), A kernel two-sample test"
_GORHAM = "Gorham & Mackey (2017), Measuring sample quality with kernels"


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
    pair = pair_of(source, target, owner, paired=paired, max_memory=4 * memory_limit(max_memory))
    known = checked_estimator(estimator, pair)
    if bandwidths is not None and bandwidth is not None:
        raise InputError("mmd: got both `bandwidth` and `bandwidths`; give one of them")
    if kernel == "linear":
        if bandwidth is not None or bandwidths is not None:
            raise InputError("mmd: the linear kernel has no bandwidth; leave it out")
        return linear_mmd(pair, known)
    if bandwidths is None:
        bandwidths = [pair.bandwidth if bandwidth is None else bandwidth]
    return kernel_distance(pair, _bounded_kernel(bandwidths, kernel), known).value


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
    return mmd_multi_of(pair_of(source, target, owner, paired=paired, max_memory=4 * memory_limit(max_memory))).value


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
    pair = pair_of(source, target, owner, paired=paired, max_memory=4 * memory_limit(max_memory))
    known = checked_estimator(estimator, pair)
    if bandwidths is None:
        bandwidths = [factor * pair.bandwidth for factor in FACTORS]
    asked = tuple(_bounded_kernel([width], kind) for kind in kernels for width in checked_widths(bandwidths))
    pair = replace(pair, wanted={"rows": Wanted(asked, asked)})
    return {(kernel.kind, kernel.widths[0]): kernel_distance(pair, kernel, known).value for kernel in asked}


def _gaussian(width: float) -> Kernel:
    return Kernel("gaussian", (width,))


def _five_widths(width: float) -> Kernel:
    return Kernel("gaussian", tuple(factor * width for factor in FACTORS))


def _imq(width: float) -> Kernel:
    return Kernel("imq", (width,))


@metric(
    "mmd",
    label="MMD² ×1000",
    place=30,
    group="closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    instead="mmd-rff",
    scale=1000.0,
    digits=1,
    reference=_GRETTON,
    definition="Squared MMD, Gaussian kernel of the targets' median width, unbiased over pairs of different clips.",
    kernels=Kernels(_gaussian),
    function=mmd,
    residual=Residual(
        "Residual MMD² ×1000",
        "Squared MMD between rows of different folds after each fold's mean is removed, same kernel as MMD.",
        place=100,
        default=True,
        centring="folds",
        function=residual_mmd,
    ),
)
def mmd_of(pair: Pair) -> Value:
    """Squared MMD of one width."""
    return kernel_distance(pair, _gaussian(pair.bandwidth))


@metric(
    "mmd-multi",
    label="MMD² ×1000, 5 widths",
    place=40,
    group="closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    instead="mmd-rff",
    scale=1000.0,
    digits=1,
    reference=_GRETTON,
    default=False,
    definition="Squared MMD with the mean of five Gaussian kernels, 1/4 to 4 times the targets' median width.",
    kernels=Kernels(_five_widths),
    function=mmd_multi,
    residual=Residual(
        "Residual MMD² ×1000, 5 widths",
        "Squared MMD with the mean of five Gaussian kernels after each fold's mean is removed.",
        place=310,
        centring="folds",
    ),
)
def mmd_multi_of(pair: Pair) -> Value:
    """Squared MMD of five widths."""
    return kernel_distance(pair, _five_widths(pair.bandwidth))


@metric(
    "mmd-imq",
    label="MMD² ×1000, IMQ",
    place=190,
    group="closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    scale=1000.0,
    digits=1,
    reference=_GORHAM,
    default=False,
    definition="Squared MMD, inverse multiquadric kernel of the targets' median width, unbiased.",
    kernels=Kernels(_imq),
    function=mmd_imq,
    residual=Residual(
        "Residual MMD² ×1000, IMQ",
        "Squared MMD with the inverse multiquadric kernel after each fold's mean is removed.",
        place=320,
        centring="folds",
    ),
)
def mmd_imq_of(pair: Pair) -> Value:
    """Squared MMD of the inverse multiquadric kernel."""
    return kernel_distance(pair, _imq(pair.bandwidth))


def _bounded_kernel(bandwidths: Sequence[float], kind: str) -> Kernel:
    if kind not in ("gaussian", "imq"):
        raise InputError(f"mmd: kernel: expected gaussian, imq or linear, got {kind!r}")
    return checked_kernel(bandwidths, kind)
