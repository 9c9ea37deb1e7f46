"""One side of what a metric looks at: rows that belong to items, checked once, read block by block.

A metric that needs something of one side alone (a covariance, nearest rows, kernel sums) keeps it on the cloud:
``side.shared("gaussian", lambda: ...)``. The target of a table is one cloud for all of its rows, and so is a source
before it was moved: what is kept on them is computed once for all rows.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, rows_of_length_one, slices
from gapkit.errors import InputError
from gapkit.memory_map import fetch, file_of, let_go

FLAT = 1e-6
"""Spread relative to length below which float32 rows count as one and the same point."""

T = TypeVar("T")

Place = slice | Tensor
"""Some rows: a slice, or their numbers."""

Change = Callable[[Tensor, Place], Tensor]
"""Done to rows, given with their place: (k, d) to (k, d)."""


@dataclass(frozen=True)
class Cloud:
    """Rows of one side, sorted by the clip that they belong to; every clip counts the same.

    What is made of the rows (directions, residuals) is made block by block where blocks are asked for, so that a
    memory map stays one; `rows` makes it whole each time, unless it was `kept`.

    Parameters
    ----------
    base : Tensor of shape (m, d)
        Rows as they were given.
    owner : Tensor of shape (m,)
        Clip of each row, non-decreasing, every clip in 0..n-1 at least once.
    n : int
        Number of clips.
    change : callable, optional
        Makes the rows from those of `base`.
    file : mmap, optional
        The open file that `base` is a map of.
    name : str
        What the user calls the rows: "source", "target", "original".
    of_length_one : bool
        The rows are directions already.
    uncentred : Cloud, optional
        The side whose mean, or means of folds, were taken off to make this one.
    fold : Tensor of shape (n,), optional
        Fold of each item. Rows of one fold are never compared; left out, rows of one item are never.
    """

    base: Tensor
    owner: Tensor
    n: int
    change: Change | None = None
    file: mmap.mmap | None = field(default=None, repr=False, compare=False)
    name: str = "rows"
    of_length_one: bool = False
    uncentred: Cloud | None = field(default=None, repr=False, compare=False)
    fold: Tensor | None = field(default=None, repr=False, compare=False)
    _memo: dict[Hashable, Any] = field(init=False, default_factory=dict, repr=False, compare=False)
    _whole: list[Tensor] = field(init=False, default_factory=list, repr=False, compare=False)

    @property
    def single(self) -> bool:
        """One row a clip."""
        return self.n == len(self.base)

    @property
    def rows(self) -> Tensor:
        """All rows, (m, d)."""
        if self.change is None:
            return self.base
        if self._whole:
            return self._whole[0]
        rows: Tensor | None = None
        for part in row_blocks(self.base):
            block = self.change(self._read(part), part)
            rows = block.new_empty(self.base.shape) if rows is None else rows
            rows[part] = block
        assert rows is not None
        return rows

    def block(self, part: slice) -> Tensor:
        """Some of the rows, made for this moment unless they are all there."""
        if self._whole:
            return self._whole[0][part]
        return self._read(part) if self.change is None else self.change(self._read(part), part)

    def _read(self, part: Place) -> Tensor:
        """Some rows of `base`; what was read of a file before no longer takes memory."""
        let_go(self.file)
        if isinstance(part, slice) or self.file is None:
            return self.base[part]
        rows = self.base.new_empty(len(part), self.base.shape[1])
        fetch(rows, self.base, part, self.file)
        return rows

    def take(self, rows: Tensor) -> Tensor:
        """Rows by their numbers."""
        if self._whole:
            return self._whole[0][rows]
        return self._read(rows) if self.change is None else self.change(self._read(rows), rows)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Value that several metrics need of this side: made at its first use, kept as long as the cloud."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    def changed(
        self, change: Callable[[Tensor], Tensor], *, of_length_one: bool = False, uncentred: Cloud | None = None
    ) -> Cloud:
        """The cloud of changed rows, each changed by itself."""
        first = self.change

        def both(rows: Tensor, place: Place) -> Tensor:
            return change(rows if first is None else first(rows, place))

        return replace(self, change=both, of_length_one=of_length_one, uncentred=uncentred)

    def kept(self, max_bytes: int) -> Cloud:
        """The same cloud with its rows made once, if they take no more than `max_bytes`."""
        if self.change is not None and not self._whole and 4 * self.base.numel() <= max_bytes:
            self._whole.append(self.rows)
        return self

    def cpu(self) -> Cloud:
        """The same cloud on the processor."""
        if self.base.device.type == "cpu":
            return self
        return Cloud(self.rows.cpu(), self.owner.cpu(), self.n)

    @cached_property
    def share(self) -> Tensor:
        """Weight of each row inside its clip, float64, shape (m,); sums to 1 over a clip."""
        return 1.0 / torch.bincount(self.owner, minlength=self.n).to(torch.float64)[self.owner]

    @cached_property
    def label(self) -> Tensor:
        """Number of each row, (m,), that must differ for two rows to be compared: its item's, or its fold's."""
        return self.owner if self.fold is None else self.fold[self.owner]

    @cached_property
    def ends(self) -> Tensor:
        """First row of each clip and, last, the number of rows; (n + 1,) on the processor."""
        clips = torch.arange(self.n + 1)
        return clips if self.single else torch.searchsorted(self.owner.cpu(), clips)

    @property
    def most(self) -> int:
        """Most rows of a clip."""
        return 1 if self.single else int(self.ends.diff().max())

    def clip_blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield (which clips, their mean rows) from the first clip to the last, a block at a time."""
        return ((clips, self.clip_block(clips)) for clips in slices(self.n, self.base.numel() // self.n))

    def clip_block(self, clips: slice) -> Tensor:
        """Mean row of some clips."""
        if self.single:
            return self.block(clips)
        part = slice(int(self.ends[clips.start]), int(self.ends[clips.stop]))
        rows = self.block(part)
        owner, share = self.owner[part] - clips.start, self.share[part, None].to(rows.dtype)
        return rows.new_zeros(clips.stop - clips.start, rows.shape[1]).index_add_(0, owner, rows * share)

    def take_clips(self, clips: Tensor) -> Tensor:
        """Mean rows of clips by their numbers."""
        if self.single:
            return self.take(clips)
        ends = self.ends.to(clips.device)
        first, counts = ends[clips], ends[clips + 1] - ends[clips]
        own = torch.repeat_interleave(torch.arange(len(clips), device=clips.device), counts)
        before = (counts.cumsum(0) - counts)[own]
        rows = self.take(first[own] + torch.arange(len(own), device=clips.device) - before)
        return rows.new_zeros(len(clips), rows.shape[1]).index_add_(0, own, rows / counts[own, None])

    def per_clip(self, values: Tensor) -> Tensor:
        """Mean over the rows of each clip: (m, ...) to (n, ...)."""
        if self.single:
            return values
        share = self.share.to(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
        return torch.zeros(self.n, *values.shape[1:], dtype=values.dtype, device=values.device).index_add_(
            0, self.owner, values * share
        )

    def clips(self, start: int, stop: int) -> Cloud:
        """Clips `start` to `stop`, numbered from 0."""
        part = slice(int(self.ends[start]), int(self.ends[stop]))
        return Cloud(self.block(part), self.owner[part] - start, stop - start)

    def clip_means(self) -> Tensor:
        """Mean row of each clip, shape (n, d)."""
        return self.per_clip(self.rows)

    @cached_property
    def mean(self) -> Tensor:
        """Mean over clips, float64, shape (d,)."""
        total = torch.zeros(self.base.shape[1], dtype=torch.float64, device=self.base.device)
        for _, rows in self.clip_blocks():
            total += rows.sum(dim=0, dtype=torch.float64)
        return total / self.n

    @cached_property
    def centred(self) -> Cloud:
        """The same rows minus the mean."""
        return self.changed(lambda rows: (rows - self.mean).to(rows.dtype), uncentred=self)

    @cached_property
    def unit(self) -> Cloud:
        """The same rows scaled to length one; of centred rows, one at the mean itself stays zero.

        Raises
        ------
        InputError
            A row of length zero has no direction; without its mean a side of equal rows has none.
        """
        if self.of_length_one:
            return self
        if self.uncentred is None:
            return directions(self, self.name)
        if self.uncentred.flat:
            raise InputError(f"{self.name}: all rows are the same, so nothing is left after its mean is removed")
        return self.changed(rows_of_length_one, of_length_one=True)

    def along(self, direction: Tensor) -> Tensor:
        """Inner product of each item, seen from the mean, with a direction of shape (d,); float64, (n,)."""
        return torch.cat([(rows - self.mean) @ direction for _, rows in self.clip_blocks()])

    def reach(self, origin: Tensor) -> float:
        """Largest coordinate of any row, seen from `origin`; infinite where it is no float32."""
        near = origin.to(self.base.dtype)
        largest = 0.0
        for part in row_blocks(self.base):
            low, high = map(float, (self.block(part) - near).aminmax())
            if not (math.isfinite(low) and math.isfinite(high)):
                return math.inf
            largest = max(largest, -low, high)
        return largest

    @cached_property
    def flat(self) -> bool:
        """All rows are one point, up to rounding."""
        spread = length = 0.0
        for part in row_blocks(self.base):
            rows = self.block(part)
            spread = max(spread, float(torch.linalg.vector_norm(rows - self.mean, dim=1).max()))
            length = max(length, float(torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64).max()))
        return spread <= FLAT * length


def row_blocks(rows: Tensor) -> Iterator[slice]:
    """Slices that cover all rows, a block each."""
    return slices(*rows.shape)


def cloud(
    values: ArrayLike,
    *,
    name: str,
    owner: ArrayLike | None = None,
    n: int | None = None,
    like: Tensor | None = None,
) -> Cloud:
    """Check rows and their owner; `n` is the number of clips where it is known, `like` rows as wide, on the device."""
    width, device = (None, None) if like is None else (like.shape[1], like.device)
    rows = as_matrix(values, name=name, n_features=width, device=device)
    m, file = len(rows), None
    if isinstance(values, np.ndarray) and rows.data_ptr() == values.ctypes.data:
        file = file_of(values)
    if owner is None:
        return Cloud(rows, torch.arange(m, device=rows.device), m, file=file, name=name)
    order, clip, clips = checked_owner(owner, m, name=name, n=n)
    index = torch.from_numpy(order).to(rows.device)
    in_order = bool((order[1:] > order[:-1]).all())
    return Cloud(
        rows if in_order else rows[index],
        torch.from_numpy(clip).to(rows.device),
        clips,
        file=file if in_order else None,
        name=name,
    )


def checked_owner(
    owner: ArrayLike, m: int, *, name: str, n: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Order that sorts `m` rows by clip, the clip of each row in that order, and the number of clips."""
    given = owner.detach().cpu().numpy() if isinstance(owner, Tensor) else np.asarray(owner)
    if given.shape != (m,) or given.dtype.kind not in "iu":
        raise InputError(
            f"owner: expected one integer a {name} row ({m}), got shape {given.shape} of {given.dtype}; "
            "give the source row that each target row describes"
        )
    clips = int(given.max()) + 1 if n is None else n
    if given.min() < 0 or given.max() >= clips or len(np.unique(given)) != clips:
        raise InputError(
            f"owner: expected every clip in 0..{clips - 1} at least once, got {len(np.unique(given))} clips in "
            f"{given.min()}..{given.max()}; drop source rows without a target"
        )
    order = np.argsort(given, kind="stable")
    return order, given.astype(np.int64)[order], clips


def directions(side: Cloud, name: str) -> Cloud:
    """The rows scaled to length one.

    Raises
    ------
    InputError
        A row of length zero has no direction.
    """
    # In float64: the squares of very small numbers would be 0 in float32.
    zero = torch.empty(len(side.base), dtype=torch.bool, device=side.base.device)
    for part in row_blocks(side.base):
        zero[part] = torch.linalg.vector_norm(side.block(part), dim=1, dtype=torch.float64) == 0
    if bool(zero.any()):
        raise InputError(
            f"{name}: expected a direction in every row, got {int(zero.sum())} zero rows "
            f"(first: {int(zero.nonzero()[0])}); drop or recompute them"
        )
    return side.changed(rows_of_length_one, of_length_one=True)
