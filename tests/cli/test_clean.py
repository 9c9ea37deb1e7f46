"""`gapkit clean` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def study(cli: Cli, npz: Path, tmp_path: Path) -> Path:
    out = tmp_path / "study"
    given = ("--bridges", "noise-only", "--seeds", "2", "--metrics", "cosine", "--resamples", "0", "-q")
    assert cli("compare", npz, *given, "--out", out).code == 0
    return out


def test_it_lists_removes_and_says_how_to_get_it_back(cli: Cli, study: Path) -> None:
    answer = cli("clean", study)
    assert (answer.code, answer.out) == (0, "")
    assert "nothing to remove; 0.0 MB stay" in answer.err
    assert "--fits seeds keeps the first seed, --fits all none" in answer.err
    listed = cli("clean", study, "--fits", "seeds", "--dry-run")
    assert "bridges/noise-only-s1/model.safetensors  (fitted bridges of other seeds than the first)" in listed.out
    assert "would remove 3 files" in listed.err
    assert (study / "bridges" / "noise-only-s1").exists()
    told = json.loads(cli("clean", study, "--fits", "seeds", "--dry-run", "--json").out)
    assert [file["file"] for file in told["removed"]] == [
        f"bridges/noise-only-s1/{name}" for name in ("config.json", "fit.json", "model.safetensors")
    ]
    done = cli("clean", study, "--fits", "seeds")
    assert done.out.splitlines() == ["    0.00 MB  fitted bridges of other seeds than the first (3 files)"]
    assert "removed 3 files" in done.err
    assert "the same `gapkit compare` fits them again" in done.err
    assert not (study / "bridges" / "noise-only-s1").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("{home}",), "expected a study, which `gapkit compare`, `gapkit tune` or `gapkit caption study` wrote"),
        (("{home}/nowhere",), "got nothing of this name"),
        (("{home}/study", "--fits", "some"), "--fits: expected seeds or all, got 'some'"),
        (("{home}/tuned", "--fits", "all"), "--fits: goes with a folder of `gapkit compare`"),
    ],
)
def test_a_mistake_is_one_line(cli: Cli, tmp_path: Path, given: tuple[str, ...], said: str) -> None:
    for file in ("study/study.json", "tuned/tune.json"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    answer = cli("clean", *(word.format(home=tmp_path) for word in given))
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert said in answer.err
