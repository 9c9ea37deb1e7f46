"""Permutation test: whether there is any difference between the two sides, beyond what chance would show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.bandwidth import FACTORS, median_bandwidth
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.energy import unit_length
from gapkit.metrics.evaluation import groups_of
from gapkit.metrics.kernels import Kernel, checked_kernel, checked_widths, clip_sums
from gapkit.metrics.pair import Pair, pair_of
from gapkit.products import product
from gapkit.statistics import Groups

STATISTICS = ("mmd", "mmd-multi", "mmd-imq", "energy-distance")

TIE = 1e-6
"""Statistics this near, in units of the mean kernel, are the same: float32 knows no better."""


@dataclass(frozen=True)
class PermutationTest:
    """What `permutation_test` found.

    Parameters
    ----------
    value : float
        The statistic of the data.
    p : float
        Share of relabellings, the data's own included, with a statistic at least as large: (k + 1) / (B + 1).
    draws : array of shape (B,), float64
        Statistic of each relabelling.
    """

    value: float
    p: float
    draws: NDArray[np.float64] = field(repr=False)


def permutation_test(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    groups: Groups | Iterable[Any] | None = None,
    source_groups: Groups | Iterable[Any] | None = None,
    paired: bool = True,
    statistic: str = "mmd",
    bandwidth: float | None = None,
    n_permutations: int = 1000,
    seed: int = 0,
    max_memory: int = 2**28,
) -> PermutationTest:
    """Two-sample test: p-value of the hypothesis that source and target have one distribution.

    Paired clips exchange their two sides, each with probability one half; unrelated clips are dealt out anew to the
    two sides. All B relabellings go through one product of the kernel matrix with the matrix of their labels, block of
    rows by block of rows.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. With several targets a clip their mean kernel stands for them, and the test is
        no longer exact: it holds for many clips.
    groups : Groups, or sequence of str or of lists of str, optional
        Origins of the clips (of unrelated sides: of the targets). All clips of a group exchange their sides together,
        or are dealt out together; so are groups that share a clip.
    source_groups : likewise, optional
        Origins of the source rows of unrelated sides.
    paired : bool
        Clip i of one side is clip i of the other. Dealing such clips out anew would ignore that they go together.
    statistic : {"mmd", "mmd-multi", "mmd-imq", "energy-distance"}
        As the metric of that name, unbiased.
    bandwidth : float, optional
        Kernel width; left out, the median distance of the rows of both sides together. (That of the target alone, as
        the metrics take it, would change with the labels, and the test would not be exact.)
    n_permutations : int
        B.
    seed : int
        Of the relabellings.
    max_memory : int
        Bytes that a block of the kernel matrix may take. The labels take 4 B n (2 n, where unpaired) bytes beside it.

    Returns
    -------
    PermutationTest

    Raises
    ------
    InputError
        An unknown statistic, no relabellings, or unrelated sides with several targets a clip and different numbers
        of clips, for which relabelling is no valid null. Groups that chain more than half of the clips together: no
        relabelling keeps them whole.

    References
    ----------
    Gretton et al. (2012), A kernel two-sample test, JMLR 13.
    Phipson & Smyth (2010), Permutation p-values should never be zero, arXiv:1603.05766.

    Examples
    --------
    >>> permutation_test([[0.0], [1.0], [2.0]], [[0.0], [1.0], [2.0]], n_permutations=99).p
    1.0
    """
    n_permutations = whole("permutation test: n_permutations", n_permutations, 1)
    seed, max_memory = whole("permutation test: seed", seed), memory_limit(max_memory)
    both = pair_of(source, target, owner, paired=paired)
    if not paired and both.x.n != both.y.n and not both.y.single:
        raise InputError(
            f"permutation test: unrelated sides of {both.x.n} and {both.y.n} clips need one target a clip; "
            "give one, or paired clips"
        )
    kernel, unit = _kernel(statistic, bandwidth, both)
    rng = np.random.default_rng(seed)
    of_targets = groups_of(groups, both.y.n, "groups")
    if paired:
        if source_groups is not None:
            raise InputError(
                "permutation test: source_groups go with paired=False; give those of paired clips as groups"
            )
        values, tie = _swapped(both, kernel, n_permutations, rng, max_memory, _units(of_targets, both.y.n))
    else:
        of_sources = groups_of(source_groups, both.x.n, "source_groups")
        units = _units(of_sources, both.x.n), _units(of_targets, both.y.n)
        values, tie = _dealt(both, kernel, n_permutations, rng, max_memory, units)
    data, draws = float(values[0]), values[1:]
    extreme = int((draws >= data - tie).sum())
    return PermutationTest(unit * data, (extreme + 1) / (n_permutations + 1), unit * draws)


def _kernel(statistic: str, bandwidth: float | None, both: Pair) -> tuple[Kernel, float]:
    """Kernel of a statistic, and the unit that its values come in."""
    if statistic not in STATISTICS:
        raise InputError(f"permutation test: statistic: expected one of {', '.join(STATISTICS)}, got {statistic!r}")
    if statistic == "energy-distance":
        unit = unit_length(both)
        return Kernel("distance", (unit,)), unit
    width = _pooled_bandwidth(both) if bandwidth is None else checked_widths([bandwidth])[0]
    widths = [factor * width for factor in FACTORS] if statistic == "mmd-multi" else [width]
    return checked_kernel(widths, "imq" if statistic == "mmd-imq" else "gaussian"), 1.0


def _pooled_bandwidth(both: Pair) -> float:
    try:
        return median_bandwidth(torch.cat([both.x.rows, both.y.rows]))
    except InputError as error:
        raise InputError(str(error).replace("target:", "source and target:", 1)) from None


def _units(groups: Groups | None, n: int) -> NDArray[np.int64]:
    """Number of what is relabelled together with each clip, (n,).

    Raises
    ------
    InputError
        Groups that chain more than half of the clips together.
    """
    if groups is None:
        return np.arange(n)
    if groups.chained:
        most = int(np.bincount(groups.components).max())
        raise InputError(
            f"permutation test: shared groups chain {most:,} of {n:,} clips together, and no relabelling keeps them "
            "whole; use the interval of the metric"
        )
    return groups.components


def _swapped(
    both: Pair,
    kernel: Kernel,
    n_permutations: int,
    rng: np.random.Generator,
    max_memory: int,
    unit: NDArray[np.int64],
) -> tuple[NDArray[np.float64], float]:
    """Statistic of the data and of swaps within pairs, and what counts as a tie.

    With h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j), a swap of clip i turns the sign of its row and
    column: the statistic is the sum over i != j of s_i s_j h_ij. Clips of one `unit` (n,) have one sign.
    """
    n = both.x.n
    signs = np.ones((n, n_permutations + 1), dtype=np.float32)
    signs[:, 1:] -= 2 * rng.integers(0, 2, size=(int(unit.max()) + 1, n_permutations), dtype=np.int8)[unit]
    s = torch.from_numpy(signs).to(both.x.rows.device)
    total = torch.zeros(n_permutations + 1, dtype=torch.float64, device=s.device)
    size = 0.0
    for i, rest in _blocks(n, max_memory // 5):
        x, y = ((side.clips(i.start, i.stop), side.clips(i.start, n)) for side in (both.x, both.y))
        h = _between(*x, kernel) + _between(*y, kernel)
        h -= _between(x[0], y[1], kernel) + _between(y[0], x[1], kernel)
        _once(h)
        size += float(h.abs().sum(dtype=torch.float64))
        total += (product(h, s[rest].T) * s[i]).sum(dim=0, dtype=torch.float64)
    pairs = n * (n - 1)
    return (total / pairs).cpu().numpy(), TIE * size / pairs


def _dealt(
    both: Pair,
    kernel: Kernel,
    n_permutations: int,
    rng: np.random.Generator,
    max_memory: int,
    units: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[NDArray[np.float64], float]:
    """Statistic of the data and of clips dealt out anew, and what counts as a tie.

    With a the members of the first side, a column of zeros and ones, K without its diagonal and r = K 1: the sums
    inside the sides are a'Ka and 1'K1 - 2 a'r + a'Ka, the sum between them is a'r - a'Ka. Labels are dealt to `units`,
    (n,) and (m,), so that sides of unequal units have as many clips as fall to them.
    """
    n, m = both.x.n, both.y.n
    pooled = Cloud(torch.cat([both.x.rows, both.y.rows]), torch.cat([both.x.owner, both.y.owner + n]), n + m)
    unit = np.concatenate([units[0], units[1] + int(units[0].max()) + 1])
    labels = np.zeros((n_permutations + 1, int(unit.max()) + 1), dtype=np.float32)
    labels[:, : int(units[0].max()) + 1] = 1
    rng.permuted(labels[1:], axis=1, out=labels[1:])
    labels = labels[:, unit]
    a = torch.from_numpy(labels).to(pooled.rows.device).T
    inside = torch.zeros(n_permutations + 1, dtype=torch.float64, device=a.device)
    sums = torch.zeros(n + m, dtype=torch.float64, device=a.device)
    size, centre = 0.0, None
    for i, rest in _blocks(n + m, max_memory // 2):
        k = _between(pooled.clips(i.start, i.stop), pooled.clips(i.start, n + m), kernel)
        # A constant on all pairs changes no statistic, and what is left of the kernel is small: float32 loses less.
        centre = k.mean() if centre is None else centre
        k -= centre
        _once(k)
        size += float(k.abs().sum(dtype=torch.float64))
        inside += (product(k, a[rest].T) * a[i]).sum(dim=0, dtype=torch.float64)
        sums[i] += k.sum(dim=1, dtype=torch.float64) / 2
        sums[rest] += k.sum(dim=0, dtype=torch.float64) / 2
    reach = a.T.double() @ sums
    other = sums.sum() - 2 * reach + inside
    size_x = a.sum(dim=0, dtype=torch.float64)
    size_y = n + m - size_x
    values = inside / (size_x * (size_x - 1)) + other / (size_y * (size_y - 1))
    values -= 2 * (reach - inside) / (size_x * size_y)
    return values.cpu().numpy(), TIE * size / ((n + m) * (n + m - 1))


def _blocks(n: int, max_memory: int) -> Iterator[tuple[slice, slice]]:
    """Some clips, and all from the first of them on: the upper triangle, in rows that fit the memory."""
    size = max(1, min(n, 1024, max_memory // (4 * n)))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n)), slice(start, n)


def _once(block: Tensor) -> None:
    """Make a block of the upper triangle count for the whole matrix: no diagonal, and twice what lies behind it."""
    size = len(block)
    block[:, size:] *= 2
    block.diagonal().zero_()


def _between(a: Cloud, b: Cloud, kernel: Kernel) -> Tensor:
    (sums,) = clip_sums(a, b, [kernel], drop_same=False, dense=True)
    assert sums.dense is not None
    return sums.dense
