import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gapkit.cli.main import run
from gapkit.comparison import Results

Cli = Callable[..., Any]
QUICK = ("--metrics", "cosine,mmd,recall@1", "--resamples", "20", "--seeds", "1", "--quiet")


@pytest.fixture(scope="module")
def runs(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("runs")
    np.savez(home / "tiny.npz", **arrays)
    folders = [home / "one", home / "two"]
    for folder, bridges in zip(folders, ("ridge,procrustes,c3", "cca,noise-only"), strict=True):
        assert run(["compare", str(home / "tiny.npz"), "--bridges", bridges, *QUICK, "--out", str(folder)]) == 0
    return folders


def test_three_formats_on_stdout(cli: Cli, runs: list[Path]) -> None:
    markdown = cli("table", runs[0])
    assert (markdown.code, markdown.err) == (0, "")
    assert markdown.out == _apart(runs[0])
    latex = cli("table", runs[0], "--format", "latex", "--metrics", "recall@1,cosine", "--bridges", "ridge,identity")
    lines = latex.out.splitlines()
    assert r"\begin{tabular}{lrr}" in lines
    assert next(line for line in lines if line.startswith("bridge")).startswith(r"bridge & R@1 $\uparrow$ & Paired")
    assert [line.split(" & ")[0] for line in lines if " & " in line][1:] == ["identity", "ridge"]
    rows = list(csv.DictReader(io.StringIO(cli("table", runs[0], "--format", "csv", "--bridges", "paired").out)))
    assert [row["bridge"] for row in rows] == ["ridge", "procrustes"]
    assert float(rows[0]["mmd"]) == Results.read(runs[0]).pivot().loc["ridge", "mmd"]


def _apart(folder: Path) -> str:
    from gapkit.report import to_markdown

    return to_markdown(Results.read(folder).table(apart=True))


def test_best_together_is_the_table_of_compare(cli: Cli, runs: list[Path]) -> None:
    written = (runs[0] / "table.md").read_text()
    lines = "".join(f"- **{word}**: " for word, _ in Results.read(runs[0]).verdict().lines[:1])
    assert written.startswith(lines)
    assert written.endswith(f"\n\n{cli('table', runs[0], '--best', 'together').out}")


def test_into_a_file_and_nothing_on_stdout(cli: Cli, runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "paper" / "table.tex"
    options = ("--format", "latex", "--label", "tab:gap", "--intervals", "half")
    answer = cli("table", runs[0], *options, "-o", out)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert out.read_text().startswith("\\begin{table}\n")
    assert r"{\scriptsize $\pm$ " in out.read_text()


def test_merge_prints_and_writes(cli: Cli, runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "both"
    answer = cli("merge", *runs, "--out", out)
    assert answer.code == 0
    assert f"2 runs merged, written to {out}" in answer.err
    for name in ("ridge", "c3", "cca", "noise-only", "identity"):
        assert name in answer.out
    assert cli("table", out, "--format", "csv").code == 0
    again = cli("merge", *runs, "--out", tmp_path / "json", "--json", "--quiet", "--format", "md")
    assert again.err == ""
    assert {row["bridge"] for row in json.loads(again.out)["rows"]} == set(Results.read(out).frame["bridge"])
    assert {p.name for p in (tmp_path / "json").glob("[rt]*.*")} == {"results.json", "table.md"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("table", "one", "--format", "html"), "--format: expected one of markdown, latex, csv, got 'html'"),
        (("table", "one", "--label", "tab:gap"), "--label: goes with --format latex, got --format markdown"),
        (("table", "one", "--best", "all"), "--best: expected one of apart, together"),
        (("table", "one", "--intervals", "x"), "--intervals: expected one of ends, half, none"),
        (("table", "one", "--bridges", "nobody"), "no bridge 'nobody' in these results"),
        (("table", "one", "--metrics", "cosine,nothing"), "no metric 'nothing' in these results"),
        (("table", "three"), "no results.json here"),
        (("merge", "one", "-o", "out"), "at least 2 runs, got 1"),
        (("merge", "one", "three", "-o", "out"), "no results.json here"),
        (("merge", "one", "two", "-o", "one"), "expected a new or empty folder to merge into"),
        (("merge", "one", "two"), "--out"),
    ],
)
def test_mistakes_are_one_line(
    cli: Cli, runs: list[Path], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(runs[0].parent)
    answer = cli(*arguments)
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert answer.out == ""
    assert sorted(p.name for p in Path().iterdir()) == ["one", "tiny.npz", "two"]


def test_a_place_that_cannot_be_written(cli: Cli, runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = cli("merge", *runs, "-o", tmp_path / "file" / "out")
    assert answer.code == 1
    assert "could not be written" in answer.err
    assert "Traceback" not in answer.err
