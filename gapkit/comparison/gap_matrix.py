"""`gap_matrix`: the gap between every two of several modalities, and whether it tells how well they find each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError, printable
from gapkit.files import load_side
from gapkit.files.sides import Side
from gapkit.metrics import METRICS, measure, metric_names

BOTH_WAYS = ("recall@10", "recall-back@10")
"""Retrieval of a pair of modalities is the mean of these."""

LEAST_PAIRS = 6
"""Pairs of modalities from which on a rank correlation can be told from chance (four modalities)."""

EXACT = 7
"""Up to so many pairs all orders are counted."""


@dataclass(frozen=True)
class GapMatrix:
    """Metrics of every pair of modalities, as `gap_matrix` found them.

    Parameters
    ----------
    names : tuple of str
        Of the modalities.
    frame : DataFrame
        One row a pair of modalities and metric: first, second, metric, value, low, high, n. `retrieval` is the mean of
        R@10 forth and back; it has no interval.
    prediction : DataFrame
        One row a metric of the gap: metric, spearman (of the gap with retrieval over the pairs of modalities), pairs,
        p (two-sided; all orders counted up to 7 pairs), said ("too few pairs of modalities" where nothing can be told).
        Pairs that share a modality are not independent, which p leaves aside.
    joined : str
        How the items were joined.
    """

    names: tuple[str, ...]
    frame: pd.DataFrame
    prediction: pd.DataFrame
    joined: str


def gap_matrix(
    files: Sequence[str | Path],
    *,
    metrics: Sequence[str] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> GapMatrix:
    """Measure the gap of every pair of modalities on the items that all of them have.

    Parameters
    ----------
    files : sequence of path
        One modality each, with one row an item; of a file with both sides the source. Rows are joined by id; by place
        where no file has ids.
    metrics : sequence of str, optional
        Left out: the metrics of closure and residual closure in the default table.
    n_resamples, seed
        See `measure`.

    Raises
    ------
    InputError
        Fewer than two modalities, other items, ids that some lack, several rows an item, or widths that differ.
    """
    names, rows, ids = _joined([(Path(file), load_side(file)) for file in files])
    known = [METRICS.get(name) for name in metric_names(default=True)]
    gaps = list(metrics) if metrics else [m.name for m in known if m.group != "preservation" and m.better != "none"]
    gaps = [METRICS.name_of(name) for name in gaps]
    asked = [name for name in gaps if not METRICS.get(name).needs]
    if not asked:
        raise InputError(f"metrics: {', '.join(gaps)} need more than two clouds; leave them out")
    found: list[dict[str, Any]] = []
    for i, j in itertools.combinations(range(len(names)), 2):
        pair = PairedEmbeddings(rows[i], rows[j], name=f"{names[i]}-{names[j]}")
        measured = measure(
            pair, metrics=list(dict.fromkeys([*asked, *BOTH_WAYS])), normalise=True, n_resamples=n_resamples, seed=seed
        )
        head = {"first": names[i], "second": names[j]}
        found += [
            {**head, "metric": name, "value": e.value, "low": e.low, "high": e.high, "n": e.n}
            for name, e in measured.items()
        ]
        both = float(np.mean([measured[name].value for name in BOTH_WAYS]))
        found.append({**head, "metric": "retrieval", "value": both, "low": np.nan, "high": np.nan, "n": len(pair)})
    frame = pd.DataFrame(found)
    joined = "place" if ids is None else "id"
    return GapMatrix(tuple(names), frame, _prediction(frame, asked), joined)


def _joined(sides: list[tuple[Path, Side]]) -> tuple[list[str], list[NDArray[np.float32]], NDArray[Any] | None]:
    """Names of the modalities, their rows in one order, and the ids."""
    if len(sides) < 2:
        raise InputError(f"matrix: expected at least 2 modalities, got {len(sides)}")
    stems = [file.stem for file, _ in sides]
    names = [stem if stems.count(stem) == 1 else str(file) for (file, _), stem in zip(sides, stems, strict=True)]
    if len(set(names)) < len(names):
        raise InputError(f"matrix: {max(names, key=names.count)} is given twice; give each modality once")
    for file, side in sides:
        if side.rows is None or len(side.rows) != side.count:
            raise InputError(f"{file}: expected embeddings with one row an item; give one row of each, or their mean")
    width = sides[0][1].rows.shape[1]  # type: ignore[union-attr]
    for file, side in sides:
        if side.rows.shape[1] != width:  # type: ignore[union-attr]
            raise InputError(
                f"{file}: expected {width} dimensions as in {sides[0][0]}, got {side.rows.shape[1]}; "  # type: ignore[union-attr]
                "modalities must come from one shared embedding space"
            )
    rows = [np.asarray(side.rows, dtype=np.float32) for _, side in sides]
    lacking = [file for file, side in sides if side.ids is None]
    if len(lacking) == len(sides):
        counts = [len(own) for own in rows]
        if len(set(counts)) > 1:
            raise InputError(
                f"matrix: expected as many rows in each file without ids, got {', '.join(map(str, counts))}"
            )
        return names, rows, None
    if lacking:
        raise InputError(f"{lacking[0]}: has no ids, and other modalities have; give ids to all of them or to none")
    return names, *_by_id(sides, rows)


def _by_id(
    sides: list[tuple[Path, Side]], rows: list[NDArray[np.float32]]
) -> tuple[list[NDArray[np.float32]], NDArray[Any]]:
    (first, one), *_ = sides
    order = np.asarray(one.ids)
    for file, side in sides:
        missing = set(order.tolist()) ^ set(np.asarray(side.ids).tolist())
        if missing:
            raise InputError(
                f"{file}: expected the {len(order):,} items of {first}, got {len(np.asarray(side.ids)):,}; "
                f"{printable(str(min(missing, key=str)))!r} is in one alone; give files of the same items"
            )
    places = [{name: place for place, name in enumerate(np.asarray(side.ids).tolist())} for _, side in sides]
    return [own[[place[name] for name in order.tolist()]] for own, place in zip(rows, places, strict=True)], order


def _prediction(frame: pd.DataFrame, gaps: Sequence[str]) -> pd.DataFrame:
    wide = frame.pivot(index=["first", "second"], columns="metric", values="value")
    rows = []
    for name in gaps:
        both = wide[[name, "retrieval"]].dropna().to_numpy()
        few = len(both) < LEAST_PAIRS
        value, p = (np.nan, np.nan) if len(both) < 3 else _spearman(both[:, 0], both[:, 1])
        said = f"too few pairs of modalities to tell ({len(both)}, of {LEAST_PAIRS})" if few else ""
        rows.append({"metric": name, "spearman": value, "pairs": len(both), "p": np.nan if few else p, "said": said})
    return pd.DataFrame(rows)


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Rank correlation and its two-sided p; NaN where one side is the same for all."""
    from scipy.stats import rankdata, spearmanr

    if len(set(x)) == 1 or len(set(y)) == 1:
        return np.nan, np.nan
    found = spearmanr(x, y)
    value = float(found.statistic)
    if len(x) > EXACT:
        return value, float(found.pvalue)
    left, right = (rankdata(side) - rankdata(side).mean() for side in (x, y))
    every = np.array(list(itertools.permutations(right))) @ left / (np.linalg.norm(left) * np.linalg.norm(right))
    return value, float((np.abs(every) >= abs(value) - 1e-9).mean())
