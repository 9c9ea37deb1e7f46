"""Some rows and columns of `Results`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from gapkit.bridges.families import CONTROL, family_of
from gapkit.comparison.rows import Rows
from gapkit.errors import InputError
from gapkit.registry import meant

R = TypeVar("R", bound=Rows)

KINDS = {"anchors": "anchor", "unpaired": "unpaired", "paired": "paired"}
"""Words that stand for all rows of a block."""


def selected(results: R, bridges: Sequence[str] | None, metrics: Sequence[str] | None) -> R:
    """Some rows and columns in the given order: see `Results.select`."""
    frame, columns = results.frame, results.columns
    if bridges is not None:
        frame = pd.concat([frame[frame["bridge"] == name] for name in spelt_out(frame, bridges)], ignore_index=True)
    if metrics is not None:
        known = {column.name: column for column in columns}
        labels = {column.name: column.label for column in columns}
        metrics = [meant(name, labels) or name for name in metrics]
        require_known("metric", metrics, known)
        columns = tuple(known[name] for name in dict.fromkeys(metrics))
        frame = frame[frame["metric"].isna() | frame["metric"].isin(metrics)].reset_index(drop=True)
    ordered = results.in_given_order or bridges is not None
    return replace(results, frame=frame, columns=columns, in_given_order=ordered)


def controls_among(names: Iterable[str]) -> set[str]:
    """Those that are no method but a control, by the registry; labels of a merge (``NAME [LABEL]``) aside."""
    return {name for name in set(names) if family_of(name) == CONTROL}


def spelt_out(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The rows that names and words for kinds stand for, in the order given.

    Raises
    ------
    InputError
        A bridge that is not here.
    """
    blocks = dict(zip(frame["bridge"], frame["block"], strict=True))
    chosen: list[str] = []
    for name in names:
        if name in KINDS:
            chosen += [bridge for bridge, block in blocks.items() if block == KINDS[name]]
            continue
        bridge = meant(name, dict.fromkeys(blocks, "")) or name
        require_known("bridge", (bridge,), blocks)
        chosen.append(bridge)
    if not chosen:
        raise InputError(f"no bridge of the kind {', '.join(names)} in these results; here are: {', '.join(blocks)}")
    return list(dict.fromkeys(chosen))


def require_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Refuse a name that a table does not have.

    Raises
    ------
    InputError
    """
    for name in names:
        if name not in known:
            raise InputError(f"no {kind} {name!r} in these results; here are: {', '.join(known)}")
