"""The two clouds of points that every metric looks at, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError

FLAT = 1e-6
"""Spread relative to length below which float32 rows count as one and the same point."""


@dataclass(frozen=True)
class Cloud:
    """Rows of one side, sorted by the clip that they belong to; every clip counts the same.

    Parameters
    ----------
    rows : Tensor of shape (m, d)
    owner : Tensor of shape (m,)
        Clip of each row, non-decreasing, every clip in 0..n-1 at least once.
    n : int
        Number of clips.
    """

    rows: Tensor
    owner: Tensor
    n: int

    @property
    def single(self) -> bool:
        """One row a clip."""
        return self.n == len(self.rows)

    @cached_property
    def share(self) -> Tensor:
        """Weight of each row inside its clip, float64, shape (m,); sums to 1 over a clip."""
        return 1.0 / torch.bincount(self.owner, minlength=self.n).to(torch.float64)[self.owner]

    def per_clip(self, values: Tensor) -> Tensor:
        """Mean over the rows of each clip: (m, ...) to (n, ...)."""
        if self.single:
            return values
        share = self.share.to(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
        return torch.zeros(self.n, *values.shape[1:], dtype=values.dtype, device=values.device).index_add_(
            0, self.owner, values * share
        )

    @cached_property
    def clip_means(self) -> Tensor:
        """Mean row of each clip, shape (n, d)."""
        return self.per_clip(self.rows)

    @cached_property
    def mean(self) -> Tensor:
        """Mean over clips, float64, shape (d,)."""
        return self.clip_means.mean(dim=0, dtype=torch.float64)

    @cached_property
    def centred(self) -> Cloud:
        """The same rows minus the mean."""
        return Cloud((self.rows - self.mean).to(self.rows.dtype), self.owner, self.n)

    @cached_property
    def flat(self) -> bool:
        """All rows are one point, up to rounding."""
        spread = torch.linalg.vector_norm(self.rows - self.mean, dim=1).max()
        return bool(spread <= FLAT * torch.linalg.vector_norm(self.rows, dim=1, dtype=torch.float64).max())


@dataclass(frozen=True)
class Sides:
    """Source and target; where `paired`, clip i of one is clip i of the other."""

    x: Cloud
    y: Cloud
    paired: bool


def cloud(values: ArrayLike, *, name: str, owner: ArrayLike | None = None, n: int | None = None) -> Cloud:
    """Check rows and their owner; `n` is the number of clips where it is known."""
    rows = as_matrix(values, name=name)
    m = len(rows)
    if owner is None:
        return Cloud(rows, torch.arange(m, device=rows.device), m)
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
    index = torch.from_numpy(order).to(rows.device)
    sorted_rows = rows if bool((order[1:] > order[:-1]).all()) else rows[index]
    return Cloud(sorted_rows, torch.from_numpy(given.astype(np.int64)).to(rows.device)[index], clips)


def sides(
    source: ArrayLike, target: ArrayLike, owner: ArrayLike | None = None, *, paired: bool | None = None, least: int = 2
) -> Sides:
    """Both sides, checked against each other.

    `paired` None means: paired where `owner` is given or the numbers of rows agree.

    Raises
    ------
    InputError
        Rows that are not numbers, widths that differ, an owner that does not fit, fewer than `least` clips.
    """
    x = cloud(source, name="source")
    y = cloud(
        as_matrix(target, name="target", n_features=x.rows.shape[1], device=x.rows.device),
        name="target",
        owner=owner,
        n=len(x.rows) if owner is not None and paired is not False else None,
    )
    if paired is None:
        paired = owner is not None or x.n == y.n
    if paired and x.n != y.n:
        raise InputError(
            f"target: expected one row a source row ({x.n}), got {y.n}; give `owner`, the source row of each target row"
        )
    for side, name in ((x, "source"), (y, "target")):
        if side.n < least:
            raise InputError(f"{name}: expected at least {least} clips, got {side.n}; a metric compares clouds")
    return Sides(x, y, paired)


def directions(side: Cloud, name: str) -> Cloud:
    """The rows scaled to length one.

    Raises
    ------
    InputError
        A row of length zero has no direction.
    """
    # In float64: the squares of very small and very large numbers leave the range of float32.
    length = torch.linalg.vector_norm(side.rows, dim=1, keepdim=True, dtype=torch.float64)
    zero = (length == 0).flatten()
    if bool(zero.any()):
        raise InputError(
            f"{name}: expected a direction in every row, got {int(zero.sum())} zero rows "
            f"(first: {int(zero.nonzero()[0])}); drop or recompute them"
        )
    return Cloud((side.rows / length).to(side.rows.dtype), side.owner, side.n)


def residual_directions(side: Cloud, name: str) -> Cloud:
    """Directions of the rows seen from their mean; a row at the mean itself stays zero.

    Raises
    ------
    InputError
        All rows are one point: nothing is left without the mean.
    """
    if side.flat:
        raise InputError(f"{name}: all rows are the same, so nothing is left after its mean is removed")
    rows = side.centred.rows
    length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return Cloud(rows / length.clamp_min(torch.finfo(rows.dtype).tiny), side.owner, side.n)
