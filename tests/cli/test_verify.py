"""`gapkit verify`: what it prints, and its exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def test_a_study_and_one_that_was_changed(cli: Callable[..., Any], npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert (
        cli("compare", npz, "--bridges", "ridge", "--metrics", "cosine,mmd", "--resamples", "9", "--out", out).code == 0
    )
    answer = cli("verify", out, "--cells", "99", "--tolerance", "0")
    assert answer.code == 0
    lines = dict(line.split(maxsplit=1) for line in answer.out.splitlines())
    assert lines["ridge"] == "2 metrics, to the last digit"
    assert lines["inputs"].startswith("content hash")
    assert "[7/7]" in answer.err

    with np.load(npz) as stored:
        arrays = dict(stored)
    arrays["source"][3, 2] += 1e-3
    np.savez(npz, **arrays)
    answer = cli("verify", out, "--quiet")
    assert answer.code == 1
    assert "inputs" in answer.out
    assert "DIFFERS: content hash" in answer.out
    assert answer.err == ""
    found = json.loads(cli("verify", out, npz, "--json", "--quiet").out)
    assert found["agrees"] is False
    assert [check["what"] for check in found["checks"] if not check["agrees"]] == ["inputs"]


def test_what_is_no_study(cli: Callable[..., Any], tmp_path: Path) -> None:
    answer = cli("verify", tmp_path)
    assert answer.code == 2
    assert "no results.json here" in answer.err
