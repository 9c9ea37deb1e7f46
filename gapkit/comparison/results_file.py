"""`results.json`: the table of a study, written, and read back with every field held against what it must be."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.comparison.cells import cell_stem, read_cell
from gapkit.comparison.growth import Tabled, unfinished_table
from gapkit.comparison.manifest import read_manifest
from gapkit.comparison.summary import COLUMNS, DrawTable, seed_of, typed
from gapkit.errors import InputError, printable
from gapkit.records import read_json, sealed, unsealed
from gapkit.report import Column
from gapkit.report.table import BLOCKS
from gapkit.study.folder import StudyFolder

RESULTS_SCHEMA = 2
"""Version of ``results.json``; 2 added the verdict, the shares of the whole and what was found about the data."""
MOST_DIGITS = 20
"""Decimals that a float64 has at most."""


def results_text(
    study: Mapping[str, Any],
    columns: Sequence[Column],
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    whole: pd.DataFrame,
    verdict: Mapping[str, Any],
) -> str:
    """Everything but the draws as JSON, sealed; undefined numbers are null."""
    content = {
        "schema_version": RESULTS_SCHEMA,
        "study": study,
        "verdict": verdict,
        "metrics": [_metric_record(column) for column in columns],
        "rows": _records(frame),
        "summary": _records(summary),
        "whole": _records(whole),
    }
    return json.dumps(sealed(content), indent=2, ensure_ascii=False) + "\n"


def read_results(folder: Path, *, draws: bool) -> Tabled:
    """Frame, columns, study and, where asked for, draws of the results in `folder`; of its cells where it was stopped.

    Raises
    ------
    InputError
        No results there, or a file that is not readable.
    """
    stopped = unfinished_table(folder)
    if stopped is not None:
        return stopped
    path = folder / "results.json"
    try:
        content = read_json(path)
        if content["schema_version"] > RESULTS_SCHEMA:
            raise InputError(f"{path}: written by a newer gapkit (schema {content['schema_version']}); upgrade gapkit")
        content = unsealed(content)
        columns = tuple(_column(record) for record in content["metrics"])
        frame = typed(pd.DataFrame(_checked_rows(content["rows"]), columns=list(COLUMNS)))
        study = _checked_study(content["study"])
    except FileNotFoundError:
        raise InputError(f"{folder}: no results.json here; expected a folder written by `gapkit compare`") from None
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise InputError(f"{path}: not readable as results; run `gapkit compare` on this folder again") from None
    if "findings" not in study:
        study = {**study, "findings": _findings(folder)}
    return frame, columns, study, _read_draws(folder, frame) if draws else {}


def _findings(folder: Path) -> list[str]:
    """What the manifest of an older gapkit says was found about the data."""
    try:
        return [str(line) for line in read_manifest(folder).get("findings", ())]
    except InputError:
        return []


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype("object").where(frame.notna(), None)
    return [
        {str(k): int(v) if k in ("seed", "n", "n_seeds") and v is not None else v for k, v in record.items()}
        for record in plain.to_dict("records")
    ]


def _metric_record(column: Column) -> dict[str, Any]:
    low, high = (None if np.isinf(end) else end for end in column.range)
    return {
        "name": column.name, "label": column.label, "group": column.group, "better": column.better,
        "best": column.best, "range": [low, high], "scale": column.scale, "digits": column.digits,
    }  # fmt: skip


def _column(record: Mapping[str, Any]) -> Column:
    low, high = (end if end is None else float(end) for end in record["range"])
    if not all(
        isinstance(record[key], str) and record[key].isprintable() for key in ("name", "label", "group", "better")
    ):
        raise TypeError
    scale, digits = float(record["scale"]), int(record["digits"])
    if not (math.isfinite(scale) and 0 <= digits <= MOST_DIGITS):
        raise ValueError
    best = None if record["best"] is None else float(record["best"])
    range_ = (-np.inf if low is None else low, np.inf if high is None else high)
    return Column(**{**record, "range": range_, "best": best, "scale": scale, "digits": digits})


def _checked_rows(rows: Any) -> list[dict[str, Any]]:
    """Rows whose texts are texts that steer no terminal, and whose names lead nowhere else."""
    checked = []
    for row in rows:
        cell_stem(row["bridge"], None)
        texts = [row.get(key) or "" for key in ("metric", "group", "split", "error")]
        if row["block"] not in BLOCKS or not all(isinstance(text, str) for text in texts):
            raise ValueError
        if not all(text.isprintable() for text in texts[:2]):
            raise ValueError
        checked.append({**row, "error": printable(texts[-1])})
    return checked


def _checked_study(study: Any) -> Mapping[str, Any]:
    """The identity of a study, with what the title and the notes say of it."""
    data, options = study.get("data", {}), study.get("options", {})
    if not all(isinstance(line, str) for key in ("remarks", "findings") for line in study.get(key, ())):
        raise TypeError
    numbers = [data[key] for key in ("fit_clips", "test_clips", "dim") if data]
    numbers += [data.get("folds", 0), options.get("n_resamples", 0)]
    if not all(isinstance(number, int) for number in numbers):
        raise TypeError
    return dict(study)


def _read_draws(root: Path, frame: pd.DataFrame) -> DrawTable:
    folder = StudyFolder(root).cells
    draws = {}
    pairs: Sequence[tuple[str, Any]] = list(
        dict.fromkeys(zip(frame["bridge"], map(seed_of, frame["seed"]), strict=True))
    )
    for bridge, seed in pairs:
        stem = cell_stem(bridge, seed)
        cell = read_cell(folder, stem)
        if cell is None and (folder / f"{stem}.json").exists():
            raise InputError(f"{folder / stem}.json: not as it was written; run `gapkit compare` on this folder again")
        for metric, own in (cell.draws if cell else {}).items():
            draws[bridge, seed, metric] = own
    return draws
