"""`Rows`: numbers of bridges with what they mean, their mean over seeds, and what a verdict asks of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from gapkit.comparison.summary import DrawTable, mean_draws, summarise
from gapkit.errors import printable
from gapkit.report import Column
from gapkit.verdict import Evidence


@dataclass(frozen=True, repr=False)
class Rows:
    """What a study found.

    Parameters
    ----------
    frame : DataFrame
        One row a bridge, metric and seed: bridge, block (anchor, unpaired, paired), metric, group, split, seed (missing
        where the bridge does not depend on it), value, ci_low, ci_high, n (clips), seconds (fit and transform), error.
    columns : tuple of Column
        What each metric is, in the order of the table.
    study : mapping
        Identity of the study: data and options.
    draws : mapping of (bridge, seed, metric) to array of shape (B,)
        Bootstrap draws; draw b is the same resample of clips in every row.
    in_given_order : bool
        The table keeps the rows in the order of `frame`, as `select` was asked for them.
    """

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    study: Mapping[str, Any] = field(default_factory=dict)
    draws: DrawTable = field(default_factory=dict)
    in_given_order: bool = False

    def summary(self) -> pd.DataFrame:
        """Mean over seeds, its interval, and the spread over seeds: see `summarise`."""
        return self._summary.copy()

    @cached_property
    def _summary(self) -> pd.DataFrame:
        """Found once: every writer asks for it, and it takes longer than the writing."""
        return summarise(self.frame, self.draws)

    @cached_property
    def evidence(self) -> Evidence:
        """The rows as a verdict and the marks ask for them."""
        draws = functools.cache(lambda bridge, metric: mean_draws(self.frame, self.draws, bridge, metric))
        findings = tuple(map(printable, self.study.get("findings", ())))
        return Evidence(self._summary, self.columns, draws, self.study, findings)

    def pivot(self, values: str = "value") -> pd.DataFrame:
        """One row a bridge, one column a metric, of the summary's column `values`."""
        summary = self.summary()
        known = summary[summary["metric"].notna()]
        wide = known.pivot(index="bridge", columns="metric", values=values)
        names = [column.name for column in self.columns if column.name in wide.columns]
        return wide.reindex(index=list(dict.fromkeys(summary["bridge"])), columns=names)
