"""The page on study folders names every file that a study writes, and no other."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from study_tools import caption_pairs, register_nearest

from gapkit.captioning import CaptionStudyConfig, run_caption_study
from gapkit.comparison import StudyConfig, run_study
from gapkit.study.kinds import KINDS
from gapkit.tuning import tune_bridge

PAGE = Path(__file__).resolve().parents[2] / "docs" / "study-folder.md"
SECTIONS = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
ROWS = {section.splitlines()[0]: re.findall(r"^\| `([^`]+)` \|(.*)", section, re.MULTILINE) for section in SECTIONS}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Files of a small study of each kind, by the words of its heading."""
    pytest.importorskip("optuna")
    home = tmp_path_factory.mktemp("studies")
    pairs = caption_pairs(60)
    compared = StudyConfig(bridges=("memory", "nearest-caption"), metrics=("cosine",), n_resamples=5, device="cpu")
    run_study(pairs, compared, out=home / "compare")
    run_study(dataclasses.replace(pairs, split=None), dataclasses.replace(compared, folds=2), out=home / "folds")
    tune_bridge(pairs, "memory", trials=1, out=home / "tune")
    register_nearest()
    said = CaptionStudyConfig(
        decoder="nearest", bridges=("mean-shift",), seeds=1, protocols=("zero-shot",), trainings=("clean",),
        beams=(1,), draws=5, scores=("cider_d",), tokenizer="words",
    )  # fmt: skip
    run_caption_study(pairs, said, out=home / "captions")
    files = {
        name: {path.relative_to(home / name).as_posix() for path in (home / name).rglob("*") if path.is_file()}
        for name in ("compare", "folds", "tune", "captions")
    }
    return {
        "gapkit compare": files["compare"] | files["folds"],
        "gapkit tune": files["tune"],
        "gapkit caption study": files["captions"],
    }


@pytest.mark.parametrize("command", [kind.command for kind in KINDS])
def test_the_page_names_every_file_and_no_other(command: str, studies: dict[str, set[str]]) -> None:
    (rows,) = (rows for heading, rows in ROWS.items() if command in heading)
    patterns = {file: re.compile(re.sub(r"[A-Z]{3,}", r"[^/]+", re.escape(file))) for file, _ in rows}
    unnamed = {file for file in studies[command] if not any(p.fullmatch(file) for p in patterns.values())}
    assert unnamed == set()
    unseen = {name for name, p in patterns.items() if not any(p.fullmatch(file) for file in studies[command])}
    seldom = ("; only ", "was asked for", "where it has its own")
    passing = {file for file, told in rows if any(words in told for words in seldom)}
    assert unseen == passing


def test_every_row_says_size_reader_and_whether_it_can_be_made_again() -> None:
    for rows in ROWS.values():
        for file, told in rows:
            cells = [cell.strip() for cell in told.strip().strip("|").split("|")]
            assert len(cells) == 4, file
            assert all(cells), file
