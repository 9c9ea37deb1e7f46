"""The question of a study in a sentence, and its answer in words, made from the numbers of its table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gapkit.comparison.differences import LEVEL
from gapkit.comparison.results import Results
from gapkit.errors import InputError
from gapkit.report import Column, Entry, Table

CLOSURE = ("cosine", "centroid-distance", "mmd")
"""Metrics that say how near the clips come, the first of them that the table has; otherwise any of the group."""
KEPT = ("recall@10", "recall@1", "map@10", "cosine-margin")
"""The same for what is kept."""
AS_IT_IS = ("cosine", "centroid-distance", "separability")
"""Metrics that tell of the gap as it is."""

Rows = dict[str, dict[str, Entry]]


def question(name: str, clips: int, bridges: Sequence[str], unit: str) -> str:
    """What the study asks."""
    which = bridges[0] if len(bridges) == 1 else f"each of {len(bridges)} bridges" if bridges else "nothing but anchors"
    verb = "do" if not bridges else "does"
    return f"How near {verb} {which} bring {clips:,} clips of {name} to their {unit}s, and what is lost on the way?"


def answers(results: Results, table: Table, unit: str) -> tuple[str, ...]:
    """What the table says, a sentence or two each; what it cannot say is left out.

    Parameters
    ----------
    results : Results
        For the differences on common resamples.
    table : Table
        Of these results.
    unit : str
        What a clip is moved towards.

    Returns
    -------
    tuple of str
    """
    rows: Rows = {
        row.name: {c.name: e for c, e in zip(table.columns, row.entries, strict=True) if not math.isnan(e.value)}
        for own in table.blocks.values()
        for row in own
    }
    bridges = [row.name for block, own in table.blocks.items() if block != "anchor" for row in own]
    near, kept = _column(table, CLOSURE, "closure"), _column(table, KEPT, "preservation")
    lines = [*_as_it_is(table, rows)]
    if near is not None:
        lines += _first(results, rows, bridges, near, f"Nearest to the {unit}s")
        lines += _shrunk(rows, bridges, near, kept)
    if kept is not None:
        lines += _first(results, rows, bridges, kept, "Most is kept")
        lines += _lost(results, bridges, kept)
    if near is not None and kept is not None:
        lines += _frontier(rows, bridges, near, kept)
    return tuple(lines)


def _column(table: Table, wanted: Sequence[str], group: str) -> Column | None:
    known = {column.name: column for column in table.columns if column.better != "none"}
    found = [known[name] for name in wanted if name in known]
    found += [column for column in known.values() if column.group == group]
    return found[0] if found else None


def _as_it_is(table: Table, rows: Rows) -> Iterator[str]:
    own = rows.get("identity", {})
    told = [f"{_label(c)} {_number(c, own[c.name])}" for c in table.columns if c.name in AS_IT_IS and c.name in own]
    if told:
        yield f"The gap without a bridge: {', '.join(told)}."


def _first(results: Results, rows: Rows, bridges: Sequence[str], column: Column, opening: str) -> Iterator[str]:
    """Who is ahead, and whether the next is behind by more than the chance of the clips."""
    known = {name: rows[name][column.name] for name in bridges if column.name in rows[name]}
    order = sorted(known, key=lambda name: column.merit(known[name].value), reverse=True)
    if not order:
        return
    without = rows.get("identity", {}).get(column.name)
    than = f" ({_number(column, without)} without a bridge)" if without is not None else ""
    line = f"{opening}: {order[0]}, {_label(column)} {_number(column, known[order[0]])}{than}."
    if len(order) > 1:
        line += f" Next is {order[1]}, {_number(column, known[order[1]])}"
        try:
            apart = results.difference(order[0], order[1], column.name)
            interval = f"{column.text(apart.low)} to {column.text(apart.high)}"
            chance = "" if apart.low > 0 or apart.high < 0 else ", which may be chance"
            line += f"; the difference on the same clips is {column.text(apart.value)} ({interval}){chance}"
        except InputError:
            pass  # no draws: the two numbers stand alone
        line += "."
    yield line


def _shrunk(rows: Rows, bridges: Sequence[str], near: Column, kept: Column | None) -> Iterator[str]:
    """The warning of the anchor that says nothing."""
    nothing = rows.get("collapse", {})
    if near.name not in nothing:
        return
    worse = [
        name
        for name in bridges
        if near.name in rows[name] and near.merit(rows[name][near.name].value) < near.merit(nothing[near.name].value)
    ]
    if not worse:
        return
    price = f" at {_label(kept)} {_number(kept, nothing[kept.name])}" if kept and kept.name in nothing else ""
    count = "that bridge" if len(bridges) == 1 else f"{len(worse)} of {len(bridges)} bridges"
    yield (
        f"This alone proves little: one point for all clips (collapse) reads {_number(near, nothing[near.name])}"
        f"{price}, which is nearer than {count}."
    )


def _lost(results: Results, bridges: Sequence[str], column: Column) -> Iterator[str]:
    try:
        tests = results.tests("identity", [column.name], bridges=bridges)
    except InputError:
        return
    if not len(tests) or not tests["p_holm"].notna().any():
        return
    worse = list(tests.loc[tests["verdict"] == "worse", "bridge"])
    better = list(tests.loc[tests["verdict"] == "better", "bridge"])
    told = [f"higher for {_listed(better)}"] if better and column.better == "higher" else []
    told += [f"lower for {_listed(better)}"] if better and column.better == "lower" else []
    if worse:
        direction = "lower" if column.better == "higher" else "higher"
        told.append(f"{direction} for {_listed(worse)}")
    rest = len(tests) - len(worse) - len(better)
    if rest:
        others = "the other" if told and rest == 1 else f"the other {rest}" if told else "any bridge"
        told.append(f"not measurably other for {others}")
    yield f"Against no bridge, {_label(column)} is {', '.join(told)} (paired tests, Holm, p < {LEVEL})."


def _frontier(rows: Rows, bridges: Sequence[str], near: Column, kept: Column) -> Iterator[str]:
    """Bridges that no other beats on both sides at once."""
    merits = {
        name: (near.merit(rows[name][near.name].value), kept.merit(rows[name][kept.name].value))
        for name in bridges
        if near.name in rows[name] and kept.name in rows[name]
    }
    if len(merits) < 2:
        return
    best = [
        name
        for name, (a, b) in merits.items()
        if not any(c >= a and d >= b and (c, d) != (a, b) for c, d in merits.values())
    ]
    best.sort(key=lambda name: merits[name], reverse=True)
    yield f"No other bridge is ahead on both {_label(near)} and {_label(kept)} of {_listed(best)}."


def _label(column: Column) -> str:
    """A heading inside a sentence: no capital but in names of numbers."""
    label = column.label
    inside = label if label[:2].isupper() or label[1:2] in "@P²" else label[0].lower() + label[1:]
    return f"{inside} {column.factor}".strip()


def _number(column: Column, entry: Entry) -> str:
    interval = f" [{column.text(entry.low)}, {column.text(entry.high)}]" if entry.has_interval else ""
    return f"{column.text(entry.value)}{interval}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
