"""`gapkit report`: from a folder of a study to a file, or one line that says why not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]


@pytest.fixture
def study(cli: Cli, npz: Path, tmp_path: Path) -> Path:
    settings = ("--bridges", "procrustes", "--metrics", "cosine,recall@10", "--resamples", 20, "-q")
    assert cli("compare", npz, *settings, "--out", tmp_path / "study").code == 0
    return tmp_path / "study"


def _refused(answer: Any, said: str, code: int = 2) -> None:
    assert (answer.code, answer.out) == (code, "")
    assert "Traceback" not in answer.err
    last = answer.err.splitlines()[-1]
    assert last.startswith("gapkit: error: ")
    assert said in last


def test_a_page_lies_in_the_folder_of_the_study(cli: Cli, study: Path) -> None:
    answer = cli("report", study, "--projection", "pca")
    assert answer.code == 0
    assert answer.out == ""
    assert "moving with procrustes" in answer.err
    page = study / "report.html"
    assert answer.err.splitlines()[-1] == f"gapkit: {page}: {page.stat().st_size / 1e6:.1f} MB"
    first = page.read_bytes()
    assert cli("report", study, "--projection", "pca", "-q").err == ""
    assert page.read_bytes() == first


def test_points_go_to_a_file_beside_it(cli: Cli, study: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow")
    options = ("--projection", "gap", "--max-clips", 5, "-o", tmp_path / "p.html", "--parquet", tmp_path / "points")
    answer = cli("report", study, *options)
    assert answer.code == 0
    table = parquet.read_table(tmp_path / "points" / "points.parquet")
    assert f"{table.num_rows} points" in answer.err
    assert {"id", "caption", "bridge", "cloud", "state", "cosine", "gap_x", "gap_y"} <= set(table.column_names)


def test_data_that_moved_may_be_given(cli: Cli, study: Path, npz: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / npz.name
    moved.parent.mkdir()
    npz.rename(moved)
    _refused(cli("report", study), "its data cannot be opened")
    assert cli("report", study, "--pairs", moved, "--projection", "pca", "-q").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--projection", "pcs"], "expected some of pca, umap, tsne, lda, gap, got 'pcs'"),
        (["--projection", ","], "expected at least one of"),
        (["--max-clips", "0"], "--max-clips: expected a whole number of at least 1"),
        (["--steps", "-1"], "steps: expected a whole number of at least 1"),
        (["-o", "FOLDER"], "expected a file to write, got a folder"),
        (["--owner", "o.npy"], "give --pairs too"),
    ],
)
def test_wrong_arguments(cli: Cli, study: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    _refused(cli("report", study, *(str(tmp_path) if a == "FOLDER" else a for a in arguments)), said)
    assert not (study / "report.html").exists()


def test_a_folder_that_is_no_study_or_not_finished(cli: Cli, study: Path, tmp_path: Path) -> None:
    _refused(cli("report", tmp_path / "none"), "expected a folder written by `gapkit compare`")
    (study / "manifest.json").unlink()
    _refused(cli("report", study), "the study is not finished")


def test_a_study_of_a_newer_gapkit(cli: Cli, study: Path) -> None:
    manifest = json.loads((study / "manifest.json").read_text())
    (study / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 99}))
    _refused(cli("report", study), "written by a newer gapkit")


def test_a_place_that_cannot_be_written(cli: Cli, study: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = cli("report", study, "--projection", "pca", "-o", tmp_path / "file" / "page.html")
    _refused(answer, "could not be written", code=1)


def test_data_that_changed(cli: Cli, study: Path, npz: Path, arrays: dict[str, np.ndarray]) -> None:
    shutil.copy(npz, npz.with_suffix(".old"))
    np.savez(npz, **{**arrays, "source": arrays["source"] + 1})
    _refused(cli("report", study), "no longer those of the study")
