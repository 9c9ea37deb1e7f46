"""Folds, splits and halves that keep the items of a group together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.statistics.groups import Groups

STARTS = 3
"""Random starts of which the best is taken where chains have to be parted."""

ROUNDS = 15
"""Rounds of moving items to the part that holds most of their groups."""

SHARPNESS = 2
"""Power of the share of a group that a part holds: a group that is nearly whole pulls more than two halves do."""


@dataclass(frozen=True)
class Partition:
    """Part of each item.

    Parameters
    ----------
    part : array of shape (n,), int64
    parted : int
        Groups with items in more than one part.
    mixed : int
        Items that share a group with an item of another part.
    n_groups : int
    """

    part: NDArray[np.int64] = field(repr=False)
    parted: int
    mixed: int
    n_groups: int

    @property
    def note(self) -> str | None:
        """Note on what could not be kept apart, for a table; None where nothing was parted."""
        if not self.parted:
            return None
        return (
            f"shared groups chain the items together: {self.parted:,} of {self.n_groups:,} groups lie in more than one "
            f"part, with {self.mixed:,} of {len(self.part):,} items"
        )


def folds(groups: Groups, k: int, seed: int | Sequence[int], *, together: ArrayLike | None = None) -> Partition:
    """Deal items to folds of like size so that no group is parted, as far as chains of shared groups allow.

    Parameters
    ----------
    groups : Groups
    k : int
        Number of folds, at least 2; no more are made than there are groups (or chains).
    seed : int or sequence of int
        Where every item is its own group the fold of item i is ``default_rng(seed).permutation(n)[i] % k``.
    together : array-like of shape (n,), optional
        Items of equal labels are in one fold whatever the groups say.

    Returns
    -------
    Partition
        Large groups are dealt first, each to the fold with the fewest items; where groups chain more than half of the
        items together, see `split`.

    Raises
    ------
    InputError
        k < 2, or fewer than 2 groups (or chains) to deal.

    Examples
    --------
    >>> folds(Groups.from_labels(list("aabbcd")), 2, seed=0).parted
    0
    """
    k = whole("folds", k, 2)
    joined = _joined(groups, together)
    if joined.chained:
        return _counted(groups, _cut(groups, np.full(k, 1 / k), seed, together))
    chain = joined.components
    sizes = np.bincount(chain)
    if len(sizes) < 2:
        raise InputError("folds: all items have one group; folds need at least 2 groups")
    return _counted(groups, _dealt(sizes, min(k, len(sizes)), np.random.default_rng(seed))[chain])


def split(groups: Groups, shares: Sequence[float], seed: int, *, together: ArrayLike | None = None) -> Partition:
    """Draw parts of given shares so that no group is parted, as far as chains of shared groups allow.

    Parameters
    ----------
    groups : Groups
    shares : sequence of float
        Share of the items of each part; the last takes what is left.
    seed : int
    together : array-like of shape (n,), optional
        Items of equal labels are in one part whatever the groups say.

    Returns
    -------
    Partition
        Drawn by `draw`. Where groups chain more than half of the items together, items move, from random starts, to the
        part that holds most of their groups, as long as there is room (balanced label propagation); the count of groups
        that are parted all the same comes with it.

    References
    ----------
    Ugander & Backstrom (2013), Balanced label propagation for partitioning massive graphs, WSDM.

    Examples
    --------
    >>> split(Groups.from_labels(list("aabbcc")), (0.34, 0.66), seed=0).part.tolist()
    [1, 1, 1, 1, 0, 0]
    """
    joined = _joined(groups, together)
    if joined.chained:
        return _counted(groups, _cut(groups, np.asarray(shares, dtype=np.float64), seed, together))
    part = np.empty(len(groups), dtype=np.int64)
    for number, items in enumerate(draw(joined.components, tuple(shares), seed=seed)):
        part[items] = number
    return _counted(groups, part)


def draw(groups: NDArray[np.int64], shares: tuple[float, ...], *, seed: int) -> list[NDArray[np.int64]]:
    """Part items at random so that no group is torn.

    Parameters
    ----------
    groups : array of shape (n,)
        Group of each item.
    shares : tuple of float
        Share of the items of each part, filled in this order; the last takes what is left.
    seed : int

    Returns
    -------
    list of arrays
        Item numbers of each part, ascending. A group that would overfill a part goes to a later one.
    """
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    part_of = np.full(len(names), len(shares) - 1)
    room = [share * len(groups) for share in shares[:-1]]
    part = 0
    for group in order:
        while part < len(room) and room[part] < 0.5:
            part += 1
        fits = next((p for p in range(part, len(room)) if sizes[group] <= max(room[p], 1)), len(room))
        part_of[group] = fits
        if fits < len(room):
            room[fits] -= sizes[group]
    return [np.flatnonzero(part_of[inverse] == part) for part in range(len(shares))]


def _joined(groups: Groups, together: ArrayLike | None) -> Groups:
    """The groups and, as one more group of each item, its label."""
    if together is None:
        return groups
    labels = np.unique(np.asarray(together), return_inverse=True)[1] + groups.n_groups
    number = np.insert(groups.number, groups.start[1:], labels)
    return Groups(groups.start + np.arange(len(groups) + 1), number, int(labels.max()) + 1)


def _counted(groups: Groups, part: NDArray[np.int64]) -> Partition:
    held = groups.incidence.T @ _indicator(part, int(part.max()) + 1)
    parted = (held > 0).sum(axis=1) > 1
    mixed = groups.incidence @ parted.astype(np.float64) > 0
    return Partition(part, int(parted.sum()), int(mixed.sum()), groups.n_groups)


def _indicator(part: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    return np.asarray(part[:, None] == np.arange(k), dtype=np.float64)


def _dealt(sizes: NDArray[np.int64], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Fold of each group: the largest first, each to the fold with the fewest items, groups of one size at random."""
    rank = rng.permutation(len(sizes))
    fold = np.empty(len(sizes), dtype=np.int64)
    held = np.zeros(k, dtype=np.int64)
    for size in np.unique(sizes)[::-1]:
        own = np.flatnonzero(sizes == size)
        own = own[np.argsort(rank[own])]
        # One by one, each of these groups goes where there is the least; the same for all at once.
        turns = np.minimum(len(own), (held.max() - held) // size + len(own) // k + 2)
        folds = np.repeat(np.arange(k), turns)
        level = held[folds] + size * (np.arange(len(folds)) - np.repeat(np.cumsum(turns) - turns, turns))
        fold[own] = folds[np.lexsort((folds, level))[: len(own)]]
        held += size * np.bincount(fold[own], minlength=k)
    return fold


def _cut(
    groups: Groups, shares: NDArray[np.float64], seed: int | Sequence[int], together: ArrayLike | None
) -> NDArray[np.int64]:
    """Part of each item where chains have to be cut; the fewest groups parted of some starts."""
    rng = np.random.default_rng(seed)
    unit = groups.sets if together is None else np.unique(np.asarray(together), return_inverse=True)[1]
    sizes = np.bincount(unit).astype(np.float64)
    from scipy.sparse import csr_array

    members = csr_array((np.ones(len(unit)), (unit, np.arange(len(unit)))), shape=(len(sizes), len(unit)))
    held: Any = members @ groups.incidence
    room = shares / shares.sum() * len(groups)
    found: list[tuple[int, NDArray[np.int64]]] = []
    for _ in range(STARTS):
        part = _filled(rng.random((len(sizes), len(shares))), sizes, room)
        for _ in range(ROUNDS):
            share = (held.T @ _indicator(part, len(shares))) / groups.sizes[:, None]
            found.append((int((share > 0).sum() - len(share)), part))
            part = _filled(held @ share**SHARPNESS + 1e-9 * rng.random((len(sizes), len(shares))), sizes, room)
    return min(found, key=lambda one: one[0])[1][unit]


def _filled(score: NDArray[np.float64], sizes: NDArray[np.float64], room: NDArray[np.float64]) -> NDArray[np.int64]:
    """Part of each unit: its best by the score as long as there is room, those first that lose most by another."""
    part = np.full(len(sizes), -1)
    left, room = np.arange(len(sizes)), room.copy()
    while len(left) and (room >= 0.5).any():
        some = np.where(room >= 0.5, score[left], -np.inf)
        best = some.argmax(axis=1)
        ranked = np.sort(some, axis=1)
        order = np.argsort(-(ranked[:, -1] - ranked[:, -2]), kind="stable")
        for number in np.flatnonzero(room >= 0.5):
            mine = left[order[best[order] == number]]
            # The unit that reaches the edge goes in where more than half of it fits.
            taken = mine[np.cumsum(sizes[mine]) - sizes[mine] / 2 <= room[number]]
            part[taken] = number
            room[number] = room[number] - sizes[taken].sum() if len(taken) == len(mine) else 0.0
        left = left[part[left] < 0]
    part[left] = len(room) - 1
    return part
