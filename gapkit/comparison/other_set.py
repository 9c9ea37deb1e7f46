"""Fit on one set, measure on another: both in one value, whose splits say which is which."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.config import StudyConfig
from gapkit.comparison.splits import TWO_SETS, fit_parts, hold_out, named_part, with_known_names
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.split_names import NAMES, split_named
from gapkit.statistics import Groups

OWN = ("source", "target", "owner", "split", "name", "meta")
"""Fields that are made anew; the others are put together where all parts have them."""


def joined_sets(train: PairedEmbeddings, test: PairedEmbeddings, config: StudyConfig) -> PairedEmbeddings:
    """Fitting items of one set and measured items of another, as one value with splits.

    Parameters
    ----------
    train : PairedEmbeddings
        Its fit and validation split fit; all of it where it has no splits. A tenth is held out of the fit where there
        is no validation split.
    test : PairedEmbeddings
        Its test split is measured; all of it where there is none, or where `config.test_split` is ``"all"``.
    config : StudyConfig
        Names of the splits in both sets; those of the answer too.

    Returns
    -------
    PairedEmbeddings
        Its `meta` holds what each set was (``fit``, ``test``: name, content_hash, meta), and under ``joined``, in one
        line, what fits and what is measured. Ids, captions and the like are there where both sets have them.

    Raises
    ------
    InputError
        Sets of different dimensions, a split that is not there, or too few items.
    """
    if train.dim != test.dim:
        raise InputError(
            f"{test.name}: expected embeddings of {train.dim} dimensions, as {train.name} has them, got {test.dim}; "
            "compute both with one encoder"
        )
    fit, held, fitted = _fitted(train, config)
    part, measured = _measured(test, config)
    parts = [fit, *([held] if held else []), part]
    names = [config.fit_split, *([config.validation_split] if held else []), config.test_split]
    meta = {
        key: {"name": v.name, "content_hash": v.content_hash(), "meta": dict(v.meta)}
        for key, v in (("fit", train), ("test", test))
    }
    return dataclasses.replace(
        concatenated(parts),
        split=np.repeat(names, [len(own) for own in parts]),
        name=f"{test.name}, fitted on {train.name}",
        meta={**meta, TWO_SETS: f"fitted on {fitted}, measured on {measured}"},
    )


def _fitted(train: PairedEmbeddings, config: StudyConfig) -> tuple[PairedEmbeddings, PairedEmbeddings | None, str]:
    if train.split is None:
        held, fit = hold_out(train, seed=config.seed)
        said = f"{train.name} ({len(fit):,} items"
    else:
        config = with_known_names(train, config)
        fit, held = fit_parts(train, config)
        said = f"split {config.fit_split} of {train.name} ({len(fit):,} items"
    own = config.validation_split in train.splits
    stops = (
        "" if held is None else f", {len(held):,} of {config.validation_split if own else 'them held out'} to stop by"
    )
    return fit, held, f"{said}{stops})"


def _measured(test: PairedEmbeddings, config: StudyConfig) -> tuple[PairedEmbeddings, str]:
    split = split_named("test", config.test_split, test.splits)
    if split in test.splits:
        part = test.subset(split)
        return part, f"split {split} of {test.name} ({len(part):,} items)"
    if split in ("all", NAMES["test"][0]):
        return test, f"all {len(test):,} items of {test.name}"
    return named_part(test, split), ""


def groups_of(parts: Sequence[PairedEmbeddings]) -> Groups | None:
    """The groups of several sets in a row; None where none of them has any."""
    named = _with_groups(parts)
    if named[0].groups is None:
        return None
    return Groups.from_cells(np.concatenate([np.asarray(part.groups, dtype=object) for part in named]))


def concatenated(parts: Sequence[PairedEmbeddings]) -> PairedEmbeddings:
    """Several sets in a row; what not all of them have is left out, but for groups."""
    starts = np.cumsum([0, *map(len, parts[:-1])])
    parts = _with_groups(parts)
    names = [field.name for field in dataclasses.fields(PairedEmbeddings) if field.name not in OWN]
    columns = {name: [getattr(part, name) for part in parts] for name in names}
    more: dict[str, Any] = {
        name: np.concatenate(own) for name, own in columns.items() if all(value is not None for value in own)
    }
    return PairedEmbeddings(
        source=np.concatenate([part.source for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        owner=np.concatenate([part.owner + start for part, start in zip(parts, starts, strict=True)]),
        **more,
    )


def _own_groups(part: PairedEmbeddings) -> NDArray[np.str_]:
    return np.array([f"item {number} of {part.name}" for number in range(len(part))])


def _with_groups(parts: Sequence[PairedEmbeddings]) -> Sequence[PairedEmbeddings]:
    """The sets, each with groups where one has any: of a set without groups every item is its own."""
    if all(part.groups is None for part in parts):
        return parts
    return [part if part.groups is not None else dataclasses.replace(part, groups=_own_groups(part)) for part in parts]
