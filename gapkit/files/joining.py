"""Two sides become pairs: joined by the names of their items, or by position where they have none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.grouping import in_order_of, per_item
from gapkit.files.name_forms import renamed
from gapkit.files.names import OF_ITEMS
from gapkit.files.sides import Side
from gapkit.memory_map import file_of, rows_of

Join = Literal["all", "inner"]
"""Items to take: all, which both sides must have; or those that both have."""


@dataclass(kw_only=True)
class Joined:
    """Pairs, and how they were joined.

    Parameters
    ----------
    source : array of shape (n, d)
    target : array of shape (m, d)
    owner : array of shape (m,) of int
    items : dict of str to array
        `OF_ITEMS` parts that are known, each (n,).
    captions : array of shape (m,) or None
    said : list of str
        In words, one a step.
    """

    source: NDArray[Any]
    target: NDArray[Any]
    owner: NDArray[np.int64] | None
    items: dict[str, NDArray[Any]] = field(default_factory=dict)
    captions: NDArray[Any] | None = None
    said: list[str] = field(default_factory=list)


def check_join(join: str) -> None:
    """Refuse what is no way to join.

    Raises
    ------
    InputError
    """
    if join not in get_args(Join):
        raise InputError(f"join: expected 'all' or 'inner', got {join!r}")


def join_sides(source: Side, target: Side, *, join: Join, owner: NDArray[Any] | None = None) -> Joined:
    """Pairs of two sides.

    Parameters
    ----------
    source, target : Side
    join : {"all", "inner"}
    owner : array of shape (m,) of int, optional
        Row of the source that each target row describes; it goes before what the sides say.

    Raises
    ------
    InputError
        Names or rows that do not fit each other, and parts that both sides have and that differ.
    """
    assert source.rows is not None
    assert target.rows is not None
    if owner is not None:
        return _by_owner(source, target, owner)
    if source.ids is not None and target.ids is not None:
        return _by_name(source, target, join)
    return _by_position(source, target)


def _by_name(source: Side, target: Side, join: Join) -> Joined:
    target, here, there, kept = _matched(source, target, join)
    assert source.rows is not None
    assert target.rows is not None
    theirs = np.arange(target.count) if target.owner is None else target.owner
    place = np.full(target.count, -1, dtype=np.int64)
    place[there] = np.arange(len(there))
    chosen = np.flatnonzero(place[theirs] >= 0)
    owner = place[theirs[chosen]]
    # One to one: row i is to describe row i; what lies on disk stays there, and owner tells.
    if target.owner is None and len(owner) == len(here) and file_of(target.rows) is None:
        chosen, owner = chosen[np.argsort(owner, kind="stable")], np.arange(len(owner))
    everything = len(here) == source.count and bool((here == np.arange(source.count)).all())
    same = len(chosen) == len(target.rows) and bool((chosen == np.arange(len(chosen))).all())
    made = Joined(
        source=source.rows if everything else rows_of(source.rows, here),
        target=target.rows if same else rows_of(target.rows, chosen),
        owner=owner,
        said=[kept],
    )
    _merge(made, source, here, target, there)
    made.captions = _captions(made, target, chosen, source, here)
    return made


def _matched(source: Side, target: Side, join: Join) -> tuple[Side, NDArray[np.int64], NDArray[np.int64], str]:
    """The target under the names of the source, items of the source that are taken, of the target, and in words."""
    assert source.ids is not None
    assert target.ids is not None
    form = "id"
    if found := renamed(target.ids.tolist(), source.ids.tolist()):
        names, form = found
        target = replace(target, items={**target.items, "ids": np.array(names)})
    assert target.ids is not None
    place = {str(name): row for row, name in enumerate(target.ids)}
    there = np.array([place.get(str(name), -1) for name in source.ids], dtype=np.int64)
    here = np.flatnonzero(there >= 0)
    unmatched = np.ones(target.count, dtype=np.bool_)
    unmatched[there[here]] = False
    faults = [(source.where, target.where, source.ids[there < 0]), (target.where, source.where, target.ids[unmatched])]
    if not len(here):
        raise InputError(
            f"{source.where} and {target.where} have no id in common (first: {str(source.ids[0])!r} and "
            f"{str(target.ids[0])!r}); write the same ids on both sides"
        )
    if join == "all":
        for where, other, lacking in faults:
            if len(lacking):
                shown = ", ".join(map(repr, map(str, lacking[:3])))
                raise InputError(
                    f"{other}: lacks {len(lacking)} of the {len(lacking) + len(here)} ids of {where} (first: {shown}); "
                    "add them, or take what both have with join='inner' (--join inner)"
                )
    said = f"joined by {form}; {len(here)} of {source.count}"
    if len(here) < source.count or unmatched.any():
        said += f" source items and {len(here)} of {target.count} target items"
    return target, here, there[here], said


def _by_owner(source: Side, target: Side, owner: NDArray[Any]) -> Joined:
    """Rows as `owner` says; what both sides know of the items is held against each other as far as that goes."""
    assert source.rows is not None
    assert target.rows is not None
    made = Joined(source=source.rows, target=target.rows, owner=owner, said=["joined by owner"])
    made.items = dict(source.items)
    m, n = len(target.rows), source.count
    if owner.shape != (m,) or owner.dtype.kind not in "iu":
        raise InputError(
            f"{target.where}: owner needs one integer a target row ({m}), got shape {owner.shape} of {owner.dtype}; "
            "or one id a target row"
        )
    if owner.min() < 0 or owner.max() >= n:
        raise InputError(f"owner must lie in 0..{n - 1} (rows of {source.where}), got {owner.min()}..{owner.max()}")
    made.captions = target.captions
    if made.captions is None and source.captions is not None and len(source.captions) == len(owner):
        made.captions = source.captions
    for part, values in target.items.items():
        if part == "ids" or part in made.items or len(values) != target.count:
            continue
        rows = values if target.owner is None else values[target.owner]
        if len(np.unique(owner)) == source.count:
            made.items[part] = per_item(rows, owner.astype(np.int64), f"{target.where}: {part}")
    if contradicted := _contradicted(source, target, owner):
        made.said.append(contradicted)
    return made


def _contradicted(source: Side, target: Side, owner: NDArray[Any]) -> str:
    """Target rows whose own id names another item than `owner` does, in words; empty where the ids share no name."""
    ours, theirs = source.ids, target.ids
    if ours is None or theirs is None:
        return ""
    rows = theirs if target.owner is None else theirs[target.owner]
    if len(rows) != len(owner) or not np.isin(rows, ours).any():
        return ""
    differ = np.flatnonzero(rows != ours[owner])
    if not len(differ):
        return ""
    row = differ[0]
    return (
        f"ids of {len(differ):,} of {len(owner):,} target rows name another item (first: row {row} is '{rows[row]}', "
        f"owner gives it to '{ours[owner[row]]}'); leave --owner out to join by id"
    )


def _by_position(source: Side, target: Side) -> Joined:
    assert source.rows is not None
    assert target.rows is not None
    m, n = len(target.rows), source.count
    rows, owner = source.rows, target.owner
    nameless = [side.where for side in (source, target) if side.ids is None]
    why = "neither side has ids" if len(nameless) == 2 else f"{nameless[0]} has no ids"
    said = f"joined by position: {why}"
    if owner is None and source.owner is not None and len(source.owner) == m:
        owner, said = source.owner, "joined by owner"
        target = Side(
            where=target.where, count=n, rows=target.rows, items=_by_item(target, owner), captions=target.captions
        )
    elif target.count != n and owner is not None and n == m:
        rows = _folded(source, target)
        source = Side(where=source.where, count=target.count, rows=rows, items=_by_item(source, owner))
        said = f"joined by position: {why}; a source row a target row, brought to {target.count} items"
    elif owner is not None and (target.count > n or (target.count < n and target.items)):
        raise InputError(_counts(source, target))
    elif owner is None and n != m:
        raise InputError(
            f"{source.where} and {target.where}: {n} source rows but {m} target rows; give `owner`, the source row of "
            "each target row (--owner), or ids on both sides; two sets that are not pairs are measured with --unpaired"
        )
    assert target.rows is not None
    made = Joined(source=rows, target=target.rows, owner=owner, said=[said])
    every = np.arange(source.count)
    _merge(made, source, every, target, every)
    made.captions = _captions(made, target, np.arange(m), source, every)
    return made


def _by_item(side: Side, owner: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Texts of the rows of a side, one an item."""
    return {part: per_item(values, owner, f"{side.where}: {part}") for part, values in side.items.items()}


def _counts(source: Side, target: Side) -> str:
    return (
        f"{target.where}: names {target.count} items, but there are {source.count} source rows in {source.where}; "
        "give one source row an item, or ids on both sides"
    )


def _folded(source: Side, target: Side) -> NDArray[Any]:
    """Source rows that are repeated for each target, one an item."""
    assert source.rows is not None
    assert target.owner is not None
    try:
        return per_item(source.rows, target.owner, source.where)
    except InputError:
        raise InputError(
            f"{source.where}: has {source.count} rows, as many as {target.where} has target rows, and those of "
            f"one item differ; expected {target.count} rows, one for each item"
        ) from None


def _merge(made: Joined, source: Side, here: NDArray[np.int64], target: Side, there: NDArray[np.int64]) -> None:
    """Texts of the items from both sides, which must agree where both have them."""
    for part in OF_ITEMS:
        ours, theirs = source.items.get(part), target.items.get(part)
        if part == "fitted" and ours is not None:
            theirs = None  # the target tells of the rows that these were moved from
        if theirs is not None and len(theirs) == target.count and target.count >= len(there):
            theirs = theirs[there]
        if ours is not None and len(here) < len(ours):
            ours = ours[here]
        made.items |= merged(part, ours, source.where, theirs, target.where, made.items.get("ids"))


def merged(
    part: str, ours: NDArray[Any] | None, where: str, theirs: NDArray[Any] | None, other: str, ids: NDArray[Any] | None
) -> dict[str, NDArray[Any]]:
    """One of two lists that must agree, under its name; nothing where there is neither.

    Raises
    ------
    InputError
    """
    if ours is None or theirs is None:
        return {} if ours is None and theirs is None else {part: ours if ours is not None else theirs}  # type: ignore[dict-item]
    odd = np.flatnonzero(ours != theirs)
    if len(odd):
        row = int(odd[0])
        called = f"item {str(ids[row])!r}" if ids is not None and len(ids) == len(ours) else f"row {row}"
        raise InputError(
            f"{where} and {other}: {part} of {len(odd)} of {len(ours)} differ (first: {called}, {str(ours[row])!r} and "
            f"{str(theirs[row])!r}); leave one of them out"
        )
    return {part: ours}


def _captions(
    made: Joined, target: Side, chosen: NDArray[np.int64], source: Side, here: NDArray[np.int64]
) -> NDArray[Any] | None:
    """Text of each target row: of the target side, or of the source side, the k-th of an item to its k-th target."""
    ours = target.captions
    if ours is not None and len(ours) == len(target.rows if target.rows is not None else ours):
        ours = ours[chosen]
    if source.captions is None:
        return ours
    told = np.arange(source.count) if source.owner is None else source.owner
    owner = np.arange(len(made.target)) if made.owner is None else made.owner
    if len(told) != len(source.captions):
        return source.captions if ours is None and len(source.captions) == len(owner) else ours
    place = np.full(source.count, -1, dtype=np.int64)
    place[here] = np.arange(len(here))
    theirs = in_order_of(owner, place[told], source.captions)
    if theirs is None or ours is None or len(ours) != len(theirs):
        return theirs if ours is None else ours
    return merged("captions", theirs, source.where, ours, target.where, None)["captions"]


def add_table(made: Joined, table: Side, *, join: Join) -> None:
    """Give joined pairs the texts of a table: by the ids of the items, or row by row where one of them has none.

    Raises
    ------
    InputError
        Ids, counts or texts that do not fit each other.
    """
    assert table.captions is not None
    m = len(made.target)
    owner = np.arange(m) if made.owner is None else made.owner
    ids = made.items.get("ids")
    if ids is None or table.ids is None:
        if len(table.captions) != m:
            raise InputError(
                f"{table.where}: expected one caption for each of {m} target rows, got {len(table.captions)}"
            )
        rows = np.arange(m) if table.owner is None else table.owner
        given = {
            part: per_item(values[rows], owner, f"{table.where}: column {part}") for part, values in table.items.items()
        }
        made.captions = table.captions
        made.said.append("captions row by row")
    else:
        known = Side(where="the pairs", count=len(ids), items={"ids": ids})
        table, here, there, said = _matched(known, table, join)
        assert table.captions is not None
        if len(here) < len(ids):
            _keep(made, here)
            owner = np.arange(len(made.target)) if made.owner is None else made.owner
        place = np.full(table.count, -1, dtype=np.int64)
        place[there] = np.arange(len(there))
        told = np.arange(table.count) if table.owner is None else table.owner
        texts = in_order_of(owner, place[told], table.captions)
        if texts is None:
            counts = (
                np.bincount(owner, minlength=len(here)),
                np.bincount(place[told][place[told] >= 0], minlength=len(here)),
            )
            odd = int(np.flatnonzero(counts[0] != counts[1])[0])
            raise InputError(
                f"{table.where}: has {counts[1][odd]} captions of {str(ids[here[odd]])!r}, which has {counts[0][odd]} "
                "target rows; expected one caption a target row"
            )
        made.captions = texts
        given = {part: values[there] for part, values in table.items.items()}
        made.said.append(f"captions {said}")
    for part, values in given.items():
        made.items |= merged(part, made.items.get(part), "the pairs", values, table.where, made.items.get("ids"))


def add_groups(made: Joined, groups: Side) -> None:
    """Give joined pairs the groups of a table: by the ids of the items, or row by row where one of them has none.

    Raises
    ------
    InputError
        Items without a group, or another number of groups than of items.
    """
    cells, ids = groups.items["groups"], made.items.get("ids")
    n = len(made.source)
    owner = np.arange(len(made.target)) if made.owner is None else made.owner
    if ids is not None and groups.ids is not None:
        place = {str(name): row for row, name in enumerate(groups.ids)}
        missing = [str(name) for name in ids if str(name) not in place]
        if missing:
            raise InputError(
                f"{groups.where}: {len(missing):,} of {n:,} items have no group (first: {', '.join(missing[:3])}); "
                "give each item a group, and an item that shares its origin with no other a name of its own"
            )
        made.items["groups"] = cells[[place[str(name)] for name in ids]]
        made.said.append("groups by id")
    elif len(cells) == n:
        made.items["groups"] = cells
        made.said.append("groups row by row")
    elif len(cells) == len(owner):
        made.items["groups"] = per_item(cells, owner, groups.where)
        made.said.append("groups row by row")
    else:
        raise InputError(f"{groups.where}: expected the groups of {n:,} items, got {len(cells):,}")


def _keep(made: Joined, items: NDArray[np.int64]) -> None:
    """Some of the items, with their targets."""
    place = np.full(len(made.source), -1, dtype=np.int64)
    place[items] = np.arange(len(items))
    owner = np.arange(len(made.target)) if made.owner is None else made.owner
    rows = np.flatnonzero(place[owner] >= 0)
    made.source, made.target, made.owner = rows_of(made.source, items), rows_of(made.target, rows), place[owner[rows]]
    made.items = {part: values[items] for part, values in made.items.items()}
    made.captions = None if made.captions is None else made.captions[rows]
