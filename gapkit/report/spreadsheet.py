"""A table as CSV: one row a bridge, three columns a metric."""

from __future__ import annotations

import csv
import io
import math

from gapkit.files.csv_cells import guarded
from gapkit.report.table import Table


def to_csv(table: Table) -> str:
    """Write `table` as CSV in the units of the metrics, with every digit.

    Returns
    -------
    str
        Columns bridge, block, then NAME, NAME_low, NAME_high for each metric (95 % interval), and error. Undefined
        numbers are empty.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    heads = [f"{column.name}{end}" for column in table.columns for end in ("", "_low", "_high")]
    writer.writerow(["bridge", "block", *map(text, heads), "error"])
    for block, rows in table.blocks.items():
        for row in rows:
            numbers = [_number(value) for entry in row.entries for value in (entry.value, entry.low, entry.high)]
            writer.writerow([text(row.name), block, *numbers, text(row.error)])
    return buffer.getvalue()


def text(value: str) -> str:
    """Text in one line; an apostrophe goes before what a spreadsheet would take for a formula."""
    return guarded(" ".join(value.split()))


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
