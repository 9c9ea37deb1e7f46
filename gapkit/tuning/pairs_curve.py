"""`pairs_curve`: the same bridges fitted on growing parts of the pairs, each part a study of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.bridges.registry import BRIDGES, bridge_names
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.comparison.splits import SHARES, clip_groups, drawn_rows, held_out_rows, unit_pairs, with_known_names
from gapkit.comparison.summary import mean_draws
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.statistics import percentile_interval
from gapkit.study.progress import Progress, Silent
from gapkit.verdict.shares import CLOSURE, PRESERVATION, closure, kept

ALL = "all"
"""Stands for every pair of the fit split."""

USUAL = (100, 300, 1000)
"""Numbers of pairs where none are given."""

DRAW = 6
"""Second word of the seed by which the pairs are put in order."""

OF_THE_WHOLE = ("dataset", "opened", "files")
"""Entries of `meta` by which a study finds its data again."""

Draws = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class PairsCurve:
    """What `pairs_curve` found.

    Parameters
    ----------
    frame : DataFrame
        One row a number of pairs and bridge: pairs, bridge, closed (share of the gap), closed_low, closed_high, kept
        (R@10 as a share of that before), kept_low, kept_high, enough, error. `enough`: the
        largest number closes no more, measurably, than this one and all between (paired 95 % interval).
    name : str
        Of the data.
    """

    frame: pd.DataFrame
    name: str

    @property
    def sentences(self) -> list[str]:
        """Where more pairs stop helping, a sentence a bridge."""
        lines, largest = [], int(self.frame["pairs"].max())
        for bridge, own in self.frame.groupby("bridge", sort=False):
            known = own[own["closed"].notna()]
            reached = known.loc[known["enough"], "pairs"]
            if len(known) < 2 or known["closed_low"].isna().all() or reached.empty:
                continue
            least = int(reached.min())
            more = (
                f"{largest:,} pairs close measurably more than fewer; more may still help"
                if least == largest
                else f"from {least:,} pairs on, {largest:,} close no more that could be measured"
            )
            lines.append(f"{bridge}: {more}")
        return lines


def pairs_curve(
    pairs: PairedEmbeddings,
    counts: Sequence[int | str] | None = None,
    config: StudyConfig | None = None,
    *,
    out: str | Path,
    progress: Progress | None = None,
    jobs: int | None = 1,
) -> PairsCurve:
    """Fit bridges on growing parts of the fit split and measure all on the same test items.

    Parameters
    ----------
    pairs : PairedEmbeddings
    counts : sequence of int or "all", optional
        Left out: 100, 300, 1000 as far as the fit split holds more, and all. Numbers
        of fitted items; each part holds the smaller ones, and the seed of `config` puts the items in order.
    config : StudyConfig, optional
        As for a study; its metrics are replaced by those behind closure and R@10. Bridges left out: those of the
        default table that depend on no seed.
    out : path
        Folder of studies ``pairs-N``: what was stopped goes on there, and another number is added.
    progress : Progress, optional
    jobs : int, optional
        See `run_study`.

    Returns
    -------
    PairsCurve
        A bridge that cannot be fitted on so few pairs has a row that says why.

    Raises
    ------
    InputError
        A number below 2, or more than the fit split holds.
    """
    config = dataclasses.replace(config or StudyConfig(), metrics=(*CLOSURE, PRESERVATION))
    if config.folds is not None:
        raise InputError("folds: a curve fits on growing parts of one split; leave folds out")
    if not config.bridges:
        quick = [name for name in bridge_names() if BRIDGES.get(name).in_default and not BRIDGES.get(name).stochastic]
        config = dataclasses.replace(config, bridges=tuple(quick))
    pairs, config, split = _with_all_splits(pairs, config)
    fit = np.flatnonzero(split == config.fit_split)
    numbers = checked_counts(counts, len(fit))
    order = fit[np.random.default_rng([config.seed, DRAW]).permutation(len(fit))]
    others = np.flatnonzero(np.isin(split, (config.validation_split, config.test_split)))
    found, listener = {}, _Parts(progress or Silent(), len(numbers))
    # A part is not the data set or file that it is of: nobody shall open that in its place.
    meta = {key: value for key, value in pairs.meta.items() if key not in OF_THE_WHOLE}
    for number in numbers:
        if number < pairs.dim:
            listener.message(
                f"{number:,} pairs are fewer than the {pairs.dim} dimensions: what is fitted is partly chance"
            )
        part = pairs.take(np.sort(np.concatenate([order[:number], others])), name=pairs.name)
        part = dataclasses.replace(part, meta=meta)
        listener.message(f"{number:,} pairs")
        found[number] = run_study(part, config, out=Path(out) / f"pairs-{number}", progress=listener, jobs=jobs)
    return PairsCurve(_frame(found), pairs.name)


class _Parts:
    """Progress of several studies of as many cells, told as that of one."""

    def __init__(self, progress: Progress, parts: int) -> None:
        self.begin, self.step, self.advance = progress.begin, progress.step, progress.advance
        self.message = progress.message
        self._progress, self._parts, self._started = progress, parts, False

    def start(self, total: int) -> None:
        """The first study begins; the others have as many cells."""
        if not self._started:
            self._progress.start(total * self._parts)
        self._started = True


def checked_counts(counts: Sequence[int | str] | None, most: int) -> list[int]:
    """The numbers of pairs, ascending, each once.

    Raises
    ------
    InputError
    """
    if counts is None:
        return [*(number for number in USUAL if number < most), most]
    numbers = set()
    for given in counts:
        text = str(given).strip().lower()
        number = most if text == ALL else int(text) if text.isdigit() else -1
        if not 2 <= number <= most:
            raise InputError(f"pairs: expected whole numbers from 2 to {most:,} (the fit split), or all, got {given}")
        numbers.add(number)
    if not numbers:
        raise InputError("pairs: expected numbers with commas between them, got none")
    return sorted(numbers)


def _with_all_splits(
    pairs: PairedEmbeddings, config: StudyConfig
) -> tuple[PairedEmbeddings, StudyConfig, NDArray[np.str_]]:
    """Pairs whose items are divided once for all parts, as a study would divide them, and the split of each item."""
    if pairs.split is not None:
        config = with_known_names(pairs, config)
        for name in (config.fit_split, config.test_split):
            pairs.subset(name)
        split = pairs.split.astype(object)
        if config.validation_split not in pairs.splits:
            rows = np.flatnonzero(split == config.fit_split)
            fit = pairs.take(rows)
            held, _ = held_out_rows(clip_groups(fit), fit.origins, seed=config.seed)
            split[rows[held if held is not None else []]] = config.validation_split
    else:
        scaled = unit_pairs(pairs) if config.normalise else pairs
        shares = (SHARES[2], SHARES[1], SHARES[0])
        (test, held, _), _ = drawn_rows(clip_groups(scaled), pairs.origins, shares, seed=config.seed)
        split = np.full(len(pairs), config.fit_split, dtype=object)
        split[test], split[held] = config.test_split, config.validation_split
    names = split.astype(np.str_)
    return dataclasses.replace(pairs, split=names), config, names


def _frame(found: Mapping[int, Results]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    largest = max(found)
    names = [name for name in found[largest].pivot().index if name in bridge_names() and name != "identity"]
    closed_draws: dict[tuple[int, str], NDArray[np.float64]] = {}
    for number, results in found.items():
        summary, before = results.summary(), _draws(results, "identity")
        start = _values(summary, "identity")
        for bridge in names:
            error = "; ".join(dict.fromkeys(e for e in summary.loc[summary["bridge"] == bridge, "error"] if e))
            row: dict[str, Any] = {"pairs": number, "bridge": bridge, "error": error}
            values = _values(summary, bridge)
            if start is not None and values is not None:
                row |= {"closed": closure(values, start), "kept": kept(values[PRESERVATION], start[PRESERVATION])}
                draws = _draws(results, bridge)
                if draws is not None and before is not None:
                    closed_draws[number, bridge] = closure(draws, before)
                    row["closed_low"], row["closed_high"] = percentile_interval(closed_draws[number, bridge])
                    row["kept_low"], row["kept_high"] = percentile_interval(
                        kept(draws[PRESERVATION], before[PRESERVATION])
                    )
            rows.append(row)
    columns = ["pairs", "bridge", "closed", "closed_low", "closed_high", "kept", "kept_low", "kept_high", "error"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[columns[2:-1]] = frame[columns[2:-1]].astype("float64")
    frame.insert(len(columns) - 1, "enough", [_enough(row, frame, closed_draws, largest) for row in frame.itertuples()])
    return frame


def _enough(row: Any, frame: pd.DataFrame, draws: Mapping[tuple[int, str], NDArray[np.float64]], largest: int) -> bool:
    """The largest number of pairs closes no more, measurably, than this one and all between."""
    if (largest, row.bridge) not in draws:
        return False
    for number in frame.loc[(frame["bridge"] == row.bridge) & (frame["pairs"] >= row.pairs), "pairs"]:
        own = draws.get((number, row.bridge))
        if own is None or percentile_interval(draws[largest, row.bridge] - own)[0] > 0:
            return False
    return True


def _values(summary: pd.DataFrame, bridge: str) -> dict[str, float] | None:
    """Values of the metrics behind closure and R@10; None where one is missing."""
    own = summary[(summary["bridge"] == bridge) & summary["value"].notna()]
    found = dict(zip(own["metric"], own["value"].astype("float64"), strict=True))
    names = (*CLOSURE, PRESERVATION)
    return {name: float(found[name]) for name in names} if all(name in found for name in names) else None


def _draws(results: Results, bridge: str) -> Draws | None:
    found = {m: mean_draws(results.frame, results.draws, bridge, m) for m in (*CLOSURE, PRESERVATION)}
    return None if any(own is None for own in found.values()) else {m: d for m, d in found.items() if d is not None}
