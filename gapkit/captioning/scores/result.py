"""`CaptionScores`: what scoring found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import write_text
from gapkit.errors import InputError
from gapkit.files.csv_cells import csv_text
from gapkit.statistics import Groups

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


@dataclass(frozen=True)
class CaptionScores:
    """Scores of one system's captions.

    Parameters
    ----------
    per_clip : DataFrame
        Index ``id``, a column for each score that a clip has; NaN where it is undefined.
    corpus : DataFrame
        Columns score, value, ci_low, ci_high, n. BLEU and METEOR are of the set, from summed counts; all others that a
        clip has are means over the n clips that have it. The interval is NaN where resampling clips says nothing: a
        vocabulary.
    absent : dict of str to str
        Scores that were asked for and are not there: reason and remedy.
    tokenizer : str
        What made words of the captions.
    notes : tuple of str
        What a reader should know.
    about : dict of str to str
        Backend and versions.
    draws : mapping of str to array of shape (B,)
        Each score of each resample of the clips; with the same ids, draws and seed two systems share their resamples.
    groups : Groups, optional
        Of the clips, where they were resampled by groups.
    """

    per_clip: pd.DataFrame
    corpus: pd.DataFrame
    absent: dict[str, str]
    tokenizer: str
    notes: tuple[str, ...] = ()
    about: dict[str, str] = field(default_factory=dict)
    draws: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    groups: Groups | None = field(default=None, repr=False)

    def __getitem__(self, score: str) -> float:
        """Value of one score for the whole set.

        Raises
        ------
        InputError
            It is absent, with the reason, or was not asked for.
        """
        row = self.corpus.loc[self.corpus["score"] == score, "value"]
        if len(row):
            return float(row.iloc[0])
        reason = self.absent.get(score, f"was not asked for; there are {', '.join(self.corpus['score']) or 'none'}")
        raise InputError(f"score {score}: {reason}")

    def to_json(self) -> str:
        """Everything but the draws and the clips' own scores, as JSON."""
        rows = [{key: _plain(value) for key, value in row.items()} for row in self.corpus.to_dict(orient="records")]
        content = {
            "schema_version": SCHEMA,
            "scores": rows,
            "absent": self.absent,
            "tokenizer": self.tokenizer,
            "notes": list(self.notes),
            "about": self.about,
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def to_csv(self) -> str:
        """The scores of the set as CSV: score, value, ci_low, ci_high, n, tokenizer; absent ones with their reason."""
        rows: list[list[object]] = [
            [*(_plain(value) for value in row), self.tokenizer, ""] for row in self.corpus.itertuples(index=False)
        ]
        rows += [[name, None, None, None, None, self.tokenizer, reason] for name, reason in self.absent.items()]
        return csv_text(("score", "value", "ci_low", "ci_high", "n", "tokenizer", "absent"), rows)

    def save(self, path: str | Path) -> None:
        """Write the scores of the set, as JSON or CSV by the suffix.

        Raises
        ------
        InputError
            Another suffix.
        GapkitError
            The file cannot be written.
        """
        write_text(path, self.to_json() if check_suffix(path) == ".json" else self.to_csv())

    def save_per_clip(self, path: str | Path) -> None:
        """Write the scores of the clips, as JSON or CSV by the suffix.

        Raises
        ------
        InputError
            Another suffix.
        GapkitError
            The file cannot be written.
        """
        names = list(self.per_clip.columns)
        rows = [[str(key), *map(_plain, row)] for key, row in zip(self.per_clip.index, self.per_clip.to_numpy())]  # noqa: B905

        if check_suffix(path) == ".json":
            content = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
            write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        else:
            write_text(path, csv_text(("id", *names), rows))


def check_suffix(path: str | Path) -> str:
    """The suffix of a file to write.

    Raises
    ------
    InputError
        Neither ``.csv`` nor ``.json``.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".json"):
        raise InputError(f"{path}: expected a file name that ends in .csv or .json, got {suffix or 'no suffix'}")
    return suffix


def _plain(value: Any) -> Any:
    """Numbers as JSON and CSV know them; nothing for NaN."""
    if isinstance(value, str) or value is None:
        return value
    number = float(value)
    if not math.isfinite(number):
        return None
    return int(value) if isinstance(value, int | np.integer) else number
