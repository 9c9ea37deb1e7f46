"""`Rows`: numbers of bridges with what they mean, and their mean over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from gapkit.comparison.summary import DrawTable, summarise
from gapkit.report import Column


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
    """

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    study: Mapping[str, Any] = field(default_factory=dict)
    draws: DrawTable = field(default_factory=dict)

    def summary(self) -> pd.DataFrame:
        """Mean over seeds, its interval, and the spread over seeds: see `summarise`."""
        return self._summary.copy()

    @cached_property
    def _summary(self) -> pd.DataFrame:
        """Found once: every writer asks for it, and it takes longer than the writing."""
        return summarise(self.frame, self.draws)

    def pivot(self, values: str = "value") -> pd.DataFrame:
        """One row a bridge, one column a metric, of the summary's column `values`."""
        summary = self.summary()
        known = summary[summary["metric"].notna()]
        wide = known.pivot(index="bridge", columns="metric", values=values)
        names = [column.name for column in self.columns if column.name in wide.columns]
        return wide.reindex(index=list(dict.fromkeys(summary["bridge"])), columns=names)
