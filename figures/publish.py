"""What every script here does around its figure: read the results, write the pictures, and the caption beside them."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.atomic import write_text
from gapkit.errors import GapkitError
from gapkit.metrics import METRICS
from gapkit.plots import save

# At the end: scripts of both folders bear the same names.
sys.path.append(str(Path(__file__).resolve().parents[1] / "analyses"))
from independence import REMARKS, UNTESTED

__all__ = ["HERE", "OVER", "REMARKS", "UNTESTED", "listed", "number", "one", "publish"]

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
SUFFIXES = (".pdf", ".svg", ".png")
DPI = 200
OVER = "95 % intervals over clips, taken as independent and so too narrow"
"""Said of intervals in captions, until the results are made anew with groups of recordings."""

Figure = Callable[[Path], tuple[Any, str]]
"""From the folder of results to Axes and a caption."""


def publish(script: str, figure: Figure) -> None:
    """Draw, and write NAME.pdf, .svg, .png and .md beside the script."""
    parser = argparse.ArgumentParser(description=(sys.modules[figure.__module__].__doc__ or "").split("\n")[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of figures")
    given = parser.parse_args()
    name = Path(script).stem
    try:
        axes, caption = figure(given.results)
        for suffix in SUFFIXES:
            save(axes, given.out / f"{name}{suffix}", dpi=DPI)
    except (GapkitError, FileNotFoundError) as error:
        sys.exit(f"{name}: {error}")
    write_text(given.out / f"{name}.md", textwrap.fill(" ".join(caption.split()), 118, break_long_words=False) + "\n")


def number(rows: pd.DataFrame, metric: str, **where: Any) -> str:
    """A value with its 95 % interval, as captions print it, out of a table with a row for each metric."""
    record = METRICS.get(metric)
    low, high = ("ci_low", "ci_high") if "ci_low" in rows.columns else ("low", "high")
    row = one(rows, metric=metric, **where)
    return f"{record.text(row['value'])} [{record.text(row[low])}, {record.text(row[high])}]"


def one(rows: pd.DataFrame, **where: Any) -> pd.Series:
    """The first row where all columns have these values."""
    found = rows
    for column, value in where.items():
        found = found[found[column] == value]
    if found.empty:
        raise FileNotFoundError(f"no row with {', '.join(f'{k} = {v}' for k, v in where.items())} in the results")
    return found.iloc[0]


def listed(words: list[str]) -> str:
    """`a`, `b` and `c`."""
    marked = [f"`{word}`" for word in words]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} and {marked[-1]}"
