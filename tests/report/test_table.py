import math

import pandas as pd
import pytest

from gapkit.report import Column, Table, build_table
from gapkit.report.table import number


@pytest.fixture
def table(summary: pd.DataFrame, columns: tuple[Column, ...]) -> Table:
    return build_table(summary, columns, title="t")


def _marks(table: Table, metric: str) -> dict[str, str]:
    place = [column.name for column in table.columns].index(metric)
    return {row.name: row.entries[place].mark for rows in table.blocks.values() for row in rows}


def test_blocks_in_order_and_columns_without_a_value_left_out(table: Table) -> None:
    assert list(table.blocks) == ["anchor", "unpaired", "paired"]
    assert [row.name for row in table.blocks["paired"]] == ["c|d", "e&f", "bad_one"]
    assert [column.name for column in table.columns] == ["cosine", "mmd", "separability", "spread"]


def test_what_reads_alike_is_marked_alike_and_anchors_never(table: Table) -> None:
    marks = _marks(table, "cosine")
    assert marks == {"oracle": "", "a_b": "best", "c|d": "best", "e&f": "second", "bad_one": ""}


def test_lower_is_better(table: Table) -> None:
    marks = _marks(table, "mmd")
    assert (marks["c|d"], marks["a_b"], marks["e&f"]) == ("best", "second", "")


def test_beyond_chance_is_as_good_as_chance(table: Table) -> None:
    marks = _marks(table, "separability")
    assert (marks["c|d"], marks["e&f"], marks["a_b"]) == ("best", "second", "")
    column = Column("s", "s", better="lower", best=0.5, range=(0, 1))
    assert column.merit(0.4) == column.merit(0.5) > column.merit(0.6)
    assert Column("s", "s", better="higher", best=1.0).merit(1.2) == 1.0


def test_no_direction_no_mark(table: Table) -> None:
    assert set(_marks(table, "spread").values()) == {""}
    assert math.isnan(Column("s", "s").merit(1.0))
    assert math.isnan(Column("s", "s", better="lower").merit(math.nan))


def test_one_bridge_alone_has_no_rival(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    alone = summary[summary["bridge"].isin(["oracle", "a_b"])]
    assert set(_marks(build_table(alone, columns), "cosine").values()) == {""}


def test_unpaired_and_paired_apart(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    also = summary.iloc[[3]].assign(bridge="g", metric="cosine", value=0.9)
    assert also["block"].item() == "unpaired"
    wider = pd.concat([summary, also], ignore_index=True)
    together = _marks(build_table(wider, columns), "cosine")
    apart = _marks(build_table(wider, columns, apart=True), "cosine")
    assert together == {"oracle": "", "a_b": "second", "g": "best", "c|d": "second", "e&f": "", "bad_one": ""}
    assert apart == {"oracle": "", "a_b": "second", "g": "best", "c|d": "best", "e&f": "second", "bad_one": ""}


def test_controls_are_shown_and_do_not_compete(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    table = build_table(summary, columns, controls={"c|d"})
    assert _marks(table, "mmd") == {"oracle": "", "a_b": "best", "c|d": "", "e&f": "second", "bad_one": ""}
    assert table.blocks["paired"][0].entries[1].value == -0.0004


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
