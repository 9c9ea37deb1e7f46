"""`Pair`: what a metric is given. Source and target, and what several metrics need of both.

How to write a metric (`centroid.py` is the shortest one, `energy.py` one of kernels)::

    @metric("centroid-distance", label="Centroid distance", group="closure", better="lower", best=0.0, ...)
    def centroid_distance_of(pair: Pair) -> Value:
        offset = pair.x.mean - pair.y.mean
        length = float(torch.linalg.vector_norm(offset))
        return Value(length, influence=lambda: (pair.x.along(offset / length), -pair.y.along(offset / length)))

and, in the same file, the function that a notebook imports, with arrays around the same body::

    def centroid_distance(source, target, *, owner=None) -> float:
        return centroid_distance_of(pair_of(source, target, owner)).value

- ``pair.x`` and ``pair.y`` are the sides, one `Cloud` each. Read them block by block (``clip_blocks``, ``block``): a
  side may be a file that is larger than the memory.
- ``pair.unit`` is the pair of directions, ``pair.centred`` the pair without each side's mean, ``fold_centred(pair)``
  the pair without the mean of each fold. All are pairs: a metric is one function whatever it is given, and its residual
  variant is the same function on one of the last two (``@metric(..., residual=Residual(...))`` says on which). Rows are
  compared where their ``label`` differs: the item, or the fold where sides have folds.
- What depends on one side alone is kept on that side: ``pair.y.shared(key, make)``. The target of a table is one cloud
  for all rows, and ``pair.original`` for all rows moved from it: what they keep is computed once for all rows. What
  depends on both sides is kept on the pair: ``pair.shared(key, make)``. Options belong into the key.
- Kernels come from ``pair.inside`` and ``pair.across``: one pass over the distances serves all kernels that the metrics
  of a table declare (``@metric(..., kernels=Kernels(...))``).
- What a centred side has in common with the side as it was given (covariances, kernel sums, transport plans) is taken
  from ``pair.uncentred``, the pair itself where nothing was taken off.
- A metric holds no more than ``pair.max_memory`` bytes, most of them a quarter of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.metrics.bandwidth import cloud_bandwidth
from gapkit.metrics.cloud import Cloud, cloud
from gapkit.metrics.kernels import ClipSums, Kernel, clip_sums
from gapkit.metrics.resamples import Resamples

T = TypeVar("T")

Form = Literal["rows", "directions", "centred", "folds"]
"""Rows as they were given, of length one, without their side's mean, or without that of their fold."""


@dataclass(frozen=True)
class Wanted:
    """Kernels that will be asked for in one table, of pairs of one form: one pass computes them all.

    Parameters
    ----------
    inside, across : tuple of Kernel
        Of pairs of rows inside a side, and between the sides.
    """

    inside: tuple[Kernel, ...] = ()
    across: tuple[Kernel, ...] = ()


@dataclass(frozen=True, eq=False)
class Pair:
    """Source and target; where `paired`, item i of one is item i of the other.

    Parameters
    ----------
    x, y : Cloud
        Source and target.
    paired : bool
    original : Cloud, optional
        The source before it was moved, row by row.
    fitted : Tensor of shape (f, d), optional
        The targets that the bridge was fitted on.
    labels : array of shape (n,) of str, optional
        Class of each item; empty where it has none.
    seed : int
    folds : (array of shape (n,), array of shape (m,)), optional
        Fold of each source item and of each target item; left out, a metric with folds draws its own.
    units : (Resamples, Resamples), optional
        Units of chance of the source and of the target; one and the same where paired. Left out: the items.
    max_memory : int
        Bytes that a metric may hold.
    draws : bool
        Influences will be asked for: what they need is then computed in the same pass as the value.
    width : float, optional
        Kernel width; left out, the median distance of the targets.
    wanted : mapping of str to Wanted
        By the form of the rows.
    form : {"rows", "directions", "centred", "folds"}
    uncentred : Pair
        The pair whose means were taken off, or the pair itself.
    """

    x: Cloud
    y: Cloud
    paired: bool
    original: Cloud | None = None
    fitted: Tensor | None = None
    labels: NDArray[np.str_] | None = None
    seed: int = 0
    folds: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    units: tuple[Resamples, Resamples] | None = None
    max_memory: int = 2**29
    draws: bool = False
    width: float | None = None
    wanted: Mapping[Form, Wanted] = field(default_factory=dict)
    form: Form = "rows"
    parent: Pair | None = field(default=None, repr=False)
    _memo: dict[Hashable, Any] = field(init=False, default_factory=dict, repr=False)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Value that several metrics need of this pair: made at its first use."""
        if key not in self._memo:
            self._memo[key] = make()
        value: T = self._memo[key]
        return value

    @cached_property
    def unit(self) -> Pair:
        """The pair of directions; where all rows have length one already, the pair itself."""
        if self.x.of_length_one and self.y.of_length_one:
            return self
        x, y = (side.unit.kept(self.max_memory // 8) for side in (self.x, self.y))
        return replace(self, x=x, y=y, form="directions", parent=None)

    @cached_property
    def centred(self) -> Pair:
        """The pair without each side's mean: what no shift can close."""
        return replace(self, x=self.x.centred, y=self.y.centred, form="centred", parent=self)

    @property
    def is_centred(self) -> bool:
        """Each side's mean was taken off."""
        return self.parent is not None

    @property
    def uncentred(self) -> Pair:
        """The pair as it was before its means were taken off, or the pair itself."""
        return self.parent or self

    @property
    def bandwidth(self) -> float:
        """Kernel width: that of the table, or the median distance of the targets as they were given."""
        if self.width is not None:
            return self.width
        y = self.uncentred.y
        return y.shared("bandwidth", lambda: cloud_bandwidth(y))

    def inside(self, side: Cloud, kernel: Kernel, *, drop_same: bool = True) -> ClipSums:
        """Kernel sums inside a side of this pair; a kernel does not notice that a whole side was shifted."""
        if side.uncentred is not None and side.fold is None:
            return self.uncentred.inside(side.uncentred, kernel, drop_same=drop_same)
        wanted = self.wanted.get(self.form, Wanted()).inside if drop_same else ()
        known: dict[Kernel, ClipSums] = side.shared(("kernels", drop_same), dict)
        return self._one_pass(side, None, kernel, wanted, known, drop_same)

    def across(self, kernel: Kernel, *, drop_same: bool | None = None) -> ClipSums:
        """Kernel sums between the sides; where paired, an item and its own targets are left out unless asked for."""
        drop_same = self.paired if drop_same is None else drop_same
        wanted = self.wanted.get(self.form, Wanted()).across if drop_same == self.paired else ()
        known: dict[Kernel, ClipSums] = self.shared(("kernels", drop_same), dict)
        return self._one_pass(self.x, self.y, kernel, wanted, known, drop_same)

    def _one_pass(
        self,
        a: Cloud,
        b: Cloud | None,
        kernel: Kernel,
        wanted: tuple[Kernel, ...],
        known: dict[Kernel, ClipSums],
        drop_same: bool,
    ) -> ClipSums:
        if kernel not in known:
            asked = wanted if kernel in wanted else (kernel,)
            missing = [one for one in asked if one not in known]
            sums = clip_sums(a, b, missing, drop_same=drop_same, max_memory=self.max_memory // 4)
            known.update(zip(missing, sums, strict=True))
        return known[kernel]


def pair_of(
    source: ArrayLike,
    target: ArrayLike,
    owner: ArrayLike | None = None,
    *,
    paired: bool | None = None,
    least: int = 2,
    original: ArrayLike | None = None,
    fitted: ArrayLike | None = None,
    labels: Iterable[Any] | None = None,
    seed: int = 0,
    max_memory: int = 2**29,
) -> Pair:
    """Arrays as a pair, both sides checked against each other.

    `paired` None means: paired where `owner` is given or the numbers of rows agree.

    Raises
    ------
    InputError
        Rows that are not numbers, widths that differ, an owner that does not fit, fewer than `least` items.
    """
    x = cloud(source, name="source")
    known = len(x.base) if owner is not None and paired is not False else None
    y = cloud(target, name="target", owner=owner, n=known, like=x.base)
    paired = checked_pairing(x.n, y.n, owner is not None, paired, least=least)
    before = None if original is None else cloud(original, name="original", like=x.base)
    if before is not None and before.n != x.n:
        raise InputError(f"original: expected one row a source row ({x.n}), got {before.n}")
    of_fit = (
        None if fitted is None else as_matrix(fitted, name="fitted", n_features=x.base.shape[1], device=x.base.device)
    )
    classes = checked_labels(labels, x.n)
    return Pair(x, y, paired, original=before, fitted=of_fit, labels=classes, seed=seed, max_memory=max_memory)


def checked_pairing(n: int, m: int, owned: bool, paired: bool | None, *, least: int = 2) -> bool:
    """True where `n` source items and `m` target items are the same items; an error where they cannot be."""
    if paired is None:
        paired = owned or n == m
    if paired and n != m:
        raise InputError(
            f"target: expected one row a source row ({n}), got {m}; give `owner`, the source row of each target row"
        )
    for clips, name in ((n, "source"), (m, "target")):
        if clips < least:
            raise InputError(f"{name}: expected at least {least} clips, got {clips}; a metric compares clouds")
    return paired


def checked_labels(labels: Iterable[Any] | None, n: int) -> NDArray[np.str_] | None:
    """One text an item, without blanks around it; empty where an item has no class.

    Raises
    ------
    InputError
        Another number of labels than items.
    """
    if labels is None:
        return None
    given = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    if len(given) != n:
        raise InputError(f"labels: expected one an item ({n:,}), got {len(given):,}")
    return np.array(["" if _is_missing(label) else str(label).strip() for label in given], dtype=np.str_)


def _is_missing(label: Any) -> bool:
    """None, and NaN as a table has it."""
    return label is None or label != label
