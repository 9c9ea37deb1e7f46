"""Sums of kernels between clips, tile by tile: nothing of size n x m unless asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from gapkit.errors import InputError
from gapkit.given import memory_limit
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.tiles import TILE, Tile, tiles

Kind = Literal["gaussian", "imq", "distance", "gaussian slope", "imq slope", "inverse"]

REACH = 1e15
"""Largest coordinate in units of the kernel: its square still is a float32."""


@dataclass(frozen=True)
class Kernel:
    """A function of the distance of two rows, averaged over widths.

    Parameters
    ----------
    kind : {"gaussian", "imq", "distance", "gaussian slope", "imq slope", "inverse"}
        With u = |a - b| / width: exp(-u^2 / 2), (1 + u^2)^(-1/2), -u. Then, of each of them, -k'(r) / r times the
        square of the first width: f exp(-u^2 / 2), f (1 + u^2)^(-3/2), and 1 / u, or 0 where u is 0; f being
        (first width / width)^2.
    widths : tuple of float
        Positive and finite.
    """

    kind: Kind
    widths: tuple[float, ...]

    @property
    def slope(self) -> Kernel:
        """The kernel that tells how this one changes under a shift: -k'(r) / r times the square of the first width."""
        if self.kind == "gaussian":
            # A Gaussian of one width tells it itself.
            return self if len(self.widths) == 1 else Kernel("gaussian slope", self.widths)
        if self.kind == "imq":
            return Kernel("imq slope", self.widths)
        if self.kind == "distance":
            return Kernel("inverse", self.widths)
        raise ValueError(f"{self.kind}: has no slope of its own")

    def add(self, minus: Tensor, base: float, out: Tensor, part: Tensor) -> None:
        """Write the kernel of a tile into `out`; `minus` holds -|a - b|^2 / (2 base^2), `part` is scratch."""
        for number, width in enumerate(self.widths):
            into = out if number == 0 else part
            # Bounded: 0 times infinity is no number.
            factor = min((base / width) ** 2, 1e30)
            if self.kind.startswith("gaussian"):
                torch.mul(minus, factor, out=into).exp_()
            elif self.kind.startswith("imq"):
                torch.mul(minus, -2 * factor, out=into).add_(1).rsqrt_()
            elif self.kind == "distance":
                torch.mul(minus, -2, out=into).sqrt_().mul_(-base / width)
            else:
                torch.mul(minus, -2, out=into).rsqrt_().mul_(width / base).masked_fill_(minus == 0, 0)
            if self.kind == "imq slope":
                into.pow_(3)
            if self.kind.endswith("slope") and number:
                into *= (self.widths[0] / width) ** 2
            if number:
                out += part
        if len(self.widths) > 1:
            out /= len(self.widths)


@dataclass(frozen=True)
class Kernels:
    """Kernels that a metric of a table will ask for, so that one pass over the distances serves all metrics.

    Parameters
    ----------
    of_width : callable
        The kernel by the width of the table.
    of_directions : bool
        Of rows of length one; where all rows are scaled they come from the same pass as the others.
    across : bool
        Between the sides too, not only inside each.
    """

    of_width: Callable[[float], Kernel]
    of_directions: bool = False
    across: bool = True


@dataclass(frozen=True)
class ClipSums:
    """Kernel of every clip with every other, summed.

    Parameters
    ----------
    rows : Tensor of shape (n_a,), float64
        Sum over the clips of the second side; where sides have folds, over those of each other fold, (n_a, folds).
    columns : Tensor of shape (n_b,), float64
        Sum over the clips of the first side, or over those of each other fold, (n_b, folds).
    dense : Tensor of shape (n_a, n_b), float32, optional
        The clip-by-clip kernel itself.
    by_row : tuple of Tensor
        `rows` and `columns` before the rows of a clip became their mean: one sum a row of either side.
    """

    rows: Tensor
    columns: Tensor
    dense: Tensor | None
    by_row: tuple[Tensor, Tensor]


def checked_kernel(bandwidths: Sequence[float], kind: str = "gaussian") -> Kernel:
    """Bandwidths as a kernel, or one line that says what is wrong with them."""
    for known in get_args(Kind):
        if kind == known:
            return Kernel(known, checked_widths(bandwidths))
    raise InputError(f"kernel: expected one of {', '.join(get_args(Kind))}, got {kind!r}")


def checked_widths(bandwidths: Sequence[float]) -> tuple[float, ...]:
    """Positive finite numbers, at least one."""
    try:
        widths = tuple(float(b) for b in bandwidths)
    except (TypeError, ValueError):
        raise InputError(f"bandwidth: expected positive finite numbers, got {bandwidths!r}") from None
    if not widths or not all(b > 0 and math.isfinite(b) for b in widths):
        raise InputError(f"bandwidth: expected positive finite numbers, got {list(widths)}")
    return widths


def clip_sums(
    a: Cloud,
    b: Cloud | None,
    kernels: Sequence[Kernel],
    *,
    drop_same: bool,
    dense: bool = False,
    max_memory: int = 2**27,
) -> list[ClipSums]:
    """Sums of k(a, b) over pairs of clips, one result a kernel; a clip's rows count as their mean.

    Where sides have folds, pairs of one fold are left out.

    Parameters
    ----------
    a, b : Cloud
        `b` None stands for `a` itself: half the work.
    kernels : sequence of Kernel
        All are computed from one pass over the distances.
    drop_same : bool
        Leave out pairs of rows with the same clip number.
    dense : bool
        Also keep the (n_a, n_b) matrices, of sides without folds.
    max_memory : int
        Bytes that the tiles may take.
    """
    other = a if b is None else b
    device, dtype = a.base.device, a.base.dtype
    out = [torch.zeros(a.n, other.n, device=device) for _ in kernels] if dense else None
    by_fold = () if a.fold is None else (int(a.fold.max()) + 1,)
    rows = [torch.zeros(len(a.base), *by_fold, dtype=torch.float64, device=device) for _ in kernels]
    columns = [torch.zeros(len(other.base), *by_fold, dtype=torch.float64, device=device) for _ in kernels]
    share_a, share_b = (None if c.single else c.share.to(dtype) for c in (a, other))
    for number, at, tile in _kernel_tiles(a, b, kernels, drop_same, max_memory):
        i, j = at.rows, at.columns
        right = tile.sum(dim=1) if share_b is None else tile @ share_b[j]
        rows[number][(i, at.folds[1]) if by_fold else i] += right
        if b is not None or by_fold or i != j:
            down = tile.sum(dim=0) if share_a is None else share_a[i] @ tile
            columns[number][(j, at.folds[0]) if by_fold else j] += down
        if out is not None and isinstance(i, slice) and isinstance(j, slice):
            _add_clips(out[number], tile, a, other, i, j)
            if b is None and i != j:
                _add_clips(out[number], tile.T, other, a, j, i)
    results = []
    for number in range(len(kernels)):
        if b is None:
            rows[number] += columns[number]
            columns[number] = rows[number]
        each = rows[number], columns[number]
        kept = None if out is None else out[number]
        results.append(ClipSums(a.per_clip(each[0]), other.per_clip(each[1]), kept, each))
    return results


def _kernel_tiles(
    a: Cloud, b: Cloud | None, kernels: Sequence[Kernel], drop_same: bool, max_memory: int
) -> Iterator[tuple[int, Tile, Tensor]]:
    """Yield (kernel number, where, kernel tile); the tile is overwritten by the next."""
    other = a if b is None else b
    # The square of the largest coordinate must still be a float32.
    farthest = max(cloud.reach(other.mean) for cloud in (a, other))
    if not math.isfinite(farthest):
        raise InputError("source, target: rows are too far apart for float32; scale both by one number")
    base = max(kernels[0].widths[0], farthest / REACH)
    single = len(kernels) == 1 and len(kernels[0].widths) == 1
    max_memory = memory_limit(max_memory)
    side = max(16, min(TILE, math.isqrt(max_memory // (8 if single else 24))))
    buffers = [a.base.new_empty(side * side) for _ in range(1 if single else 3)]
    for at in tiles(a, b, base, side, max_memory // 2, buffers[0]):
        minus = at.minus
        tile, part = (buffers[k % len(buffers)][: minus.numel()].view(minus.shape) for k in (1, 2))
        same = _same_clip(a.owner[at.rows], other.owner[at.columns]) if drop_same and a.fold is None else None
        for number, kernel in enumerate(kernels):
            kernel.add(minus, base, tile, part)
            if same is not None:
                tile.masked_fill_(same, 0)
            yield number, at, tile


def _same_clip(left: Tensor, right: Tensor) -> Tensor | None:
    """Which entries of a tile belong to one clip; None where none can (owners are sorted)."""
    if left[-1] < right[0] or right[-1] < left[0]:
        return None
    return left[:, None] == right


def _add_clips(out: Tensor, tile: Tensor, a: Cloud, b: Cloud, i: slice, j: slice) -> None:
    """Add a tile to the clip-by-clip matrix: mean over the rows of each clip on both sides."""
    for cloud, part in ((a, i), (b, j)):
        if not cloud.single:
            clips = cloud.owner[part] - cloud.owner[part][0]
            shape = (int(clips[-1]) + 1, tile.shape[1])
            tile = tile.new_zeros(shape).index_add_(0, clips, tile * cloud.share[part, None].to(tile.dtype))
        tile = tile.T
    first_a, first_b = int(a.owner[i][0]), int(b.owner[j][0])
    out[first_a : first_a + tile.shape[0], first_b : first_b + tile.shape[1]] += tile
