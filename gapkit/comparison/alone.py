"""Parts of a study by themselves: the gap as it is, and one fitted bridge."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.bridges.base import Bridge
from gapkit.bridges.fitted_on import FittedOn
from gapkit.bridges.registry import make_bridge
from gapkit.comparison.cells import Cell
from gapkit.comparison.columns import metric_columns
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.fitting import fit_on
from gapkit.comparison.input_checks import require_usable
from gapkit.comparison.measuring import as_measured, groups_told
from gapkit.comparison.results import Results
from gapkit.comparison.splits import (
    SHARES,
    by_groups,
    clip_groups,
    drawn_rows,
    fit_parts,
    unit_pairs,
    with_known_names,
    without_test,
)
from gapkit.comparison.summary import draws_of, long_frame
from gapkit.embeddings import PairedEmbeddings, content_hash
from gapkit.errors import InputError
from gapkit.metrics import Measures, measure
from gapkit.metrics.measuring import measured_part, measured_split
from gapkit.statistics import Groups
from gapkit.study.progress import Progress, Silent

OF_PAIRS = ("pairing", "copies", "names", "leak")
"""Kinds of warnings that say nothing about sets that are not pairs."""
OF_LENGTHS = ("length",)
"""Kinds of warnings that say nothing where rows are measured as they are."""

ALL_ITEMS = "all items"
"""`FittedOn.part` of data without splits, of which nothing was kept back."""


def measure_pairs(
    pairs: PairedEmbeddings | ArrayLike,
    target: ArrayLike | None = None,
    *,
    metrics: Sequence[str] = (),
    split: str | None = None,
    groups: Groups | Iterable[Any] | None = None,
    source_groups: Groups | Iterable[Any] | None = None,
    paired: bool = True,
    normalise: bool = True,
    n_resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Measures:
    """The gap without any bridge, after a look at what is wrong with the embeddings.

    Parameters
    ----------
    pairs : PairedEmbeddings or array-like of shape (n, d)
        An array is the source of two unrelated sets, and goes with `target` and ``paired=False``.
    target : array-like of shape (m, d), optional
        The other of two unrelated sets, in any number of rows.
    metrics : sequence of str
        Names; empty for the default table, ``("all",)`` for every metric.
    split : str, optional
        Items of this split, or ``"all"``. Left out: ``"test"`` where the data have it, otherwise all.
    groups, source_groups : sequence of str or of lists of str, optional
        Origins of the targets and of the source rows of two unrelated sets; pairs bring theirs along.
    paired : bool
        False: source and target are unrelated sets. Each is resampled on its own, and metrics that need pairs are left
        out.
    normalise : bool
        Scale every row to length one first.
    n_resamples : int
        Bootstrap resamples.
    seed : int
        Of folds and bootstrap.
    progress : Progress, optional
        Told what is odd about the embeddings, and of each metric as it begins and ends.

    Returns
    -------
    Measures
        A metric that raised stands in its `failed`.

    Raises
    ------
    InputError
    """
    config = StudyConfig(bridges=("identity",), metrics=tuple(metrics), n_resamples=n_resamples, seed=seed).resolved()
    listener = progress or Silent()
    part = _part(pairs, target, split, paired)
    notes: tuple[str, ...] = ()
    if isinstance(part, PairedEmbeddings):
        listener.begin("looking for broken rows")
        besides = [*(() if paired else OF_PAIRS), *(() if normalise else OF_LENGTHS)]
        notes = require_usable(part, listener, besides=besides)
        if len(part) < 2:
            raise InputError(f"{part.name}: expected at least 2 clips to measure, got {len(part)}")
    listener.begin("what the metrics share")
    source, other = (part, None) if paired else _sides(part)
    if isinstance(part, PairedEmbeddings) and not paired and part.origins is not None:
        groups, source_groups = part.origins.take(part.owner), part.origins
    found = measure(
        source,
        other,
        metrics=config.metrics,
        split="all" if paired else None,
        groups=groups,
        source_groups=source_groups,
        paired=paired,
        normalise=normalise,
        n_resamples=n_resamples,
        seed=seed,
        progress=_Metrics(listener),
        on_error="note",
    )
    return replace(found, notes=notes)


def measure_gap(
    pairs: PairedEmbeddings | ArrayLike,
    target: ArrayLike | None = None,
    *,
    metrics: Sequence[str] = (),
    split: str | None = None,
    groups: Groups | Iterable[Any] | None = None,
    source_groups: Groups | Iterable[Any] | None = None,
    paired: bool = True,
    normalise: bool = True,
    n_resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Results:
    """The same as `Results` of one row, `identity`.

    Parameters
    ----------
    pairs, target, metrics, split, groups, source_groups, paired, normalise, n_resamples, seed, progress
        See `measure_pairs`.

    Raises
    ------
    InputError
    """
    found = measure_pairs(
        pairs,
        target,
        metrics=metrics,
        split=split,
        groups=groups,
        source_groups=source_groups,
        paired=paired,
        normalise=normalise,
        n_resamples=n_resamples,
        seed=seed,
        progress=progress,
    )
    part, measured = _part(pairs, target, split, paired), as_measured(found)
    cell = Cell("identity", "anchor", None, key="")
    cell = replace(cell, estimates=measured.estimates, failed=measured.failed, draws=measured.draws)
    columns = metric_columns([*found, *found.failed])
    if isinstance(part, PairedEmbeddings):
        used = measured_split(part, split)
        name, digest = part.name, pairs.content_hash()
    else:
        used, name, digest = "all", "sets", content_hash(*(np.asarray(side) for side in part))
    source, _ = _sides(part)
    frame = long_frame([cell], {c.name: c.group for c in columns}, split=used)
    without = dict.fromkeys(f"no intervals: {e.no_interval}" for e in found.values() if e.no_interval)
    study = {
        "name": name,
        "data": {
            "content_hash": digest,
            "dim": source.shape[1],
            "fit_clips": 0,
            "test_clips": len(source),
            **groups_told(found.groups),
        },
        "options": {"seed": seed, "n_resamples": n_resamples, "normalise": normalise, "paired": paired, "split": used},
        "left_out": dict(found.left_out),
        "notes": [*found.notes, *without, *found.cautions],
        "findings": list(found.notes),
    }
    return Results(frame, columns, study, draws_of([cell]))


def _part(
    pairs: PairedEmbeddings | ArrayLike, target: ArrayLike | None, split: str | None, paired: bool
) -> PairedEmbeddings | tuple[ArrayLike, ArrayLike]:
    """The items that are measured, or both of two unrelated sets."""
    if isinstance(pairs, PairedEmbeddings):
        if target is not None:
            raise InputError("measure: PairedEmbeddings bring their targets along; leave out target")
        return measured_part(pairs, split)
    if paired or target is None:
        raise InputError("measure: expected PairedEmbeddings, or a source and a target with paired=False")
    if split is not None:
        raise InputError("measure: split goes with PairedEmbeddings; take the rows of the split yourself")
    return as_matrix(pairs, name="source"), as_matrix(target, name="target")


def _sides(part: PairedEmbeddings | tuple[ArrayLike, ArrayLike]) -> tuple[ArrayLike, ArrayLike]:
    return (part.source, part.target) if isinstance(part, PairedEmbeddings) else part


class _Metrics:
    """Tells a `Progress` of metrics as if they were cells."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.running = ""
        self.began = 0.0

    def __call__(self, done: int, total: int, name: str) -> None:
        now = time.perf_counter()
        if done == 0:
            self.progress.start(total)
        else:
            self.progress.advance(self.running, f"{now - self.began:.1f} s")
        if name:
            self.progress.begin(name)
        self.running, self.began = name, now


def fit_alone(
    pairs: PairedEmbeddings,
    name: str,
    config: StudyConfig,
    *,
    hold_out: float | None = None,
    progress: Progress | None = None,
) -> Bridge:
    """One bridge, fitted as a study would fit it; on all clips where the data have no splits.

    Only the clips that fit and validate are looked at; the data need no other. The bridge remembers them as its
    `fitted_on_`.

    Parameters
    ----------
    pairs : PairedEmbeddings
    name : str
        Of the bridge.
    config : StudyConfig
    hold_out : float, optional
        Share of the clips that is kept back, by the draw of a study: with 0.3 they are its test part. Only where the
        data have no splits.
    progress : Progress, optional

    Raises
    ------
    InputError
    """
    config = with_known_names(pairs, config)
    fit, validation, part = _fitted_parts(pairs, config, hold_out, progress or Silent())
    bridge = make_bridge(name, **config.bridge_params(name, config.seed, fit.n_targets))
    record = FittedOn.of_pairs(fit, validation=validation, part=part)
    return fit_on(bridge, fit, validation, fitted_on=record, progress=progress or Silent())


def _fitted_parts(
    pairs: PairedEmbeddings, config: StudyConfig, hold_out: float | None, progress: Progress
) -> tuple[PairedEmbeddings, PairedEmbeddings | None, str]:
    """The clips that fit, those that validate, and in words which they are."""
    if hold_out is not None and pairs.split is not None:
        raise InputError(
            f"--hold-out: {pairs.name} has the splits {', '.join(pairs.splits)}, and split {config.fit_split!r} alone "
            "is fitted on; leave --hold-out out"
        )
    if hold_out is not None:
        return _held_back(pairs, config, hold_out, progress)
    seen = without_test(pairs, config)
    require_usable(seen, progress)
    data = unit_pairs(seen) if config.normalise else seen
    if pairs.split is None:
        return data, None, ALL_ITEMS
    fit, validation = fit_parts(data, config)
    if validation is not None and config.validation_split not in data.splits:
        progress.message(
            f"note: {pairs.name} has no split {config.validation_split!r}: {len(validation):,} of the "
            f"{len(fit) + len(validation):,} items of split {config.fit_split!r} are held out to stop or choose by"
        )
    return fit, validation, f"split {config.fit_split}"


def _held_back(
    pairs: PairedEmbeddings, config: StudyConfig, share: float, progress: Progress
) -> tuple[PairedEmbeddings, PairedEmbeddings | None, str]:
    """Parts without a share of the clips, in the proportions of a study: with 0.3 they are the parts of a study."""
    if not 0 < share < 1:
        raise InputError(f"--hold-out: expected a share between 0 and 1, such as 0.3 or 30%, got {share:g}")
    validating = SHARES[1] if share == SHARES[2] else SHARES[1] * (1 - share) / (1 - SHARES[2])
    data = unit_pairs(pairs) if config.normalise else pairs
    shares = (share, validating, 1 - share - validating)
    (test, held, fit), parted = drawn_rows(clip_groups(data), data.origins, shares, seed=config.seed)
    if len(fit) < 2 or not len(test):
        raise InputError(
            f"--hold-out: {len(pairs):,} clips are too few to keep {share:.0%} back and to fit on 2 or more, with no "
            "group of equal captions or embeddings torn; give more clips"
        )
    require_usable(pairs.take(np.sort(np.concatenate([fit, held]))), progress)
    rule = f"drawn with seed {config.seed}{by_groups(data.origins, parted)}, {share:.0%} held out"
    return data.take(fit), data.take(held) if len(held) else None, rule
