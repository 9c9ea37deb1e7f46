"""`TuningResult`: the trials of a search, which of them are on the frontier, and which one is chosen."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gapkit.files.csv_cells import guarded
from gapkit.report.markdown import escape
from gapkit.space import Choice, Range
from gapkit.study.folder import SCHEMA
from gapkit.tuning.layout import Layout, lay_out
from gapkit.tuning.trials import Trial, frontier, record


@dataclass(frozen=True, repr=False)
class TuningResult:
    """What a search found.

    Parameters
    ----------
    bridge : str
    trials : tuple of Trial
        In their order; the first is the bridge's defaults.
    best : Trial
        The chosen trial.
    enough : bool
        Whether it keeps at least `keep`; otherwise it is chosen as `choose` says.
    keep : float
        Least share of R@10 that was to be kept.
    space : mapping of parameter to Range or Choice
        What was searched.
    fixed : mapping
        Parameters that were the same in all trials and not the bridge's own: `steps`.
    before : mapping of metric to float
        The scoring clips before any bridge.
    metrics : tuple of str
        Metrics behind `closure`.
    study : mapping
        Identity of the search: name, data, search, space.
    """

    bridge: str
    trials: tuple[Trial, ...]
    best: Trial
    enough: bool
    keep: float
    space: Mapping[str, Range | Choice]
    fixed: Mapping[str, Any]
    before: Mapping[str, float]
    metrics: tuple[str, ...]
    study: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, Any]:
        """Parameters of the chosen trial: ``make_bridge(bridge, **chosen)``."""
        return {**self.fixed, **self.best.params}

    @property
    def default(self) -> Trial:
        """The trial of the bridge's defaults."""
        return self.trials[0]

    @property
    def frontier(self) -> pd.DataFrame:
        """The rows of `frame` that no other trial beats, the highest closure first."""
        return self.frame.iloc[[trial.number for trial in frontier(self.trials)]].reset_index(drop=True)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a trial.

        number, state (complete or failed), ``params_NAME`` for each searched parameter, closure and kept with their
        95 % intervals, each metric, seconds, frontier and chosen (yes or no), error.
        """
        on_frontier = {trial.number for trial in frontier(self.trials)}
        rows = [
            {
                "number": trial.number,
                "state": "complete" if trial.complete else "failed",
                **{f"params_{key}": trial.params[key] for key in self.space},
                "closure": trial.closure,
                "closure_low": trial.closure_interval[0],
                "closure_high": trial.closure_interval[1],
                "kept": trial.kept,
                "kept_low": trial.kept_interval[0],
                "kept_high": trial.kept_interval[1],
                **{metric: trial.metrics.get(metric, float("nan")) for metric in self.before},
                "seconds": trial.seconds,
                "frontier": trial.number in on_frontier,
                "chosen": trial.number == self.best.number,
                "error": trial.error,
            }
            for trial in self.trials
        ]
        return pd.DataFrame(rows)

    @property
    def layout(self) -> Layout:
        """The frontier as writers print it."""
        data = self.study.get("data", {})
        return lay_out(
            self.trials,
            self.best,
            self.before,
            title=f"{self.bridge} on {self.study.get('name', 'pairs')}",
            clips=(data.get("fit_clips", 0), data.get("scoring_clips", 0)),
            keep=self.keep,
            metrics=self.metrics,
        )

    def to_csv(self) -> str:
        """`frame` as CSV; numbers in the fewest digits that give the same number back.

        Text that a spreadsheet would take for a formula has an apostrophe in front.
        """
        frame = self.frame
        for column in frame.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]]:
            frame[column] = [guarded(value) if isinstance(value, str) else value for value in frame[column]]
        # Left to itself the writer does not quote a lone carriage return, at which readers end the line.
        bare = any("\r" in value for column in frame for value in frame[column] if isinstance(value, str))
        if bare:
            return frame.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        return frame.to_csv(index=False, lineterminator="\n")

    def to_json(self) -> str:
        """Everything; undefined numbers are null."""
        content = {
            "schema_version": SCHEMA,
            "bridge": self.bridge,
            "study": self.study,
            "keep": self.keep,
            "enough": self.enough,
            "chosen": {"number": self.best.number, "params": self.chosen},
            "frontier": [trial.number for trial in frontier(self.trials)],
            "before": dict(self.before),
            "closure_metrics": list(self.metrics),
            "trials": [record(trial) for trial in self.trials],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """The frontier as a Markdown table."""
        layout = self.layout
        rule = [":--", *("--:" for _ in layout.heads[1:-1]), ":--"]
        lines = [f"**{escape(layout.title)}**", ""]
        lines += [f"| {' | '.join(line)} |" for line in (list(map(escape, layout.heads)), rule)]
        lines += [f"| {' | '.join(map(escape, row))} |" for row in layout.rows]
        for note in layout.notes:
            lines += ["", escape(note)]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        return (
            f"TuningResult({self.bridge!r}: {len(self.trials)} trials, chosen {self.best.number} "
            f"with closure {self.best.closure:.3f}, kept {self.best.kept:.3f})"
        )

    def _repr_html_(self) -> str:
        layout = self.layout
        head = "".join(f"<th>{html.escape(text)}</th>" for text in layout.heads)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in layout.rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in layout.notes)
        return f"<table><caption>{html.escape(layout.title)}</caption><tr>{head}</tr>{body}</table>{notes}"
