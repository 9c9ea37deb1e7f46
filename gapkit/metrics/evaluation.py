"""Measure many rows against one reference: everything that must be equal for all rows is fixed here, once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, unit_rows
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.bandwidth import cloud_bandwidth
from gapkit.metrics.cloud import Cloud, cloud, directions
from gapkit.metrics.folds import item_folds
from gapkit.metrics.pair import checked_labels
from gapkit.metrics.resamples import Resamples
from gapkit.metrics.work_limits import MAX_WORK, limit_of
from gapkit.statistics import Groups, Partition, cells_of


@dataclass(frozen=True)
class Reference:
    """The fixed side of a comparison; make it with `from_target`.

    Parameters
    ----------
    target : Cloud
        Targets sorted by clip.
    bandwidth : float
        Kernel width.
    folds : Partition
        Fold of each clip.
    resamples : Resamples
        Of the clips, or of their groups.
    seed : int
    n_folds, n_resamples : int
        As they were asked for.
    max_memory : int
        Bytes that kernels may take.
    fitted : Tensor of shape (f, d), optional
        The targets that the bridges were fitted on.
    labels : array of shape (n,) of str, optional
        Class of each clip; empty where it has none.
    normalise : bool
        Rows are scaled to length one, those of the target already are.
    max_work : float
        Multiplications that one metric may take.
    """

    target: Cloud
    bandwidth: float
    folds: Partition
    resamples: Resamples
    seed: int
    n_folds: int
    n_resamples: int
    max_memory: int
    fitted: Tensor | None = None
    labels: NDArray[np.str_] | None = None
    normalise: bool = False
    max_work: float = MAX_WORK
    _originals: dict[str, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_target(
        cls,
        target: ArrayLike,
        *,
        owner: ArrayLike | None = None,
        groups: Groups | Iterable[Any] | None = None,
        seed: int = 0,
        n_resamples: int = 1000,
        folds: int = 5,
        max_memory: int = 2**29,
        fitted: ArrayLike | None = None,
        labels: Iterable[Any] | None = None,
        normalise: bool = False,
        max_work: float | None = None,
    ) -> Self:
        """Fix bandwidths, folds and resamples from the targets.

        Parameters
        ----------
        target : array-like of shape (m, d)
        owner : array-like of shape (m,), optional
            Clip of each target row; left out, each row is a clip of its own.
        groups : Groups, or sequence of length n of str or of lists of str, optional
            Origins of each clip. Clips of one origin are not independent: they are resampled together, and folds do not
            part them as far as shared origins allow.
        seed : int
            Of bandwidth pairs, folds and resamples: the same seed gives the same numbers.
        n_resamples : int
            Number of bootstrap draws, B; 0 for none.
        folds : int
            Folds of the separability classifiers.
        max_memory : int
            Bytes that a metric may take beyond the rows themselves, the resamples (4 bytes x draws x clips, 8,192 clips
            at most) and what is kept for others: some hundred bytes a clip, some matrices of d x d and draws x d. A
            metric that holds more than this is undefined and says so. Files that are
            memory-mapped are read block by block, and what was read does not stay in memory.
        fitted : array-like of shape (f, d), optional
            The targets that the bridges were fitted on; metrics that need them are left out otherwise.
        labels : sequence of length n, optional
            Class of each clip, empty or None where it has none; metrics that need classes are left out otherwise.
        normalise : bool
            Scale every row, of the sources too, to length one first, as `gapkit compare` does.
        max_work : float, optional
            Multiplications that one metric may take by its stated cost; where it would take more it is undefined and
            says what to do. Left out: 1e14, one to two hours of one core, and 1e16 on an accelerator.

        Raises
        ------
        InputError
            Fewer than two clips, rows that are all the same, an owner or groups that do not fit.
        """
        seed, n_resamples = whole("seed", seed), whole("n_resamples", n_resamples)
        folds, max_memory = whole("folds", folds, 2), memory_limit(max_memory)
        rows = cloud(target, name="target", owner=owner)
        if rows.n < 2:
            raise InputError(f"target: expected at least 2 clips, got {rows.n}; a metric compares clouds")
        if normalise:
            rows = directions(rows, "target").kept(max_memory // 8)
        origins = groups_of(groups, rows.n, "groups")
        width, device = rows.base.shape[1], rows.base.device
        known = None if fitted is None else as_matrix(fitted, name="fitted", n_features=width, device=device)
        return cls(
            target=rows,
            bandwidth=cloud_bandwidth(rows, seed=seed),
            folds=item_folds(rows.n, folds, seed, origins),
            resamples=Resamples.draw(rows.n, n_resamples, [seed, 0], device, groups=origins),
            seed=seed,
            n_folds=folds,
            n_resamples=n_resamples,
            max_memory=max_memory,
            fitted=unit_rows(known) if known is not None and normalise else known,
            labels=checked_labels(labels, rows.n),
            normalise=normalise,
            max_work=limit_of(max_work, device),
        )

    def __len__(self) -> int:
        """Number of clips."""
        return self.target.n

    def known(self, original: Cloud) -> Cloud:
        """A source before it was moved; where it was seen before, with all that it keeps, until another one comes."""
        if 4 * original.base.numel() > self.kept_bytes:
            return original
        digest = hashlib.blake2b(original.base.cpu().numpy().tobytes()).digest()
        if self._originals.get("digest") != digest:
            self._originals.update(digest=digest, cloud=original)
        cloud: Cloud = self._originals["cloud"]
        return cloud

    @property
    def weights(self) -> Tensor:
        """Occurrences of every single clip in every resample, (B, n); `resamples` is smaller for many clips."""
        return self.resamples.weights

    @property
    def kept_bytes(self) -> int:
        """Up to this size, rows that are made of the given ones (directions, residuals) are kept, not made again."""
        return self.max_memory // 8

    def source_folds(self, n: int, groups: Groups | None = None) -> Partition:
        """Folds of `n` source rows that are unrelated to the clips."""
        return item_folds(n, self.n_folds, [self.seed, 1], groups)

    def source_resamples(self, n: int, groups: Groups | None = None) -> Resamples:
        """Resamples of `n` source rows that are unrelated to the clips."""
        return Resamples.draw(n, self.n_resamples, [self.seed, 1], self.target.base.device, groups=groups)


def groups_of(given: Groups | Iterable[Any] | None, n: int, name: str) -> Groups | None:
    """The groups of `n` items; None where every item is its own, which changes nothing.

    Raises
    ------
    InputError
        Another number of items, or an item without a group.
    """
    if given is None:
        return None
    groups = given if isinstance(given, Groups) else Groups.from_cells(cells_of(given))
    if len(groups) != n:
        raise InputError(f"{name}: expected the groups of {n:,} clips, got those of {len(groups):,}")
    return None if groups.apart else groups
