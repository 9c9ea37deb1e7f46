"""Two tables of results in one, if they are of the same test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from gapkit.comparison.rows import Rows
from gapkit.comparison.summary import FAILED, seed_of, typed
from gapkit.errors import InputError
from gapkit.report import Column

R = TypeVar("R", bound=Rows)

KEYS = ["bridge", "metric", "seed"]
"""What names one number of the long frame."""

SAME = {"rtol": 1e-5, "atol": 1e-6}
"""Difference up to which two numbers are one: other processors round otherwise."""

WHY = {
    "content_hash": "the data are not the same",
    "dim": "the embeddings have another number of dimensions",
    "fit_clips": "bridges were fitted on other clips",
    "test_clips": "other clips were measured",
    "test_targets": "the clips were measured against other targets",
    "groups": "items have other groups",
    "folds": "items were measured in another number of folds",
    "seed": "folds and resamples were drawn with another seed",
    "n_resamples": "intervals come from another number of resamples",
    "normalise": "rows were scaled to length one in one of the two only",
    "split": "the clips were parted in another way",
}
"""What a difference in the identity of two studies means."""

DEFINITION = ("group", "better", "best", "range", "scale")
"""Fields of a `Column` that make up what its numbers mean."""


def merged(
    results: R,
    other: Rows,
    *,
    label: str | None = None,
    names: Mapping[str, str] | None = None,
    whose: tuple[str, str] = ("one", "the other"),
) -> R:
    """Both in one table: see `Results.merge`.

    Parameters
    ----------
    results, other : Rows
    label : str, optional
        Bridges of `other` that `results` has too become ``"NAME [label]"``.
    names : mapping of str to str, optional
        New names of some bridges of `other`, instead of `label`.
    whose : (str, str)
        What messages call the two.
    """
    refuse_another_test(results.study, other.study, whose)
    refuse_other_definitions(results.columns, other.columns, whose)
    if names is None:
        mine = results.frame.loc[results.frame["block"] != "anchor", "bridge"]
        names = {name: f"{name} [{label}]" for name in set(mine)} if label is not None else {}
    frame = other.frame.assign(bridge=other.frame["bridge"].replace(dict(names)))
    draws = {(names.get(bridge, bridge), seed, metric): d for (bridge, seed, metric), d in other.draws.items()}
    both = _without_old_failures(pd.concat([results.frame, frame], ignore_index=True))
    _refuse_two_values(both, whose)
    known = {column.name for column in results.columns}
    columns = [*results.columns, *(column for column in other.columns if column.name not in known)]
    groups = list(dict.fromkeys(column.group for column in columns))
    return replace(
        results,
        frame=typed(both.drop_duplicates(KEYS, ignore_index=True)),
        columns=tuple(sorted(columns, key=lambda column: groups.index(column.group))),
        draws={**draws, **results.draws},
    )


def refuse_another_test(mine: Mapping[str, Any], its: Mapping[str, Any], whose: tuple[str, str]) -> None:
    """Refuse two studies whose rows do not stand on the same clips, measured alike.

    Raises
    ------
    InputError
        Says what differs, and what that means.
    """
    for group in ("data", "options"):
        ours, theirs = dict(mine.get(group, {})), dict(its.get(group, {}))
        for key in dict.fromkeys([*(key for key in WHY if key in ours | theirs), *ours, *theirs]):
            if ours.get(key) != theirs.get(key):
                meaning = f"{WHY[key]}: " if key in WHY else ""
                raise InputError(
                    f"merge: expected studies of one kind, {meaning}{group} {key} is {ours.get(key)} in {whose[0]} and "
                    f"{theirs.get(key)} in {whose[1]}; rows of different tests do not compare"
                )


def refuse_other_definitions(mine: Sequence[Column], its: Sequence[Column], whose: tuple[str, str]) -> None:
    """Refuse two tables in which one metric means different things.

    Raises
    ------
    InputError
    """
    known = {column.name: column for column in mine}
    for column in its:
        first = known.get(column.name, column)
        for field in DEFINITION:
            if getattr(first, field) != getattr(column, field):
                raise InputError(
                    f"merge: metric {column.name} is defined otherwise, its {field} is {getattr(first, field)} in "
                    f"{whose[0]} and {getattr(column, field)} in {whose[1]}; measure both with one version"
                )


def _without_old_failures(frame: pd.DataFrame) -> pd.DataFrame:
    """Without failures of what the other table has a number for."""
    seeds = [seed_of(seed) for seed in frame["seed"]]
    known = frame["value"].notna()
    done = {
        key
        for bridge, metric, seed, there in zip(frame["bridge"], frame["metric"], seeds, known, strict=True)
        if there
        for key in ((bridge, metric, seed), (bridge, None, seed))
    }
    failed = frame["error"].str.startswith(FAILED) & ~known
    names = [metric if isinstance(metric, str) else None for metric in frame["metric"]]
    mended = np.array([key in done for key in zip(frame["bridge"], names, seeds, strict=True)], dtype=bool)
    return frame[~(failed & mended)].reset_index(drop=True)


def _refuse_two_values(frame: pd.DataFrame, whose: tuple[str, str]) -> None:
    for name, own in frame.groupby(KEYS, sort=False, dropna=False):
        values = own["value"].to_numpy(dtype=np.float64)
        if not np.allclose(values, values[0], **SAME, equal_nan=True):
            bridge, metric, seed = name
            of = "" if seed_of(seed) is None else f" (seed {seed})"
            raise InputError(
                f"merge: {bridge} has two different values of {metric}{of}, {values[0]:.6g} in {whose[0]} and "
                f"{values[-1]:.6g} in {whose[1]}; give a label for the second"
            )
