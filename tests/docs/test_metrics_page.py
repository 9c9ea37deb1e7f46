"""The page of the metrics says what the registry says: every metric has a row, with its range, direction and cost."""

import inspect
import math
import re
import unicodedata
from pathlib import Path

import pytest

import gapkit.metrics
from gapkit.metrics import METRICS, metric_names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
NAMES = [name for name in metric_names() if METRICS.origin(name) == "gapkit"]
COLUMNS = ["metric", "formula", "range", "better", "sees", "misses", "cost", "source"]
HEADINGS = {
    "closure": "## Closure",
    "residual closure": "## Residual closure",
    "preservation": "## Preservation",
}


def read():
    """Cells of each metric's row by column, and the heading that the row stands under."""
    rows, heading, columns = {}, "", []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"\s\|\s", line.strip().removeprefix("|").removesuffix("|"))]
        if line.startswith("#"):
            heading, columns = line, []
        elif line.startswith("| metric | formula"):
            columns = cells
        elif line.startswith("| `") and columns:
            first, *more = re.findall(r"`([^`]+)`", cells[0])
            for name in (first, *(first.split("@")[0] + other for other in more)):
                assert name not in rows, f"{name} has two rows"
                rows[name] = {"heading": heading, "columns": columns, **dict(zip(columns, cells, strict=True))}
    return rows


ROWS = read()


def number(value):
    return {math.inf: "∞", -math.inf: "-∞"}.get(value, f"{value:g}")


def plain(text):
    """Letters without their accents, as the registry has them."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).replace("\xa0", " ")


def test_every_metric_has_a_row_and_every_row_a_metric():
    assert set(ROWS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_says_what_the_registry_says(name):
    metric, row = METRICS.get(name), ROWS[name]
    assert row["columns"] == COLUMNS
    assert row["heading"].startswith(HEADINGS[metric.group])
    assert row["range"].split(";")[0] == f"{number(metric.range[0])}..{number(metric.range[1])}"
    end = metric.range[1] if metric.better == "higher" else metric.range[0]
    aim = "" if metric.best in (None, end) else f", to {metric.best:g}"
    assert row["better"] == ("–" if metric.better == "none" else metric.better + aim)
    assert row["cost"] == metric.cost
    assert all(row[column] for column in COLUMNS)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_names_the_source_that_the_registry_names(name):
    reference, source = METRICS.get(name).reference, plain(ROWS[name]["source"])
    if not reference:
        assert source == "–"
        return
    authors, year = re.match(r"(.+?) \((\d{4})\)", reference).groups()
    assert authors in source
    assert year in source


NO_SCORE = {"calibrated", "frechet_bias", "gap_direction", "median_bandwidth", "metric", "mmd_profile", "measure",
            "metric_names", "nearest_neighbours", "permutation_test", "prdc", "register_metric"}  # fmt: skip
"""Give back something else than one number that has a better direction."""


@pytest.mark.parametrize("name", [n for n in gapkit.metrics.__all__ if inspect.isfunction(getattr(gapkit.metrics, n))])
def test_docstrings_say_what_the_number_means(name):
    sections = re.split(r"\n(\w+)\n-+\n", inspect.getdoc(getattr(gapkit.metrics, name)))
    parts = dict(zip(sections[1::2], sections[2::2], strict=True))
    if name not in {"metric", "metric_names", "register_metric"}:
        assert {"Parameters", "Returns", "Raises"} <= set(parts)
    if name not in NO_SCORE:
        assert re.search("(?i)higher|lower|direction|0 where", parts["Returns"])
