import math

import pandas as pd
import pytest

from gapkit.report import Column, Table, build_table
from gapkit.report.table import number


@pytest.fixture
def table(summary: pd.DataFrame, columns: tuple[Column, ...]) -> Table:
    return build_table(summary, columns, title="t", marks={"cosine": {"a_b", "c|d"}})


def test_blocks_in_order_and_columns_without_a_value_left_out(table: Table) -> None:
    assert list(table.blocks) == ["anchor", "unpaired", "paired"]
    assert [row.name for row in table.blocks["paired"]] == ["c|d", "e&f", "bad_one"]
    assert [column.name for column in table.columns] == ["cosine", "mmd", "separability", "spread"]


def test_rows_of_a_column_are_marked_as_told(table: Table, summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    found = {row.name for rows in table.blocks.values() for row in rows if row.entries[0].marked}
    assert found == {"a_b", "c|d"}
    assert not any(e.marked for rows in table.blocks.values() for row in rows for e in row.entries[1:])
    assert table.has_marks
    assert not build_table(summary, columns).has_marks


def test_beyond_chance_is_as_good_as_chance() -> None:
    column = Column("s", "s", better="lower", best=0.5, range=(0, 1))
    assert column.merit(0.4) == column.merit(0.5) > column.merit(0.6)
    assert Column("s", "s", better="higher", best=1.0).merit(1.2) == 1.0
    assert math.isnan(Column("s", "s").merit(1.0))
    assert math.isnan(Column("s", "s", better="lower").merit(math.nan))


def test_a_failed_bridge_keeps_its_row_and_reason(table: Table) -> None:
    row = table.blocks["paired"][-1]
    assert row.error == "failed: 100% of <rows> & more_of_it"
    assert all(math.isnan(entry.value) for entry in row.entries)


@pytest.mark.parametrize(
    ("column", "arrow"),
    [
        (Column("a", "a", better="higher", best=1.0, range=(0, 1)), "↑"),
        (Column("a", "a", better="lower", best=0.0, range=(-2, 2)), "↓"),
        (Column("a", "a", better="lower", best=0.5, range=(0, 1)), "→.5"),
        (Column("a", "a"), ""),
    ],
)
def test_arrows(column: Column, arrow: str) -> None:
    assert column.arrow == arrow


def test_a_scale_is_said_once() -> None:
    assert Column("m", "MMD²", scale=1000).factor == "×1000"
    assert Column("m", "MMD² ×1000", scale=1000).factor == ""
    assert Column("m", "MMD²", scale=1000, digits=1).text(0.35194) == "351.9"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.5, 3, ".500"), (-0.5, 3, "-.500"), (1.0, 3, "1.000"), (-1.25, 1, "-1.2"), (-0.0004, 3, ".000"),
        (10.0, 0, "10"), (0.0, 0, "0"), (math.nan, 3, "–"), (0.9996, 3, "1.000"),
    ],
)  # fmt: skip
def test_numbers(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text
