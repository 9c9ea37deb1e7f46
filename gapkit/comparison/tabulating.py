"""The table of `Results`: the two columns of the whole, marks, limits of recalls, and the order of rows and columns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import pandas as pd

from gapkit.bridges.families import simplicity
from gapkit.comparison.notes import notes_of, title_of
from gapkit.comparison.rows import Rows
from gapkit.comparison.selecting import controls_among, require_known, spelt_out
from gapkit.errors import InputError
from gapkit.registry import meant
from gapkit.report import Column, Table, build_table
from gapkit.verdict import CLOSED, KEPT, Evidence, marked
from gapkit.verdict.aims import METRICS as OF_AIMS
from gapkit.verdict.trade_off import trade_off

APART = "Marks are of the unpaired and of the paired bridges apart."
"""Note of a table that marks them apart."""

WHOLE = (
    Column(CLOSED, "Gap closed", "the whole", "higher", 1.0, (-math.inf, 1.0)),
    Column(KEPT, "R@10 kept", "the whole", "higher", None, (0.0, math.inf)),
)
"""Columns of the whole: see `gapkit.verdict.shares`."""

SHORT = (CLOSED, KEPT, "cosine", "centroid-distance", "mmd", "separability", "recall@1", "recall@10", "residual-cosine")
"""Columns that a terminal shows first."""


def whole_of(results: Rows) -> pd.DataFrame:
    """Share of the gap that each row closes and of R@10 that it keeps; empty where their metrics were not measured."""
    try:
        found = trade_off(results.summary(), results.evidence.draws)
    except InputError:
        return pd.DataFrame()
    return found.drop(columns="front")


def tabulated(
    results: Rows,
    whole: pd.DataFrame,
    *,
    title: str | None = None,
    apart: bool = False,
    bridges: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> Table:
    """The summary laid out for a writer: see `Results.table`."""
    evidence, notes = results.evidence, notes_of(results)
    known = {column.name: column for column in (*(WHOLE if len(whole) else ()), *results.columns)}
    if columns is not None:
        labels = {name: column.label for name, column in known.items()}
        columns = list(dict.fromkeys(meant(name, labels) or name for name in columns))
        require_known("metric", columns, known)
    shown = [known[name] for name in (known if columns is None else columns)]
    if bridges is not None:
        rows = spelt_out(results.frame, bridges)
    else:
        rows = list(evidence.blocks) if results.in_given_order else _by_family(evidence, whole)
    rivals = [name for name in evidence.rivals if name in rows]
    fields = [[n for n in rivals if evidence.blocks[n] == k] for k in ("unpaired", "paired")] if apart else [rivals]
    marks = {c.name: frozenset().union(*(marked(evidence, c.name, own) for own in fields)) for c in shown}
    return build_table(
        _ordered(_with_whole(results.summary(), whole), rows),
        [dataclasses.replace(column, note=_limits(evidence, column.name)) for column in shown],
        title=title_of(results) if title is None else title,
        notes=(*notes, APART) if apart else notes,
        marks=marks,
    )


def short_order(table: Table, aim: str) -> Table:
    """The table with those columns first that a terminal shows, those of the aim among them."""
    first = [*SHORT[:2], *OF_AIMS[aim], *SHORT[2:]] if aim in ("pool", "classes") else list(SHORT)  # type: ignore[index]
    names = [column.name for column in table.columns]
    order = [names.index(name) for name in dict.fromkeys(first) if name in names]
    order += [place for place in range(len(names)) if place not in order]
    blocks = {
        block: tuple(dataclasses.replace(row, entries=tuple(row.entries[p] for p in order)) for row in rows)
        for block, rows in table.blocks.items()
    }
    return dataclasses.replace(table, columns=tuple(table.columns[p] for p in order), blocks=blocks)


def _by_family(evidence: Evidence, whole: pd.DataFrame) -> list[str]:
    """Anchors as they are; bridges by family, simplest first, then by closure; controls last."""
    closed = dict(zip(whole["bridge"], whole["closed"], strict=True)) if len(whole) else {}
    controls = controls_among(evidence.blocks)

    def order(name: str) -> tuple[bool, int, float]:
        if evidence.blocks[name] == "anchor":
            return False, 0, 0.0
        share = closed.get(name, math.nan)
        return name in controls, simplicity(name), -share if math.isfinite(share) else math.inf

    return sorted(evidence.blocks, key=order)


def _with_whole(summary: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    blocks = dict(zip(summary["bridge"], summary["block"], strict=True))
    rows = [
        {
            "bridge": own["bridge"], "block": blocks[own["bridge"]], "metric": name, "value": own[share],
            "ci_low": own[f"{share}_low"], "ci_high": own[f"{share}_high"], "error": "",
        }
        for own in whole.to_dict("records")
        for name, share in ((CLOSED, "closed"), (KEPT, "kept"))
    ]  # fmt: skip
    columns = ["bridge", "block", "metric", "value", "ci_low", "ci_high", "error"]
    return pd.concat([summary[columns], pd.DataFrame(rows, columns=columns)], ignore_index=True) if rows else summary


def _ordered(summary: pd.DataFrame, rows: Sequence[str]) -> pd.DataFrame:
    place = {name: k for k, name in enumerate(rows)}
    chosen = summary[summary["bridge"].isin(list(place))]
    return chosen.sort_values("bridge", key=lambda names: names.map(place), kind="stable")


def _limits(evidence: Evidence, metric: str) -> tuple[str, ...]:
    """Chance and ceiling of a recall, for its heading; a ceiling of 1 goes without saying."""
    column = evidence.column.get(metric)
    if column is None:
        return ()
    chance, ceiling = evidence.chance(metric), evidence.ceiling(metric)
    told = [] if chance is None else [f"chance {column.text(chance)}"]
    return tuple(told if ceiling is None or ceiling >= 1 else [*told, f"ceiling {column.text(ceiling)}"])
