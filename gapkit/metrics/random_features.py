"""MMD by random Fourier features: any number of clips, in one pass over the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, generator
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics._streams import Stream, streams
from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.kernels import checked_widths

FEATURES = 2048
SAMPLE = 20_000
"""Rows of a larger target that the bandwidth is taken from."""

CHUNK = 512
"""Most clips at a time: their features stay in a processor's cache."""


@dataclass(frozen=True)
class RandomFeatureMMD:
    """What `mmd_random_features` found.

    Parameters
    ----------
    value : float
        Squared MMD.
    standard_error : float
        Of `value` around the exact squared MMD of these rows, from how much the features differ. It says nothing
        about other rows.
    bandwidth : float
        Kernel width.
    n_features : int
    """

    value: float
    standard_error: float
    bandwidth: float
    n_features: int

    def __float__(self) -> float:
        return self.value


def mmd_random_features(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    paired: bool | None = None,
    n_features: int = FEATURES,
    bandwidth: float | None = None,
    seed: int = 0,
    max_memory: int = 2**27,
) -> RandomFeatureMMD:
    """Squared MMD with a Gaussian kernel that is the mean of random cosines, in O(n d n_features).

    The kernel exp(-|x - y|^2 / (2 s^2)) is the expectation of cos(w.(x - y)) over w ~ N(0, 1 / s^2). The estimate is
    unbiased, both over the features and, as in `mmd`, over pairs of different clips: what a clip adds with itself is
    taken off.

    Parameters
    ----------
    source : array-like of shape (n, d)
        A numpy memmap is read chunk by chunk and never held as a whole.
    target : array-like of shape (m, d)
        Likewise.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    paired : bool, optional
        See `mmd`.
    n_features : int
        Cosines and sines together, an even number; the error falls with its root.
    bandwidth : float, optional
        Kernel width; left out, `median_bandwidth` of the target (of 20,000 random rows where it has more).
    seed : int
        Of the features and those rows.
    max_memory : int
        Bytes that a chunk may take. Its size changes the value by no more than 1e-7.

    Returns
    -------
    RandomFeatureMMD
        `value` as `mmd`, lower is nearer, with its standard error.

    Raises
    ------
    InputError

    References
    ----------
    Rahimi & Recht (2007), Random features for large-scale kernel machines.
    Gretton et al. (2012), A kernel two-sample test, JMLR 13, Lemma 6.

    Examples
    --------
    >>> round(mmd_random_features([[0.0], [1.0]], [[0.0], [1.0]], bandwidth=1.0).value, 6)
    0.0
    """
    x, y, together = streams(source, target, owner, paired)
    sample = y.sample(SAMPLE, seed)
    width = median_bandwidth(sample) if bandwidth is None else checked_widths([bandwidth])[0]
    features = Features.draw(sample.mean(dim=0, dtype=torch.float64), width, n_features, seed)
    if together:
        z = _moments(features, [x, y], max_memory)
        each = _self_free(z)
    else:
        a, b = _moments(features, [x], max_memory), _moments(features, [y], max_memory)
        each = _self_free(a) + _self_free(b) - 2 * (a.sums * b.sums).sum(dim=0) / (a.n * b.n)
    error = float(each.std()) / math.sqrt(len(each))
    return RandomFeatureMMD(float(each.mean()), error, width, n_features)


@dataclass(frozen=True)
class Features:
    """Random cosines and sines.

    Parameters
    ----------
    frequencies : Tensor of shape (d, f), float32
        Of a kernel of width 1.
    origin : Tensor of shape (d,), float32
        A point near the rows: phases stay small, and float32 carries them.
    width : float
        Of the kernel.
    """

    frequencies: Tensor
    origin: Tensor
    width: float

    @classmethod
    def draw(cls, origin: Tensor, width: float, n_features: int, seed: int) -> Features:
        """Features of a Gaussian kernel of this width."""
        if whole("random features: n_features", n_features, 4) % 2:
            raise InputError(f"random features: n_features: expected an even number, got {n_features}")
        drawn = torch.randn(len(origin), n_features // 2, generator=generator(seed), dtype=torch.float64)
        return cls(drawn.float().to(origin.device), origin.float(), width)

    def of(self, side: Cloud) -> Tensor:
        """Mean features of each clip, (2, n, f): cosines, then sines."""
        phases = (side.rows - self.origin).div_(self.width) @ self.frequencies
        if not bool(torch.isfinite(phases.sum(dtype=torch.float64))):
            raise InputError("random features: rows are too many bandwidths apart for float32; give a larger bandwidth")
        both = phases.new_empty(2, *phases.shape)
        torch.cos(phases, out=both[0])
        torch.sin(phases, out=both[1])
        return both if side.single else torch.stack([side.per_clip(part) for part in both])


@dataclass(frozen=True)
class _Moments:
    """Sums over the n clips, by frequency: of the features, (2, f), and of their squares, (f,); float64."""

    sums: Tensor
    squares: Tensor
    n: int


def _moments(features: Features, sides: list[Stream], max_memory: int) -> _Moments:
    """Of the features of one side, or of the differences of two paired ones."""
    n, (d, f) = sides[0].n, features.frequencies.shape
    most = sum(side.most for side in sides)
    size = max(1, min(CHUNK, memory_limit(max_memory) // (4 * most * (2 * d + 5 * f))))
    sums = torch.zeros(2, f, dtype=torch.float64, device=features.origin.device)
    squares = torch.zeros(f, dtype=torch.float64, device=features.origin.device)
    for start in range(0, n, size):
        part = [features.of(side.clips(start, min(start + size, n))) for side in sides]
        values = part[0].sub_(part[1]) if len(part) == 2 else part[0]
        sums += values.sum(dim=1)
        squares += values.square_().sum(dim=(0, 1))
    return _Moments(sums, squares, n)


def _self_free(z: _Moments) -> Tensor:
    """Mean over pairs of different clips of the product of their features, by frequency."""
    return (z.sums.square().sum(dim=0) - z.squares) / (z.n * (z.n - 1))
