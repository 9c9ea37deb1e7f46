"""Origins of items: which of them share a recording, a product, a speaker, and are therefore not independent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError

SEPARATOR = "|"
"""Between the groups of one item in a cell of a table."""

FEW = 20
"""With fewer effective groups an interval is rough and says so."""

FEWEST = 2.5
"""With fewer effective groups there is no interval: one or two origins tell nothing of others."""


@dataclass(frozen=True, eq=False, repr=False)
class Groups:
    """The groups of each item, one or several.

    Make one with `from_labels` or `from_cells`. Groups are numbered in order of first appearance, so that items with a
    group each keep their order.

    Parameters
    ----------
    start : array of shape (n + 1,), int64
        Groups of item i are ``number[start[i]:start[i + 1]]``.
    number : array of shape (sum of groups of all items,), int64
        Group numbers, ascending within an item, none twice.
    n_groups : int

    Examples
    --------
    >>> groups = Groups.from_cells(["rain|dog", "dog", "car"])
    >>> groups
    Groups(3 items in 3 groups, 1 to 2 groups an item)
    >>> groups.shares(0, 1), groups.shares(0, 2)
    (True, False)
    """

    start: NDArray[np.int64]
    number: NDArray[np.int64]
    n_groups: int

    @classmethod
    def from_labels(cls, labels: Iterable[Any]) -> Groups:
        """Groups from one label an item, or from a list of labels an item.

        Parameters
        ----------
        labels : iterable of length n
            Texts or whole numbers, or sequences of them. A label that an item has twice counts once.

        Raises
        ------
        InputError
            No items, an item without a label, or labels that are neither text nor whole numbers.

        Examples
        --------
        >>> Groups.from_labels([7, 7, 9]).n_groups
        2
        """
        if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "iu" and len(labels):
            number = _by_appearance(labels)
            return cls(np.arange(len(labels) + 1), number, int(number.max()) + 1)
        given = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
        lists = [list(own) if isinstance(own, list | tuple | set | frozenset | np.ndarray) else [own] for own in given]
        if not lists:
            raise InputError("groups: expected a group for each item, got no items")
        counts = np.fromiter((len(own) for own in lists), np.int64, len(lists))
        flat = [label for own in lists for label in own]
        item = np.repeat(np.arange(len(lists)), counts)
        missing = np.fromiter((_is_missing(label) for label in flat), bool, len(flat))
        without = np.union1d(np.flatnonzero(counts == 0), item[missing])
        if len(without):
            raise InputError(
                f"groups: {len(without)} of {len(lists)} items have no group (first: row {without[0]}); "
                "give each item a group, and an item that shares its origin with no other a name of its own"
            )
        kinds = {type(label) for label in flat}
        if not all(issubclass(kind, str | int | np.integer) and kind is not bool for kind in kinds):
            raise InputError(
                "groups: expected texts or whole numbers as labels, got "
                + ", ".join(sorted(kind.__name__ for kind in kinds))
            )
        first: dict[str, int] = {}
        number = np.fromiter((first.setdefault(str(label), len(first)) for label in flat), np.int64, len(flat))
        once = np.unique(np.stack([item, number], axis=1), axis=0)
        start = np.concatenate([[0], np.cumsum(np.bincount(once[:, 0], minlength=len(lists)))])
        return cls(start.astype(np.int64), once[:, 1], len(first))

    @classmethod
    def from_cells(cls, cells: Iterable[Any], *, separator: str = SEPARATOR) -> Groups:
        """Groups from a column of a table.

        Parameters
        ----------
        cells : iterable of length n
            ``"rain"``, ``"rain|dog"`` or ``'["rain", "dog"]'``; cells that hold lists or whole numbers are taken as
            they are. Space around a label does not count, and an empty label is none.
        separator : str

        Raises
        ------
        InputError
            As for `from_labels`; a cell that opens like a list and is none is read as text.
        """
        given = cells.tolist() if isinstance(cells, np.ndarray) else list(cells)
        return cls.from_labels([_labels_of(cell, separator) if isinstance(cell, str) else cell for cell in given])

    def __len__(self) -> int:
        """Number of items, n."""
        return len(self.start) - 1

    def __repr__(self) -> str:
        return f"Groups({self.summary})"

    @property
    def summary(self) -> str:
        """The line for a table: items, groups, and the effective number where it is much smaller."""
        least, most = int(self.per_item.min()), int(self.per_item.max())
        several = ""
        if most > 1:
            several = f", {least} to {most} groups an item" if least < most else f", {most} groups an item"
        return f"{len(self):,} items in {self.count}{several}"

    @property
    def count(self) -> str:
        """Number of groups in words, with the effective one where it is much smaller."""
        few = f" (effective number {self.n_effective:,.0f})" if self.n_effective < 0.8 * self.n_groups else ""
        return f"{self.n_groups:,} group{'s' * (self.n_groups != 1)}{few}"

    @property
    def per_item(self) -> NDArray[np.int64]:
        """Number of groups of each item, (n,)."""
        return np.diff(self.start)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of items of each group, (n_groups,)."""
        return np.bincount(self.number, minlength=self.n_groups)

    @property
    def single(self) -> bool:
        """True where each item has one group."""
        return len(self.number) == len(self)

    @property
    def apart(self) -> bool:
        """True where no two items share a group: then groups change nothing."""
        return self.n_groups == len(self) and self.single

    @property
    def n_effective(self) -> float:
        """Number of groups of one size that tell as much: ``(sum of sizes)^2 / sum of squared sizes``.

        Kish (1965). It is the number of groups where sizes are equal, and near 1 where one group holds nearly all.
        """
        return float(self.sizes.sum() ** 2 / (self.sizes.astype(np.float64) ** 2).sum())

    @cached_property
    def n_independent(self) -> float:
        """Number of independent items whose mean varies as much as that of these items, at worst.

        With values that are nothing but effects of groups, ``x_i = sum of its groups' effects / sqrt(their number)``
        of variance 1, the mean of all has the variance ``1 / n_independent``. It is n where no items share a group.
        """
        share = np.bincount(self.number, weights=np.repeat(self.per_item**-0.5, self.per_item))
        return float(len(self) ** 2 / (share**2).sum())

    @property
    def no_interval(self) -> str | None:
        """The reason why there is no interval; None where there is one."""
        if self.apart or (self.n_groups > 2 and self.n_effective >= FEWEST):
            return None
        if self.n_groups <= 2:
            return f"{self.n_groups} group{'s' * (self.n_groups > 1)}: an interval needs 3 or more"
        return f"one of {self.n_groups} groups holds nearly all items: an interval needs 3 or more of like size"

    @property
    def caution(self) -> str | None:
        """A warning where the effective number of groups is below `FEW`; None otherwise."""
        if self.apart or self.n_effective >= FEW or self.no_interval:
            return None
        return f"few groups (effective number {self.n_effective:.0f}): the interval is rough"

    def take(self, items: ArrayLike) -> Groups:
        """The groups of some items, in the order given, numbered anew."""
        rows = np.asarray(items, dtype=np.int64)
        counts = self.per_item[rows]
        stop = np.cumsum(counts)
        at = np.arange(stop[-1] if len(stop) else 0) + np.repeat(self.start[rows] - (stop - counts), counts)
        kept, first, inverse = np.unique(self.number[at], return_index=True, return_inverse=True)
        rank = np.empty(len(kept), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(kept))
        item, number = np.repeat(np.arange(len(rows)), counts), rank[inverse]
        order = np.lexsort((number, item))
        return Groups(np.concatenate([[0], stop]).astype(np.int64), number[order], len(kept))

    def shares(self, i: int, j: int) -> bool:
        """True where items i and j have a group in common."""
        return bool(np.isin(self._of(i), self._of(j)).any())

    def _of(self, item: int) -> NDArray[np.int64]:
        return self.number[self.start[item] : self.start[item + 1]]

    @cached_property
    def incidence(self) -> Any:
        """Sparse matrix of ones, (n, n_groups), float64: row i has those of item i's groups."""
        from scipy.sparse import csr_array

        return csr_array((np.ones(len(self.number)), self.number, self.start), shape=(len(self), self.n_groups))

    @cached_property
    def sets(self) -> NDArray[np.int64]:
        """A number for each item, (n,): equal where items have the very same groups; in order of first appearance."""
        if self.single:
            return self.number
        wide = np.full((len(self), int(self.per_item.max())), -1, dtype=np.int64)
        wide[np.arange(wide.shape[1]) < self.per_item[:, None]] = self.number
        return _by_appearance(np.unique(wide, axis=0, return_inverse=True)[1].ravel())

    @cached_property
    def components(self) -> NDArray[np.int64]:
        """A number for each item, (n,): equal where items are joined by shared groups, directly or through others."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if self.single:
            return self.number
        n = len(self)
        item = np.repeat(np.arange(n), self.per_item)
        size = n + self.n_groups
        graph = coo_array((np.ones(len(item), dtype=np.int8), (item, self.number + n)), shape=(size, size))
        return _by_appearance(connected_components(graph, directed=False)[1][:n])

    @property
    def chained(self) -> bool:
        """True where shared groups chain more than half of the items together, which no draw of whole chains can part.

        One group that holds more than half of the items by itself is no chain.
        """
        return not self.single and bool(np.bincount(self.components).max() > len(self) / 2)


def cells_of(labels: Iterable[Any]) -> NDArray[np.str_]:
    """Labels as text, one cell an item, which `Groups.from_cells` reads.

    Parameters
    ----------
    labels : iterable of length n, or array of shape (n, k)
        One label an item or a list of labels. In rows of whole numbers those below zero stand for no label.

    Raises
    ------
    InputError
        Labels that are neither text nor whole numbers.

    Examples
    --------
    >>> cells_of([["rain", "dog"], "car", 7]).tolist()
    ['rain|dog', 'car', '7']
    """
    given = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    several = isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.dtype.kind in "iu"
    cells = []
    for own in given:
        listed = own if isinstance(own, list | tuple | set | frozenset | np.ndarray) else [own]
        texts = []
        for label in listed:
            if isinstance(label, bool) or not (isinstance(label, str | int | np.integer) or _is_missing(label)):
                raise InputError(
                    f"groups: expected texts or whole numbers as labels, got {label!r:.60} of {type(label).__name__}"
                )
            if not _is_missing(label) and not (several and label < 0):
                texts.append(str(label))
        plain = not any(SEPARATOR in text for text in texts) or (listed is not own and len(texts) == 1)
        cells.append(SEPARATOR.join(texts) if plain else json.dumps(texts, ensure_ascii=False))
    return np.array(cells, dtype=np.str_).reshape(len(cells))


def _by_appearance(labels: NDArray[Any]) -> NDArray[np.int64]:
    """The same labels as numbers in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse]
    return numbered


def _is_missing(label: Any) -> bool:
    return label is None or label == "" or (isinstance(label, float) and label != label)


def _labels_of(cell: str, separator: str) -> Sequence[Any]:
    if cell.lstrip().startswith("["):
        try:
            listed = json.loads(cell)
        except ValueError:
            pass
        else:
            return [label.strip() if isinstance(label, str) else label for label in listed]
    return [label.strip() for label in cell.split(separator) if label.strip()]
