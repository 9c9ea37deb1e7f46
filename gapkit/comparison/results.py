"""`Results`: the table of a study, to be read, merged, ranked and written."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.comparison.cells import cell_stem
from gapkit.comparison.differences import difference, paired_table
from gapkit.comparison.merging import merged
from gapkit.comparison.results_file import read_results, results_text
from gapkit.comparison.rows import Rows
from gapkit.comparison.selecting import controls_among, selected, unlabelled
from gapkit.comparison.summary import COLUMNS, FAILED, seed_of
from gapkit.errors import printable
from gapkit.files.csv_cells import csv_text
from gapkit.report import Table, build_table, to_latex, to_markdown
from gapkit.report.spreadsheet import one_line
from gapkit.statistics import LEAST_ITEMS, Difference, PValue

APART = "Bold is best and underlined second, of the unpaired and of the paired bridges apart."
"""Note of a table that marks them apart."""


@dataclass(frozen=True, repr=False)
class Results(Rows):
    """The table of a study: `Rows` that are ranked, tested, merged and written.

    Parameters
    ----------
    frame, columns, study, draws
        See `gapkit.comparison.rows.Rows`.
    """

    @property
    def failures(self) -> list[str]:
        """One line for each bridge or metric that raised."""
        return self.failures_among()

    def failures_among(self, cells: Collection[str] | None = None, metrics: Collection[str] | None = None) -> list[str]:
        """The same of some cells (``NAME-sSEED``) and metrics; a bridge that raised counts whatever the metrics are."""
        rows = self.frame[self.frame["error"].str.startswith(FAILED)]
        lines = []
        for bridge, metric, seed, error in zip(
            rows["bridge"], rows["metric"], rows["seed"], rows["error"], strict=True
        ):
            cell, of_metric = cell_stem(bridge, seed_of(seed)), isinstance(metric, str)
            if (cells is None or cell in cells) and (metrics is None or not of_metric or metric in metrics):
                what = cell + (f", metric {metric}" if of_metric else "")
                lines.append(f"{what}: {error.removeprefix(FAILED)}")
        return lines

    def rank(self) -> pd.DataFrame:
        """Place of each bridge on each metric, 1 the best, ties share the lower place; anchors do not compete."""
        summary = self.summary()
        wide = self.pivot().loc[list(dict.fromkeys(summary.loc[summary["block"] != "anchor", "bridge"]))]
        merits = {c.name: [c.merit(value) for value in wide[c.name]] for c in self.columns if c.name in wide.columns}
        return pd.DataFrame(merits, index=wide.index).rank(ascending=False, method="min").astype("Int64")

    def difference(self, a: str, b: str, metric: str) -> Difference:
        """How far bridge `a` stands from bridge `b`, on the same resamples of clips.

        Raises
        ------
        InputError
            A bridge or metric that is not here, or rows without bootstrap draws.
        """
        return difference(self, a, b, metric)

    def tests(
        self,
        against: str = "identity",
        metrics: Sequence[str] | None = None,
        *,
        bridges: Sequence[str] | None = None,
        p: PValue = "draws",
    ) -> pd.DataFrame:
        """Paired differences of many bridges from one, adjusted for their number.

        Parameters
        ----------
        against : str
            The bridge that all are held against.
        metrics : sequence of str, optional
            Left out, all of the table.
        bridges : sequence of str, optional
            Left out, all but the anchors.
        p : {"draws", "normal"}
            Counted among the B draws, never below 2 / (B + 1); or by their standard error and the normal
            distribution, which the adjustment of hundreds of rows does not lift to 1.

        Returns
        -------
        DataFrame
            One row a bridge and metric: bridge, metric, difference (bridge minus `against`, means over seeds), low,
            high (95 % paired bootstrap interval over clips), p, p_holm (Holm, over all rows that have a p), effect
            (difference in standard deviations of its clips), verdict ("better" or "worse" where p_holm < .05,
            otherwise nothing).

        Raises
        ------
        InputError
            A bridge or metric that is not here, or an unknown `p`.

        See Also
        --------
        gapkit.statistics.paired_tests : what the columns are.
        """
        return paired_table(self, against, metrics, bridges, p)

    def select(self, bridges: Sequence[str] | None = None, metrics: Sequence[str] | None = None) -> Results:
        """Some rows and columns, in the given order; left out, all of them.

        Parameters
        ----------
        bridges : sequence of str
            Names; ``anchors``, ``unpaired`` and ``paired`` stand for all of their kind.
        metrics : sequence of str

        Raises
        ------
        InputError
            A bridge or metric that is not here.
        """
        return selected(self, bridges, metrics)

    def merge(self, other: Results, *, label: str | None = None) -> Results:
        """Both in one table.

        Parameters
        ----------
        other : Results
            Of the same data and options.
        label : str, optional
            Bridges of `other` that this table has too become ``"NAME [label]"``: so a sweep over parameters comes
            to stand side by side.

        Raises
        ------
        InputError
            Other data, options or definitions of a metric, or different numbers under one name and no label.

        See Also
        --------
        gapkit.comparison.merge_runs : merges folders, and sees their parameters and versions too.
        """
        return merged(self, other, label=label)

    def table(self, *, title: str | None = None, apart: bool = False) -> Table:
        """The summary laid out for a writer; with `apart`, unpaired and paired bridges have a best of their own.

        Controls (bridges of the family "control") are shown and never marked, as anchors are.
        """
        notes = (*self.notes, APART) if apart else self.notes
        title = self.title if title is None else title
        controls = controls_among(self.frame["bridge"])
        return build_table(self.summary(), self.columns, title=title, notes=notes, controls=controls, apart=apart)

    @property
    def title(self) -> str:
        """What was compared, in one line."""
        data = self.study.get("data", {})
        if not data:
            return ""
        fitted = f", fitted on {data['fit_clips']:,}" if data["fit_clips"] else ""
        fitted = f" in {data['folds']} folds" if data.get("folds") else fitted
        name = printable(str(self.study.get("name", "pairs")))
        groups = f" in {data['groups']['count']}" if data.get("groups") else ""
        return f"{name}: {data['test_clips']:,} clips{groups}{fitted}, {data['dim']} dimensions"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the intervals and the values are, for the foot of the table."""
        numbers = self.frame["n"].dropna()
        options = self.study.get("options", {})
        resamples = int(options.get("n_resamples", 0))
        seeds = sorted({int(seed) for seed in self.frame["seed"].dropna()})
        data, lines = self.study.get("data", {}), list(map(printable, self.study.get("remarks", ())))
        groups = data.get("groups") or {}
        if data.get("folds"):
            lines.append(
                f"{data['folds']} folds of {data['test_clips']:,} items, each measured by a fit that has not seen it; "
                "intervals take the fits as given."
            )
        lines += _undefined_in_words(self.frame) + _blanks_in_words(self.frame)
        if len(numbers) and resamples and numbers.max() < LEAST_ITEMS:
            lines.append(
                f"No intervals: {int(numbers.max())} clips are too few for one of 95 %; give at least {LEAST_ITEMS}."
            )
        elif len(numbers) and resamples and groups.get("no_interval"):
            lines.append(f"No intervals: {groups['no_interval']}.")
        elif len(numbers) and resamples:
            over = f"{groups['count']} of clips" if groups else "clips"
            lines.append(f"Intervals: 95 % bootstrap over {over}, n = {int(numbers.max())}, B = {resamples}.")
            if groups.get("caution"):
                lines.append(f"Note: {groups['caution']}.")
        if seeds:
            lines.append(f"Stochastic bridges: {_seeds_in_words(self.frame, seeds)}.")
        if len(seeds) > 1:
            lines.append("Intervals hold the chance of the clips; that of the seeds is seed_sd in results.json.")
        if "target-split-half" in set(self.frame["bridge"]):
            of = " of the groups" if groups else ""
            lines.append(f"target-split-half: 10 random halvings{of}, interval over them, n / 2 clips a side.")
        if "random-target" in set(self.frame["bridge"]):
            lines.append("random-target: each clip gets a random fitted target.")
        return (" ".join(lines),) if lines else ()

    def to_csv(self) -> str:
        """The long frame as CSV; numbers in the fewest digits that give the same number back.

        Text that a spreadsheet would take for a formula has an apostrophe in front.
        """
        rows = self.frame[list(COLUMNS)].itertuples(index=False)
        return csv_text(COLUMNS, ([_csv_value(value) for value in row] for row in rows))

    def to_json(self) -> str:
        """Everything but the draws; undefined numbers are null. `Results.read` reads it back."""
        return results_text(self.study, self.columns, self.frame, self.summary())

    def to_markdown(self) -> str:
        """The table as Markdown."""
        return to_markdown(self.table())

    def to_latex(self) -> str:
        """The table as LaTeX with booktabs rules."""
        return to_latex(self.table())

    @classmethod
    def read(cls, folder: str | Path, *, draws: bool = True) -> Results:
        """The results that `gapkit compare` left in `folder`; without their resamples where `draws` is false.

        Raises
        ------
        InputError
            No results there, or a file that is not readable.
        """
        return cls(*read_results(Path(folder), draws=draws))

    def __repr__(self) -> str:
        bridges, metrics = self.frame["bridge"].nunique(), self.frame["metric"].nunique()
        return f"Results({bridges} bridges x {metrics} metrics, {len(self.frame)} rows)"

    def _repr_html_(self) -> str:
        table = self.table()
        head = "".join(f"<th>{html.escape(f'{c.label} {c.factor} {c.arrow}')}</th>" for c in table.columns)
        body = []
        for rows in table.blocks.values():
            for row in rows:
                cells = [
                    f"<td><b>{column.text(e.value)}</b></td>"
                    if e.mark == "best"
                    else f"<td>{column.text(e.value)}</td>"
                    for column, e in zip(table.columns, row.entries, strict=True)
                ]
                body.append(
                    f"<tr><th>{html.escape(row.name)}</th>{''.join(cells)}<td>{html.escape(row.error)}</td></tr>"
                )
        return f"<table><caption>{html.escape(table.title)}</caption><tr><th></th>{head}</tr>{''.join(body)}</table>"


def _seeds_in_words(frame: pd.DataFrame, seeds: Sequence[int]) -> str:
    """The seeds behind the numbers: those that failed are behind none."""
    known = frame[frame["seed"].notna() & frame["value"].notna()]
    found = {tuple(sorted(set(map(int, own["seed"])))) for _, own in known.groupby(["bridge", "metric"])}
    if len(found) > 1:
        least, most = min(map(len, found)), max(map(len, found))
        return f"mean over {most} seeds" if least == most else f"mean over {least} to {most} seeds"
    own = next(iter(found), tuple(seeds))
    return f"{'seed' if len(own) == 1 else 'mean over seeds'} {', '.join(map(str, own))}"


def _undefined_in_words(frame: pd.DataFrame) -> list[str]:
    """Why a metric has no value in any row, a sentence for each reason."""
    why: dict[str, list[str]] = {}
    for metric, own in frame[frame["metric"].notna()].groupby("metric", sort=False):
        said = own.loc[~own["error"].str.startswith(FAILED) & (own["error"] != ""), "error"]
        if len(said) and own["value"].isna().all():
            why.setdefault(said.iloc[0], []).append(str(metric))
    return [f"Undefined: {', '.join(metrics)}: {reason}." for reason, metrics in why.items()]


def _blanks_in_words(frame: pd.DataFrame) -> list[str]:
    """Which bridges lack which metrics that others have, and the command that measures them."""
    known = frame[frame["metric"].notna() & (frame["block"] != "anchor")]
    there = set(zip(known["bridge"], known["metric"], strict=True))
    metrics, bridges = (dict.fromkeys(known[column]) for column in ("metric", "bridge"))
    lacking = {metric: [name for name in bridges if (name, metric) not in there] for metric in metrics}
    lacking = {metric: names for metric, names in lacking.items() if names}
    if not lacking:
        return []
    said = "; ".join(f"{metric} of {', '.join(names)}" for metric, names in lacking.items())
    asked = ",".join(dict.fromkeys(unlabelled(name) for names in lacking.values() for name in names))
    return [
        f"Not measured: {said}. `gapkit compare --bridges {asked} --metrics {','.join(lacking)}` into the same folder "
        "measures them."
    ]


def _csv_value(value: Any) -> str | float | None:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, str):
        return one_line(value)
    return float(value) if isinstance(value, float) else int(value)
