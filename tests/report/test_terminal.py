import re
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from gapkit.report import Column, Entry, Table, build_table
from gapkit.report.terminal import lines_to_terminal, to_terminal, to_text


@pytest.fixture
def table(summary: pd.DataFrame, columns: tuple[Column, ...]) -> Table:
    return build_table(summary, columns, title="tiny", notes=["Intervals: B = 10."], marks={"cosine": {"a_b", "c|d"}})


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_it_fits_and_nothing_is_lost(table: Table, width: int) -> None:
    text = to_text(table, width=width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for part in ("tiny", "anchors", "unpaired bridges", "paired bridges", "a_b", "c|d", "e&f", "B = 10", ".800 ±.010"):
        assert part in text
    assert "…" not in text


@pytest.mark.parametrize("name", ["diffusion-link [sweep of steps]", "ridge [比較の研究の続き]"])
def test_long_names_cut_no_number(summary: pd.DataFrame, columns: tuple[Column, ...], name: str) -> None:
    table = build_table(summary.replace({"bridge": {"a_b": name}}), columns)
    assert [width for width in range(52, 140) if "…" in to_text(table, width=width)] == []


def test_a_group_that_is_too_wide_goes_on_below(table: Table) -> None:
    assert "closure (cont.)" not in to_text(table, width=100)
    assert "closure (cont.)" in to_text(table, width=40)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_short_table_is_one_panel_that_fits_and_names_the_rest(table: Table, width: int) -> None:
    columns = (*table.columns, *(replace(table.columns[0], name=f"m{k}", label=f"Column {k}") for k in range(9)))
    rows = {
        block: tuple(replace(row, entries=(*row.entries, *(Entry(0.5) for _ in range(9)))) for row in own)
        for block, own in table.blocks.items()
    }
    text = to_text(replace(table, columns=columns, blocks=rows), width=width, short=True)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    assert "±" not in text
    assert "*.800" in text
    said = " ".join(text[text.index("Not shown: ") :].split())
    left_out = [f"Column {k}" for k in range(9) if f"Column {k}" in said]
    shown = len(columns) - said.split("Not shown: ")[1].split(" Intervals")[0].count(",") - 1
    assert left_out
    assert 2 <= shown <= 10


def test_a_note_stands_in_the_heading(table: Table) -> None:
    columns = (replace(table.columns[0], note=("chance .010", "ceiling .900")), *table.columns[1:])
    text = to_text(replace(table, columns=columns), width=100)
    assert "chance .010" in text
    assert "ceiling .900" in text


def test_sentences_stand_beside_their_word() -> None:
    console = Console(width=30, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(lines_to_terminal([("Gap", "There is one and it is wide [1, 2]."), ("Take", "c3.")]))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert lines == ["Gap   There is one and it is", "      wide [1, 2].", "Take  c3."]


def test_headings_show_direction_and_scale(table: Table) -> None:
    lines = to_text(table, width=100).splitlines()
    second = next(line for line in lines if line.startswith("closure"))
    assert [word in second for word in ("cosine ↑", "×1000 ↓", "→.5")] == [True] * 3


def test_a_failed_bridge_says_why(table: Table) -> None:
    text = to_text(table, width=100)
    assert "bad_one: failed: 100% of <rows> & more_of_it" in " ".join(text.split())


def test_best_is_bold_and_anchors_are_dim(table: Table) -> None:
    console = Console(width=100, color_system="truecolor", force_terminal=True, legacy_windows=False)
    with console.capture() as capture:
        console.print(to_terminal(table, width=100))
    lines = capture.get().splitlines()
    best = next(line for line in lines if "c|d" in line)
    assert re.search(r"\x1b\[1m *\*\.800", best)
    oracle = next(line for line in lines if "oracle" in line)
    assert "\x1b[2m" in oracle
    assert "\x1b[1m" not in oracle
