"""The question of a study in a sentence, and its answer in words, made from the numbers of its table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gapkit.comparison.differences import LEVEL
from gapkit.comparison.results import Results
from gapkit.errors import InputError
from gapkit.metrics.wording import number
from gapkit.report import Column, Entry, Table

CLOSURE = ("cosine", "centroid-distance", "mmd")
"""Metrics that say how near the clips come, the first of them that the table has; otherwise any of the group."""
KEPT = ("recall@10", "recall@1", "map@10", "cosine-margin")
"""The same for what is kept."""
AS_IT_IS = ("cosine", "centroid-distance", "separability")
"""Metrics that tell of the gap as it is."""

Rows = dict[str, dict[str, Entry]]
Line = tuple[str, str]


def question(name: str, clips: int, bridges: Sequence[str], unit: str) -> str:
    """What the study asks."""
    if not bridges:
        return f"How far apart are {clips:,} clips of {name} and their {unit}s?"
    which = bridges[0] if len(bridges) == 1 else f"each of {len(bridges)} bridges"
    return f"How near does {which} bring {clips:,} clips of {name} to their {unit}s, and what is lost on the way?"


def answers(results: Results, table: Table) -> tuple[Line, ...]:
    """What the table says, a sentence or two each; what it cannot say is left out.

    Parameters
    ----------
    results : Results
        For the differences on common resamples.
    table : Table
        Of these results.

    Returns
    -------
    tuple of pairs of str
        A word for what it is about, and the sentence.
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
        lines += _first(results, rows, bridges, near, "Closest", "comes nearest")
        lines += _shrunk(rows, bridges, near, kept)
    if kept is not None:
        lines += _first(results, rows, bridges, kept, "Kept", "keeps most")
        lines += _lost(results, bridges, kept)
    if near is not None and kept is not None:
        lines += _frontier(rows, bridges, near, kept)
    return tuple(lines)


def _column(table: Table, wanted: Sequence[str], group: str) -> Column | None:
    known = {column.name: column for column in table.columns if column.better != "none"}
    found = [known[name] for name in wanted if name in known]
    found += [column for column in known.values() if column.group == group]
    return found[0] if found else None


def _as_it_is(table: Table, rows: Rows) -> Iterator[Line]:
    own = rows.get("identity", {})
    told = [f"{_label(c)} {c.text(own[c.name].value)}" for c in table.columns if c.name in AS_IT_IS and c.name in own]
    if told:
        yield "The gap", f"Without a bridge: {', '.join(told)}."


def _first(
    results: Results, rows: Rows, bridges: Sequence[str], column: Column, heading: str, verb: str
) -> Iterator[Line]:
    """Who is ahead, and whether the next is behind by more than the chance of the clips."""
    known = {name: rows[name][column.name] for name in bridges if column.name in rows[name]}
    order = sorted(known, key=lambda name: column.merit(known[name].value), reverse=True)
    if not order:
        return
    first = known[order[0]]
    interval = f" [{column.text(first.low)}, {column.text(first.high)}]" if first.has_interval else ""
    without = rows.get("identity", {}).get(column.name)
    than = f"; without a bridge it is {column.text(without.value)}" if without is not None else ""
    opening = f"{order[0]} {verb}" if len(order) > 1 else f"{order[0]}"
    line = f"{opening}: {_label(column)} {column.text(first.value)}{interval}{than}."
    if len(order) > 1:
        line += f" Next is {order[1]}, {column.text(known[order[1]].value)}"
        try:
            apart = results.difference(order[0], order[1], column.name)
            chance = "" if apart.low > 0 or apart.high < 0 else ", which may be chance"
            line += (
                f"; on the same clips the difference is {column.text(apart.value)} "
                f"[{column.text(apart.low)}, {column.text(apart.high)}]{chance}"
            )
        except InputError:
            pass  # no draws: the two numbers stand alone
        line += "."
    yield heading, line


def _shrunk(rows: Rows, bridges: Sequence[str], near: Column, kept: Column | None) -> Iterator[Line]:
    """The warning of the anchor that says nothing."""
    nothing = rows.get("collapse", {})
    if near.name not in nothing:
        return
    known = [name for name in bridges if near.name in rows[name]]
    limit = near.merit(nothing[near.name].value)
    behind = sum(near.merit(rows[name][near.name].value) < limit for name in known)
    if not behind:
        return
    many = f"all {behind}" if behind == len(known) else f"{behind} of {len(known)}"
    than = known[0] if len(known) == 1 else f"{many} bridges"
    price = f", at {_label(kept)} {kept.text(nothing[kept.name].value)}" if kept and kept.name in nothing else ""
    yield (
        "Beware",
        f"Nearness alone proves little: one point for all clips (collapse) reads "
        f"{near.text(nothing[near.name].value)}, nearer than {than}{price}.",
    )


def _lost(results: Results, bridges: Sequence[str], column: Column) -> Iterator[Line]:
    try:
        tests = results.tests("identity", [column.name], bridges=bridges)
    except InputError:
        return
    tests = tests[tests["p_holm"].notna()]
    names = {verdict: list(tests.loc[tests["verdict"] == verdict, "bridge"]) for verdict in ("worse", "better", "")}
    told = []
    if names["worse"]:
        told.append(f"worse than without a bridge for {_listed(names['worse'])}")
    if names["better"]:
        told.append(f"better for {_listed(names['better'])}")
    if names[""]:
        told.append(f"not measurably different for {_listed(names[''])}")
    if told:
        yield (
            "Price",
            f"{_label(column, start=True)} is {'; '.join(told)} (paired tests, Holm, p < {number(LEVEL, 2)}).",
        )


def _frontier(rows: Rows, bridges: Sequence[str], near: Column, kept: Column) -> Iterator[Line]:
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
    both = f"{_label(near)} and {_label(kept)}"
    if len(best) == 1:
        yield "Both", f"{best[0]} is ahead on both {both}."
    else:
        yield "Both", f"No bridge is ahead on both {both}. Not beaten on both by any other: {_listed(best)}."


def _label(column: Column, *, start: bool = False) -> str:
    """A heading inside a sentence: no capital but at its start and in abbreviations."""
    label = column.label
    short = label[:2].isupper() or not label[1:2].islower()
    return f"{label if start or short else label[0].lower() + label[1:]} {column.factor}".strip()


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
