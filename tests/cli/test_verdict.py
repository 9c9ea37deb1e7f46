"""The verdict on the command line: printed above the table, and again from the folder, finished or stopped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gapkit.cli.main import run
from gapkit.comparison import Results

Cli = Callable[..., Any]
METRICS = "cosine,centroid-distance,mmd,separability,recall@1,recall@10,rmg"


@pytest.fixture(scope="module")
def folder(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("verdict")
    np.savez(home / "tiny.npz", **arrays)
    asked = ("--bridges", "c3,procrustes", "--metrics", METRICS, "--resamples", "60", "--quiet")
    assert run(["compare", str(home / "tiny.npz"), *asked, "--out", str(home / "study")]) == 0
    return home / "study"


def test_it_is_printed_again(cli: Cli, folder: Path) -> None:
    answer = cli("verdict", folder)
    assert (answer.code, answer.err) == (0, "")
    lines = Results.read(folder).verdict().lines
    assert answer.out.split() == " ".join(f"{word} {text}" for word, text in lines).split()
    assert json.loads(cli("verdict", folder, "--json").out) == Results.read(folder).verdict().to_dict()
    other = cli("verdict", folder, "--for", "retrieval").out
    assert "retrieval between the two sides" in " ".join(other.split())


def test_compare_prints_it_above_a_table_of_eighty_columns(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = cli("compare", "--only-table", "--out", folder)
    assert answer.out.split()[0] == "Take"
    assert max(len(line.rstrip()) for line in answer.out.splitlines()) <= 80
    assert "Gap" in answer.out
    head = answer.out.split("anchors\n")[0]
    assert "chance" in head
    whole = cli("compare", "--only-table", "--out", folder, "--columns", "all").out
    assert "±" in whole
    assert "±" not in answer.out
    assert "Not shown" not in whole
    some = cli("compare", "--only-table", "--out", folder, "--columns", "R@10,gap-closed").out
    assert "cosine" not in some.split("anchors")[0].split("dimensions")[1]


def test_a_stopped_study_has_one_and_says_that_it_is_not_finished(cli: Cli, folder: Path) -> None:
    from gapkit.records import sealed, unsealed

    manifest = folder / "manifest.json"
    text = manifest.read_text()
    content = dict(unsealed(json.loads(text)))
    manifest.write_text(json.dumps(sealed({**content, "finished": None})))
    try:
        answer = cli("verdict", folder)
    finally:
        manifest.write_text(text)
    assert answer.code == 0
    assert "Not finished: it was stopped before its end" in " ".join(answer.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verdict", "study", "--for", "fun"), "--for: expected one of closure, retrieval, pool, classes, got 'fun'"),
        (("compare", "--only-table", "--out", "study", "--columns", "fun"), "no metric 'fun' in these results"),
        (("verdict", "nowhere"), "no results.json here"),
    ],
)
def test_mistakes_are_one_line(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(folder.parent)
    answer = cli(*arguments)
    assert (answer.code, len(answer.err.splitlines()), answer.out) == (2, 1, "")
    assert said in answer.err
