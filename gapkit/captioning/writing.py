"""The files of a caption study."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gapkit.atomic import write_text
from gapkit.captioning.results import CaptionResults
from gapkit.files.csv_cells import csv_text
from gapkit.study.manifest import write_manifest


def write_study(results: CaptionResults, folder: Path) -> None:
    """Write ``captions.csv``, ``per_clip.csv``, ``scores.csv`` and, last, ``manifest.json``.

    Raises
    ------
    GapkitError
        The folder cannot be written to.
    """
    for name, table in (("captions", results.captions), ("per_clip", results.per_clip), ("scores", results.scores)):
        write_text(folder / f"{name}.csv", to_csv(table))
    write_manifest(folder / "manifest.json", results.manifest)


def to_csv(table: pd.DataFrame) -> str:
    """All digits of numbers; text that a spreadsheet cannot take for a formula."""
    rows = ([None if value != value else value for value in row] for row in table.astype(object).to_numpy().tolist())
    return csv_text(list(table.columns), rows)
