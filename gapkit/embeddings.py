"""`PairedEmbeddings`: the one value that flows through everything."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError, printable
from gapkit.memory_map import file_of, let_go, rows_of
from gapkit.statistics import Groups, cells_of

PER_ITEM = ("ids", "split", "labels", "groups")
"""Fields with one text an item that pairs may carry."""

HASHED = 8192
"""Rows that are hashed at a time: a memory map does not come into memory whole."""


@dataclass(frozen=True, eq=False, repr=False)
class PairedEmbeddings:
    """Embeddings of two modalities that describe the same clips.

    A *clip* is one row of `source`: a sound, a picture, any item. Each row of `target` describes one
    clip; a clip may have several.

    Parameters
    ----------
    source : array of shape (n, d)
        Embeddings of the modality that is moved (audio). Stored as float32.
    target : array of shape (m, d)
        Embeddings of the modality that is reached (text). Stored as float32.
    owner : array of shape (m,), optional
        Row of `source` that each target row describes. Left out: pairs are one to one and ``m == n``.
    ids : array of shape (n,) of str, optional
        Name of each clip.
    captions : array of shape (m,) of str, optional
        The text behind each target row.
    split : array of shape (n,) of str, optional
        Part that each clip belongs to: ``"train"``, ``"val"``, ``"test"`` or any other word.
    fitted : array of shape (n,) of bool, optional
        Items that the bridge which moved `source` was fitted on: numbers of them are no numbers of new items.
    name : str
        What these embeddings are called in tables.
    meta : mapping
        Provenance: file, encoder, hash.
    labels : array of shape (n,) of str, optional
        Class of each clip.
    groups : array of shape (n,) of str, or sequence of lists of str, optional
        Origin of each clip: the recording, product or speaker that it comes from. Clips that share one are not
        independent, and intervals, tests, folds and drawn splits count origins. A clip may have several
        (``"rain|dog"``, or a list); `origins` has them as `gapkit.statistics.Groups`.

    Raises
    ------
    InputError
        Shapes that do not fit each other, an owner out of range, a clip without a target, a clip without a group.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = PairedEmbeddings(np.eye(2), np.eye(2)[[0, 0, 1]], owner=[0, 0, 1])
    >>> pairs
    PairedEmbeddings('pairs': 2 clips, 3 targets, d = 2)
    """

    source: NDArray[np.float32]
    target: NDArray[np.float32]
    owner: NDArray[np.int64] = None  # type: ignore[assignment]  # set by __post_init__
    ids: NDArray[np.str_] | None = None
    captions: NDArray[np.str_] | None = None
    split: NDArray[np.str_] | None = None
    name: str = "pairs"
    meta: Mapping[str, Any] = field(default_factory=dict)
    labels: NDArray[np.str_] | None = None
    fitted: NDArray[np.bool_] | None = None
    groups: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        for side in ("source", "target"):
            array = np.asarray(getattr(self, side))
            if array.ndim != 2 or array.shape[0] == 0 or array.shape[1] == 0:
                raise InputError(f"{self.name}: {side} must have shape (n, d) with n, d >= 1, got {array.shape}")
            if array.dtype.kind not in "fiu":
                raise InputError(f"{self.name}: {side} must hold real numbers, got dtype {array.dtype}")
            # float32 memory maps stay memory maps.
            object.__setattr__(self, side, array.astype(np.float32, copy=False))
        n, m = len(self.source), len(self.target)
        if self.source.shape[1] != self.target.shape[1]:
            raise InputError(
                f"{self.name}: source has {self.source.shape[1]} dimensions and target {self.target.shape[1]}; "
                "both must come from one shared embedding space"
            )
        object.__setattr__(self, "owner", self._checked_owner(self.owner, n, m))
        if self.groups is not None:
            object.__setattr__(self, "groups", self._checked_groups(self.groups))
        for key, length, unit in (*((part, n, "clip") for part in PER_ITEM), ("captions", m, "target row")):
            value = getattr(self, key)
            if value is None:
                continue
            array = np.asarray(value).astype(np.str_, copy=False)
            if array.shape != (length,):
                raise InputError(f"{self.name}: {key} needs one entry a {unit} ({length}), got shape {array.shape}")
            object.__setattr__(self, key, array)
        if self.fitted is not None:
            object.__setattr__(self, "fitted", self._checked_fitted(np.asarray(self.fitted), n))

    def _checked_groups(self, given: Any) -> NDArray[np.str_]:
        try:
            cells = given if isinstance(given, np.ndarray) and given.dtype.kind == "U" else cells_of(given)
            if cells.ndim == 1 and len(cells) == len(self.source):
                Groups.from_cells(cells)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from None
        return cells

    def _checked_fitted(self, given: NDArray[Any], n: int) -> NDArray[np.bool_]:
        if given.shape != (n,) or given.dtype.kind not in "biu" or not np.isin(given, (0, 1)).all():
            raise InputError(
                f"{self.name}: fitted needs one true or false a clip ({n}), got shape {given.shape} of {given.dtype}; "
                "call the array something else if it is another thing"
            )
        return given.astype(np.bool_)

    def _checked_owner(self, given: Any, n: int, m: int) -> NDArray[np.int64]:
        if given is None:
            if n != m:
                raise InputError(
                    f"{self.name}: {n} source rows but {m} target rows; give `owner`, the source row of each target "
                    "row, or measure two sets that are not pairs with --unpaired (`paired=False`)"
                )
            return np.arange(n, dtype=np.int64)
        owner = np.asarray(given)
        if owner.shape != (m,) or owner.dtype.kind not in "iu":
            raise InputError(
                f"{self.name}: owner needs one integer a target row ({m}), got shape {owner.shape} of {owner.dtype}"
            )
        if owner.min() < 0 or owner.max() >= n:
            raise InputError(
                f"{self.name}: owner must lie in 0..{n - 1} (source rows), got {owner.min()}..{owner.max()}"
            )
        lonely = np.setdiff1d(np.arange(n), owner)
        if len(lonely):
            raise InputError(
                f"{self.name}: {len(lonely)} of {n} source rows have no target row (first: {lonely[0]}); "
                "drop them or add what describes them"
            )
        return owner.astype(np.int64)

    def __repr__(self) -> str:
        parts = "".join(f", {name} {count}" for name, count in self.splits.items())
        return printable(
            f"PairedEmbeddings({self.name!r}: {len(self)} clips, {self.n_targets} targets, d = {self.dim}{parts})"
        )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.source)

    @property
    def n_targets(self) -> int:
        """Number of target rows, m."""
        return len(self.target)

    @property
    def dim(self) -> int:
        """Dimensions of the shared space, d."""
        return int(self.source.shape[1])

    @cached_property
    def origins(self) -> Groups | None:
        """The groups of the clips, ready for draws, folds and tests; None without groups."""
        return None if self.groups is None else Groups.from_cells(self.groups)

    @property
    def splits(self) -> dict[str, int]:
        """Number of clips in each split, in order of first appearance; empty without splits."""
        if self.split is None:
            return {}
        names, first, counts = np.unique(self.split, return_index=True, return_counts=True)
        return {str(names[i]): int(counts[i]) for i in np.argsort(first)}

    def take(self, clips: NDArray[np.int64], *, name: str | None = None) -> PairedEmbeddings:
        """The given clips with all their target rows, in the order given; no clip twice.

        Rows that follow each other are not copied, so that a part of a memory map is one too; others are read in
        pieces.
        """
        clips = np.asarray(clips, dtype=np.int64)
        new_row = np.full(len(self), -1, dtype=np.int64)
        new_row[clips] = np.arange(len(clips))
        rows = np.flatnonzero(new_row[self.owner] >= 0)
        rows = rows[np.argsort(new_row[self.owner[rows]], kind="stable")]
        texts: dict[str, Any] = {part: values[clips] for part, values in self.per_item().items()}
        return dataclasses.replace(
            self,
            source=rows_of(self.source, clips),
            target=rows_of(self.target, rows),
            owner=new_row[self.owner[rows]],
            captions=None if self.captions is None else self.captions[rows],
            fitted=None if self.fitted is None else self.fitted[clips],
            name=name or self.name,
            **texts,
        )

    def per_item(self) -> dict[str, NDArray[np.str_]]:
        """The fields with one text an item, by name; those that these pairs lack are left out."""
        return {part: getattr(self, part) for part in PER_ITEM if getattr(self, part) is not None}

    def subset(self, split: str) -> PairedEmbeddings:
        """The items of one split.

        Raises
        ------
        InputError
            There are no splits, or none of this name.
        """
        if split not in self.splits:
            known = ", ".join(f"{k} ({v})" for k, v in self.splits.items())
            here = f"splits here: {known}" if known else "there are no splits here"
            raise InputError(f"{self.name}: no item in split {split!r}; {here}")
        assert self.split is not None
        return self.take(np.flatnonzero(self.split == split), name=f"{self.name}:{split}")

    def held_out(self) -> PairedEmbeddings:
        """The clips that the bridge which moved them was not fitted on.

        Raises
        ------
        InputError
            Nothing tells which were fitted, or all were.
        """
        if self.fitted is None:
            raise InputError(
                f"{self.name}: does not say which clips were fitted on; move the pairs with `gapkit transform`, "
                "which says it"
            )
        if self.fitted.all():
            raise InputError(
                f"{self.name}: all {len(self):,} clips were fitted on and none is held out; "
                "measure others, or fit with --hold-out 30%"
            )
        return self.take(np.flatnonzero(~self.fitted))

    def expanded(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One source row for each target row, (m, d) twice: what a paired bridge is fitted on."""
        return self.source[self.owner], self.target

    def content_hash(self) -> str:
        """blake2b over both arrays, owner and split: the same data give the same 32 hex digits."""
        return content_hash(self.source, self.target, self.owner, self.split)


def content_hash(*arrays: NDArray[Any] | None) -> str:
    """blake2b over shapes, types and contents of the arrays that are there: 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if array is not None:
            digest.update(f"{array.shape}{array.dtype.str}".encode())
            for start in range(0, len(array), HASHED):
                digest.update(np.ascontiguousarray(array[start : start + HASHED]).tobytes())
                let_go(file_of(array))
    return digest.hexdigest()
