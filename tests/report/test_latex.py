import re
from collections.abc import Iterator

import pandas as pd
import pytest

from gapkit.report import Column, build_table, to_latex
from gapkit.report.latex import escape


@pytest.fixture
def lines(summary: pd.DataFrame, columns: tuple[Column, ...]) -> list[str]:
    return to_latex(build_table(summary, columns, title="t", notes=["50 %"])).splitlines()


def test_the_frame(lines: list[str]) -> None:
    assert lines[:4] == ["% t", "% 50 %", r"\begin{tabular}{lrrrr}", r"\toprule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert lines.count(r"\midrule") == 3


def test_entries(lines: list[str]) -> None:
    head = r"bridge & Paired cosine $\uparrow$ & MMD\textsuperscript{2} $\times$1000 $\downarrow$ & Separability "
    assert lines[4] == head + r"$\to$.5 & 50\% of\_spread \\"
    row = r"a\_b & \textbf{.800} {\scriptsize [.790, .810]} & \underline{4.0} {\scriptsize [3.0, 5.0]} & .900 & -- \\"
    assert row in lines
    assert any(r"\textbf{$-.4$} {\scriptsize [$-1.0$, .0]}" in line for line in lines)
    assert r"bad\_one & \multicolumn{4}{l}{failed: 100\% of \textless{}rows\textgreater{} \& more\_of\_it} \\" in lines


def test_every_row_fills_the_width(lines: list[str]) -> None:
    rows = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {4}


def test_braces_balance(lines: list[str]) -> None:
    assert list(_depths(re.sub(r"\\[{}]", "", "\n".join(lines))))[-1] == 0
    assert min(_depths(re.sub(r"\\[{}]", "", "\n".join(lines)))) >= 0


def test_every_special_character_is_escaped() -> None:
    assert escape("#$%&_{}") == r"\#\$\%\&\_\{\}"
    assert escape("~^\\") == r"\textasciitilde{}\textasciicircum{}\textbackslash{}"
    assert escape("a\nb") == "a b"


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        yield depth
