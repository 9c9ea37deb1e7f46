"""`diff_runs`: two studies of the same items, held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.comparison.anchors import SPLIT_HALF
from gapkit.comparison.differences import LEVEL
from gapkit.comparison.results import Results
from gapkit.comparison.run import Run, open_run
from gapkit.comparison.summary import mean_draws, seed_of
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError, printable
from gapkit.metrics import Reference, measure
from gapkit.statistics import paired_tests

Draws = dict[tuple[str, str], NDArray[np.float64]]
"""Of each bridge and metric, mean over the seeds; draw b is the same resample of items in both studies."""


@dataclass(frozen=True)
class TwoStudies:
    """What `diff_runs` found.

    Parameters
    ----------
    frame : DataFrame
        One row a bridge and metric that both have: bridge, metric, first, second, difference (second minus first), low,
        high (95 % paired interval), p (by the standard error of the drawn differences: counted among the draws none
        would be left after the adjustment), p_holm (Holm, over all rows that have a p), effect, verdict ("better" or
        "worse" where p_holm < .05: of the second study).
    items : int
        Number of measured items.
    joined : str
        How the items were joined.
    """

    frame: pd.DataFrame
    items: int
    joined: str


def diff_runs(
    first: str | Path,
    second: str | Path,
    *,
    metrics: Sequence[str] | None = None,
    pairs: tuple[PairedEmbeddings | None, PairedEmbeddings | None] = (None, None),
) -> TwoStudies:
    """Paired tests between two studies on the same items: other encoders, other training, other settings.

    Items are joined by id. Where they stand in another order, the second study is measured anew in that of the first,
    by its own fitted bridges, so that resamples are the same.

    Parameters
    ----------
    first, second : path
        Folders that `gapkit compare` wrote.
    metrics : sequence of str, optional
        Left out, all that both have.
    pairs : (PairedEmbeddings, PairedEmbeddings), optional
        Their data, where those lie elsewhere by now; not needed for two studies of one file.

    Raises
    ------
    InputError
        Other items, resamples or groups; items without ids; nothing that both studies have.
    """
    folders = Path(first), Path(second)
    found = tuple(Results.read(folder).select(metrics=metrics) for folder in folders)
    _require_same_options(folders, found)
    a, b = found
    own, other, joined = _draws(a), _draws(b), "their place in one file"
    data = [results.study.get("data", {}) for results in found]
    alike = ("content_hash", "test_clips", "folds")
    rules = [results.study.get("options", {}).get("split") for results in found]
    if rules[0] != rules[1] or any(data[0].get(key) != data[1].get(key) for key in alike):
        runs = [open_run(folder, given) for folder, given in zip(folders, pairs, strict=True)]
        order = _order(runs[0], runs[1])
        joined = "id"
        if (order != np.arange(len(order))).any():
            joined, other = "id, the second in the order of the first", _measured_in_order(runs[1], b, order)
    frame = _frame(a, b, own, other)
    if frame.empty:
        raise InputError(f"{folders[0]} and {folders[1]}: no bridge and metric that both have; nothing to compare")
    return TwoStudies(frame, int(data[0].get("test_clips", 0)), joined)


def _require_same_options(folders: tuple[Path, Path], found: tuple[Results, ...]) -> None:
    """The same seed and number of resamples, and rows prepared alike."""
    for key, what in (("seed", "seed"), ("n_resamples", "number of resamples"), ("normalise", "scaling of rows")):
        values = [results.study.get("options", {}).get(key) for results in found]
        if values[0] != values[1]:
            raise InputError(
                f"{folders[1]}: expected the {what} of {folders[0]} ({values[0]}), got {values[1]}; "
                "run one of them again"
            )


def _order(a: Run, b: Run) -> NDArray[np.int64]:
    """Place in the second study of each item of the first."""
    ids = []
    for run in (a, b):
        if run.test.ids is None:
            raise InputError(f"{run.folder}: {run.name} has no ids, so its items cannot be joined; give the pairs ids")
        names, counts = np.unique(run.test.ids, return_counts=True)
        if (counts > 1).any():
            raise InputError(
                f"{run.folder}: the id {printable(str(names[counts > 1][0]))!r} stands {counts.max()} times; "
                "give each item its own"
            )
        ids.append(run.test.ids)
    here, there = set(ids[0].tolist()), set(ids[1].tolist())
    if here != there:
        only = sorted((here - there) or (there - here))
        raise InputError(
            f"{b.folder}: expected the {len(here):,} measured items of {a.folder}, got {len(there):,}, "
            f"{len(here & there):,} of them the same; {printable(only[0])!r} is in one alone"
        )
    place = {name: row for row, name in enumerate(ids[1].tolist())}
    order = np.array([place[name] for name in ids[0].tolist()])
    if not _same_groups(a.test, b.test.take(order)):
        raise InputError(f"{b.folder}: its items have other groups than in {a.folder}; give both the same groups")
    return order


def _same_groups(a: PairedEmbeddings, b: PairedEmbeddings) -> bool:
    if a.origins is None or b.origins is None:
        return a.origins is b.origins
    return np.array_equal(a.origins.start, b.origins.start) and np.array_equal(a.origins.number, b.origins.number)


def _measured_in_order(run: Run, results: Results, order: NDArray[np.int64]) -> Draws:
    """Draws of every row of a study with its items in another order."""
    test = run.test.take(order)
    reference = Reference.from_target(
        test.target, owner=test.owner, groups=test.origins, labels=test.labels, seed=run.config.seed,
        n_resamples=run.config.n_resamples, fitted=None if run.division.in_folds else run.parts.fit.target,
    )  # fmt: skip
    original, found = run.test.source[order], dict[tuple[str, str], list[NDArray[np.float64]]]()
    known = results.frame[results.frame["value"].notna() & (results.frame["bridge"] != SPLIT_HALF)]
    for (bridge, seed), rows in known.groupby(["bridge", "seed"], sort=False, dropna=False):
        moved = run.moved(str(bridge), seed_of(seed))[order]
        for metric, estimate in measure(moved, reference, list(rows["metric"]), original=original).items():
            found.setdefault((str(bridge), metric), []).append(estimate.draws)
    return {key: np.mean(draws, axis=0) for key, draws in found.items()}


def _draws(results: Results) -> Draws:
    known = results.frame[["bridge", "metric"]].dropna().drop_duplicates()
    keys = [(str(bridge), str(metric)) for bridge, metric in zip(known["bridge"], known["metric"], strict=True)]
    found = {key: mean_draws(results.frame, results.draws, *key) for key in keys}
    return {key: draws for key, draws in found.items() if draws is not None}


def _frame(a: Results, b: Results, own: Draws, other: Draws) -> pd.DataFrame:
    left, right, clips = a.pivot(), b.pivot(), a.pivot("n")
    columns = {column.name: column for column in a.columns}
    rows: list[dict[str, Any]] = []
    for bridge in (name for name in left.index if name in right.index):
        for metric in (name for name in left.columns if name in right.columns):
            values = left.loc[bridge, metric], right.loc[bridge, metric]
            if np.isfinite(values).all():
                rows.append({"bridge": bridge, "metric": metric, "first": values[0], "second": values[1]})
    frame = pd.DataFrame(rows, columns=["bridge", "metric", "first", "second"])
    keys = list(zip(frame["bridge"], frame["metric"], strict=True))
    sides = [[draws.get(key, np.empty(0)) for key in keys] for draws in (other, own)]
    for k in range(len(keys)):
        if len(sides[0][k]) != len(sides[1][k]):
            sides[0][k] = sides[1][k] = np.empty(0)
    groups = a.study.get("data", {}).get("groups")
    n = [groups["effective"] if groups else float(clips.loc[key]) for key in keys]
    tests = paired_tests((frame["second"] - frame["first"]).to_numpy(dtype=float), *sides, n=n, p="normal")
    frame = frame.assign(**tests)
    numbers = frame[["first", "second", "p_holm"]].to_numpy(dtype=float)
    merits = [
        columns[metric].merit(second) - columns[metric].merit(first)
        for (_, metric), (first, second, _) in zip(keys, numbers, strict=True)
    ]
    frame["verdict"] = [_verdict(merit, p) for merit, p in zip(merits, numbers[:, 2], strict=True)]
    return frame


def _verdict(merit: float, p: float) -> str:
    return "" if not p < LEVEL or not merit else "better" if merit > 0 else "worse"
