"""`Results`: the table of a study, to be read, merged, ranked and written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.comparison.cells import cell_stem
from gapkit.comparison.differences import difference, paired_table
from gapkit.comparison.in_html import results_in_html
from gapkit.comparison.merging import merged
from gapkit.comparison.notes import notes_of, title_of
from gapkit.comparison.results_file import read_results, results_text
from gapkit.comparison.rows import Rows
from gapkit.comparison.selecting import selected
from gapkit.comparison.summary import COLUMNS, FAILED, seed_of
from gapkit.comparison.tabulating import tabulated, whole_of
from gapkit.files.csv_cells import csv_text
from gapkit.report import Table, lines_to_markdown, to_latex, to_markdown
from gapkit.report.spreadsheet import one_line
from gapkit.statistics import Difference, PValue
from gapkit.verdict import Verdict, judge


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

    def verdict(self, aim: str = "closure") -> Verdict:
        """What the study says: is there a gap, does a bridge help, which one to take, what not to believe.

        Parameters
        ----------
        aim : {"closure", "retrieval", "pool", "classes"}
            What a bridge is wanted for: two clouds brought together, retrieval between the sides, retrieval in one pool
            of both, classes.

        Raises
        ------
        InputError
            An unknown aim.
        """
        return judge(self.evidence, aim)

    def whole(self) -> pd.DataFrame:
        """Shares of the whole, one row a bridge: bridge, family, closed, kept, each with low and high.

        ``closed`` is the mean share of the gap that is closed, ``kept`` R@10 as a share of that without a bridge; empty
        where the metrics behind them were not measured.
        """
        return self._whole.copy()

    @cached_property
    def _whole(self) -> pd.DataFrame:
        return whole_of(self)

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

    def table(
        self,
        *,
        title: str | None = None,
        apart: bool = False,
        bridges: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Table:
        """The summary laid out for a writer, with the two columns of the whole.

        Every row is marked that cannot be told from the best of its column by paired tests; no row where nothing can be
        told apart. Anchors and controls are shown and never marked.

        Parameters
        ----------
        title : str, optional
            Left out: what was compared.
        apart : bool
            Unpaired and paired bridges have a best of their own: who has seen the pairs has seen more.
        bridges : sequence of str, optional
            Rows in this order inside their block, as for `select`. Left out: by family, then by closure.
        columns : sequence of str, optional
            Metrics in this order, ``gap-closed`` and ``recall@10-kept`` among them. Left out: all.

        Raises
        ------
        InputError
            A bridge or column that is not here.
        """
        return tabulated(self, self._whole, title=title, apart=apart, bridges=bridges, columns=columns)

    @property
    def title(self) -> str:
        """Name, items and dimensions of the data, in one line."""
        return title_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the intervals and the values are, for the foot of the table."""
        return notes_of(self)

    def to_csv(self) -> str:
        """The long frame as CSV; numbers in the fewest digits that give the same number back.

        Text that a spreadsheet would take for a formula has an apostrophe in front.
        """
        rows = self.frame[list(COLUMNS)].itertuples(index=False)
        return csv_text(COLUMNS, ([_csv_value(value) for value in row] for row in rows))

    def to_json(self, aim: str = "closure") -> str:
        """Everything but the draws; undefined numbers are null. `Results.read` reads it back.

        Parameters
        ----------
        aim : str
            See `verdict`.
        """
        verdict = self.verdict(aim).to_dict()
        return results_text(self.study, self.columns, self.frame, self._summary, self._whole, verdict)

    def to_markdown(self, aim: str = "closure") -> str:
        """The verdict and the table as Markdown; for `aim` see `verdict`."""
        return f"{lines_to_markdown(self.verdict(aim).lines)}\n{to_markdown(self.table())}"

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
        return results_in_html(self.table(), self.verdict())


def _csv_value(value: Any) -> str | float | None:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, str):
        return one_line(value)
    return float(value) if isinstance(value, float) else int(value)
