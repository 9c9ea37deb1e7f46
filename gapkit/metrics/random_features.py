"""MMD by random Fourier features: any number of clips, in one pass over the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, generator
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.kernels import checked_widths
from gapkit.metrics.pair import Pair
from gapkit.metrics.registry import metric
from gapkit.metrics.streams import Stream, streams
from gapkit.metrics.value import Influence, Value

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
    each, _ = _estimate(_Side(x, features, max_memory), _Side(y, features, max_memory), paired=together)
    error = float(each.std()) / math.sqrt(len(each))
    return RandomFeatureMMD(float(each.mean()), error, width, n_features)


def _value(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    return mmd_random_features(source, target, owner=owner).value


@metric(
    "mmd-rff",
    label="MMD² ×1000, random features",
    place=210,
    group="closure",
    better="lower",
    best=0.0,
    range=(-4.0, 4.0),
    needs_pairs=False,
    cost="n d features",
    scale=1000.0,
    digits=1,
    reference="Rahimi & Recht (2007), Random features for large-scale kernel machines",
    default=False,
    definition="Squared MMD as `mmd`, the kernel approximated by 2,048 random features; unbiased.",
    function=_value,
)
def mmd_random_features_of(pair: Pair) -> Value:
    """Squared MMD, and for each item the products of its features with those of all others."""
    key = ("features", pair.bandwidth, pair.seed)
    features = pair.y.shared(key, lambda: Features.draw(pair.y.mean, pair.bandwidth, FEATURES, pair.seed))
    x = _Side(pair.x, features, pair.max_memory // 4)
    y = pair.y.shared((*key, "target"), lambda: _Side(pair.y, features, pair.max_memory // 4).kept())
    if pair.draws:
        x = x.kept()
    each, influence = _estimate(x, y, paired=pair.paired)
    return Value(float(each.mean()), influence=influence)


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
class _Side:
    """Features of the clips of one side.

    Parameters
    ----------
    rows : Cloud or Stream
    features : Features
    max_memory : int
        Bytes that a block of features, or all that are kept, may take.
    known : Tensor of shape (2, n, f), optional
        Features of all clips.
    """

    rows: Cloud | Stream
    features: Features
    max_memory: int
    known: Tensor | None = None

    def kept(self) -> _Side:
        """The same, with the features of all clips made once where they fit."""
        if 8 * self.rows.n * self.features.frequencies.shape[1] > self.max_memory:
            return self
        return replace(self, known=torch.cat([values for _, values in _blocks([self])], dim=1))

    def block(self, start: int, stop: int) -> Tensor:
        """Features of some clips."""
        if self.known is not None:
            return self.known[:, start:stop]
        return self.features.of(self.rows.clips(start, stop))

    @cached_property
    def sums(self) -> _Sums:
        return _sums([self])


@dataclass(frozen=True)
class _Sums:
    """Sums over the n clips, by frequency: of the features, (2, f), and of their squares, (f,); float64."""

    features: Tensor
    squares: Tensor
    n: int

    @property
    def inside(self) -> Tensor:
        """Mean over pairs of different clips of the product of their features, by frequency."""
        return (self.features.square().sum(dim=0) - self.squares) / (self.n * (self.n - 1))


def _blocks(sides: Sequence[_Side]) -> Iterator[tuple[slice, Tensor]]:
    """Clips and their features, (2, k, f): those of one side, or of two paired ones their differences."""
    n, (d, f) = sides[0].rows.n, sides[0].features.frequencies.shape
    most = sum(side.rows.most for side in sides)
    size = max(1, min(CHUNK, memory_limit(sides[0].max_memory) // (4 * most * (2 * d + 5 * f))))
    for start in range(0, n, size):
        stop = min(start + size, n)
        first, *others = (side.block(start, stop) for side in sides)
        yield slice(start, stop), first - others[0] if others else first


def _sums(sides: Sequence[_Side]) -> _Sums:
    f = sides[0].features.frequencies.shape[1]
    total = torch.zeros(2, f, dtype=torch.float64, device=sides[0].features.origin.device)
    squares = torch.zeros_like(total[0])
    for _, values in _blocks(sides):
        total += values.sum(dim=1, dtype=torch.float64)
        squares += values.square().sum(dim=(0, 1), dtype=torch.float64)
    return _Sums(total, squares, sides[0].rows.n)


def _estimate(x: _Side, y: _Side, *, paired: bool) -> tuple[Tensor, Callable[[], Influence]]:
    """Squared MMD as each frequency sees it, (f,), and what each item moves the mean of all frequencies by."""
    if paired:
        z = _sums([x, y])
        return z.inside, lambda: (_pushes([x, y], z.features / (z.n - 1)), None)
    a, b = x.sums, y.sums
    means = a.features / a.n, b.features / b.n
    each = a.inside + b.inside - 2 * (means[0] * means[1]).sum(dim=0)
    return each, lambda: (
        _pushes([x], a.features / (a.n - 1) - means[1]),
        _pushes([y], b.features / (b.n - 1) - means[0]),
    )


def _pushes(sides: Sequence[_Side], toward: Tensor) -> Tensor:
    """Twice the mean over frequencies of each clip's features times `toward`, less what a clip adds with itself."""
    n, f = sides[0].rows.n, toward.shape[1]
    out = torch.empty(n, dtype=torch.float64, device=toward.device)
    for part, values in _blocks(sides):
        along = (values @ toward.float()[:, :, None]).sum(dim=(0, 2))
        out[part] = along - values.square().sum(dim=(0, 2), dtype=torch.float64) / (n - 1)
    return 2 * out / f
