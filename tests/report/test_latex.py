import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from gapkit.report import Column, Entry, Row, Table, build_table, to_latex
from gapkit.report.latex import escape

MARKS = {"cosine": {"a_b"}, "mmd": {"c|d"}}


@pytest.fixture
def lines(summary: pd.DataFrame, columns: tuple[Column, ...]) -> list[str]:
    return to_latex(build_table(summary, columns, title="t", notes=["50 %"], marks=MARKS)).splitlines()


def test_a_comment_stays_one_line() -> None:
    row = Row("odd\n\\input{x}", (Entry(0.5),), error="one seed\nfailed")
    text = to_latex(Table((Column("cosine", "Cosine"),), {"paired": (row,)}))
    assert r"% odd \input{x}: one seed failed" in text.splitlines()
    assert not any(line.startswith(r"\input") for line in text.splitlines())


def test_the_frame(lines: list[str]) -> None:
    assert lines[:4] == ["% t", "% 50 %", r"\begin{tabular}{lrrrr}", r"\toprule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert lines.count(r"\midrule") == 3


def test_entries(lines: list[str]) -> None:
    head = r"bridge & Paired cosine $\uparrow$ & MMD\textsuperscript{2} $\times$1000 $\downarrow$ & Separability "
    assert lines[4] == head + r"$\to$.5 & 50\% of\_spread \\"
    row = r"a\_b & \textbf{.800} {\scriptsize [.790, .810]} & 4.0 {\scriptsize [3.0, 5.0]} & .900 & -- \\"
    assert row in lines
    assert any(r"\textbf{\boldmath$-.4$} {\scriptsize [$-1.0$, .0]}" in line for line in lines)
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


def test_what_has_no_letter_is_a_code_point() -> None:
    assert escape("é ß Ł") == "é ß Ł"
    assert escape("a🐕 猫") == r"a\texttt{U+1F415} \texttt{U+732B}"


def test_intervals_as_half_widths_or_not_at_all(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    table = build_table(summary, columns, marks=MARKS)
    half = r"a\_b & \textbf{.800} {\scriptsize $\pm$ .010} & 4.0 {\scriptsize $\pm$ 1.0} & .900 & -- \\"
    assert half in to_latex(table, intervals="half").splitlines()
    none = r"a\_b & \textbf{.800} & 4.0 & .900 & -- \\"
    assert none in to_latex(table, intervals="none").splitlines()


def test_a_label_makes_it_a_table_with_a_caption(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    lines = to_latex(build_table(summary, columns, title="t_1", notes=["50 %."]), label="tab:a_b").splitlines()
    assert lines[:5] == [r"\begin{table}", r"\centering", r"\small", r"\caption{t\_1. 50 \%.}", r"\label{tab:a-b}"]
    assert lines[-1] == r"\end{table}"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("label", [None, "tab:odd_&%$name"])
def test_latex_sets_it(summary: pd.DataFrame, columns: tuple[Column, ...], tmp_path: Path, label: str | None) -> None:
    odd = {"a_b": r"[2] \evil{} $x$ ~^", "c|d": "*#%&_{ 🐕", "e&f": '猫 é <b>|</b> "q" `x\''}
    named = summary.assign(bridge=summary["bridge"].replace(odd))
    table = to_latex(build_table(named, columns, title="100 % of {a}", notes=[r"\input{x} ±"]), label=label)
    page = r"\documentclass{article}\usepackage{booktabs}\begin{document}" f"\n{table}" r"\end{document}"
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 0


def _depths(text: str) -> Iterator[int]:
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        yield depth
