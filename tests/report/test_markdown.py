import re

import pandas as pd

from gapkit.report import Column, build_table, to_markdown
from gapkit.report.markdown import escape


def test_marks_are_bold_beside_intervals(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    marks = {"cosine": {"a_b"}}
    text = to_markdown(build_table(summary, columns, title="a|b", notes=["n = 3"], marks=marks))
    lines = text.splitlines()
    assert lines[0] == r"**a\|b**"
    assert "| bridge | Paired cosine ↑ | MMD² ×1000 ↓ | Separability →.5 | 50% of\\_spread |" in lines
    assert "| a\\_b | **.800** [.790, .810] | 4.0 [3.0, 5.0] | .900 | – |" in lines
    assert "| oracle | 1.000 [1.000, 1.000] | .0 [.0, .0] | .500 [.500, .500] | – |" in lines
    assert any(r"bad\_one (failed: 100% of \<rows\> & more\_of\_it)" in line for line in lines)
    assert lines[-1] == "n = 3"


def test_every_line_has_the_same_number_of_cells(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    text = to_markdown(build_table(summary, columns))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_escaping() -> None:
    assert escape("a\nb  c") == "a b c"
    assert escape("*_`[x](y)`_*") == r"\*\_\`\[x\](y)\`\_\*"


def test_intervals_as_half_widths_or_not_at_all(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    table = build_table(summary, columns, marks={"cosine": {"a_b"}})
    assert "| a\\_b | **.800** ±.010 | 4.0 ±1.0 | .900 | – |" in to_markdown(table, intervals="half").splitlines()
    assert "| a\\_b | **.800** | 4.0 | .900 | – |" in to_markdown(table, intervals="none").splitlines()
