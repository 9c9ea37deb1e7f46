"""`gapkit caption study`: from pairs to a table and a folder, or one line that says why not."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gapkit.captioning import CaptionResults
from gapkit.cli.fit import parameters
from gapkit.files import save_pairs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "captioning"))
from study_tools import caption_pairs, register_nearest

Cli = Callable[..., Any]
QUICK = (
    "--decoder", "nearest", "--bridges", "mean-shift", "--seeds", "1", "--beams", "1", "--trainings", "clean",
    "--scores", "cider_d", "--tokenizer", "words", "--resamples", "20",
)  # fmt: skip


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    register_nearest()
    path = tmp_path / "pairs.npz"
    save_pairs(caption_pairs(60), path)
    return path


def test_a_table_a_folder_and_a_report_of_it(cli: Cli, pairs: Path, tmp_path: Path) -> None:
    answer = cli("caption", "study", pairs, *QUICK, "--out", tmp_path / "study")
    assert answer.code == 0, answer.err
    assert "zero-shot" in answer.out
    assert "supervised" in answer.out
    assert "%" in next(line for line in answer.out.splitlines() if "mean-shift" in line)
    assert {"captions.csv", "per_clip.csv", "scores.csv", "manifest.json"} <= {
        path.name for path in (tmp_path / "study").iterdir()
    }
    again = cli("caption", "study", pairs, *QUICK, "--out", tmp_path / "study", "--json", "-q")
    rows = json.loads(again.out)
    assert {row["bridge"] for row in rows} == {"identity", "mean-shift", "oracle"}
    assert again.err == ""
    known = CaptionResults.read(tmp_path / "study").summary().dropna(subset="value")
    assert [row["value"] for row in rows if row["value"] is not None] == list(known["value"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--protocols", "few-shot"], "protocols: expected some of zero-shot, supervised, got 'few-shot'"),
        (["--noise", "much"], "--noise: expected numbers with commas, got 'much'"),
        (["--decoder-option", "keep"], "--decoder-option: expected KEY=VALUE, got 'keep'"),
        (["--decoder-option", "depth=3"], "has no option 'depth'"),
        (["--decoder-option", "keep=1", "--decoder-option", "keep=2"], "--decoder-option: keep is given twice"),
        (["--fitted", "nowhere"], "expected a folder written by `gapkit compare`"),
    ],
)
def test_wrong_arguments(cli: Cli, pairs: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    answer = cli("caption", "study", pairs, *QUICK, *arguments, "--out", tmp_path / "study")
    assert answer.code == 2
    assert said in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err


def test_no_is_no_however_it_is_spelt() -> None:
    """The text "false" would count as true."""
    given = ["a=false", "b=False", "c=.5", "d=3e-3", "e=gpt2", "f={[]: 1}"]
    assert parameters(given) == {"a": False, "b": False, "c": 0.5, "d": 0.003, "e": "gpt2", "f": "{[]: 1}"}
