"""A table as CSV: one row a bridge, three columns a metric."""

from __future__ import annotations

import math

from gapkit.files.csv_cells import csv_text
from gapkit.report.table import Row, Table


def to_csv(table: Table) -> str:
    """Write `table` as CSV in the units of the metrics, with every digit.

    Returns
    -------
    str
        Columns bridge, block, then NAME, NAME_low, NAME_high for each metric (95 % interval), and error. Undefined
        numbers are empty.
    """
    heads = [f"{column.name}{end}" for column in table.columns for end in ("", "_low", "_high")]
    rows = [
        [one_line(row.name), block, *map(_number, _values(row)), one_line(row.error)]
        for block, own in table.blocks.items()
        for row in own
    ]
    return csv_text(["bridge", "block", *map(one_line, heads), "error"], rows)


def one_line(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def _values(row: Row) -> list[float]:
    return [value for entry in row.entries for value in (entry.value, entry.low, entry.high)]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
