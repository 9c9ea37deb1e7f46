"""Options of splits on every command that fits or measures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., Any]
CLOTHO = {"train": "development", "val": "validation", "test": "evaluation"}
OWN = {"train": "a", "val": "b", "test": "c"}
NAMED = {
    "compare": ["--fit-split", "a", "--validation-split", "b", "--test-split", "c"],
    "caption study": ["--fit-split", "a", "--validation-split", "b", "--test-split", "c"],
    "fit": ["--fit-split", "a", "--validation-split", "b"],
    "tune": ["--fit-split", "a", "--validation-split", "b"],
    "caption train": ["--fit-split", "a", "--validation-split", "b"],
    "metrics": ["--split", "c"],
}
RUN: dict[str, list[str]] = {
    "compare": ["compare", "PAIRS", "--bridges", "ridge", "--metrics", "cosine", "--resamples", "0", "--out", "OUT"],
    "fit": ["fit", "ridge", "PAIRS", "-o", "OUT"],
    "metrics": ["metrics", "PAIRS", "--metrics", "cosine", "--resamples", "0"],
    "tune": ["tune", "ridge", "PAIRS", "--trials", "1", "-o", "OUT"],
}


@pytest.fixture
def renamed(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Callable[[dict[str, str]], Path]:
    """The pairs with splits of other names, in a file."""

    def write(names: dict[str, str]) -> Path:
        path = tmp_path / "tiny.npz"
        np.savez(path, **{**arrays, "split": np.array([names.get(name, name) for name in arrays["split"]])})
        return path

    return write


def _run(cli: Cli, command: str, pairs: Path, out: Path, *flags: str) -> Any:
    known = {"PAIRS": str(pairs), "OUT": str(out)}
    return cli(*(known.get(word, word) for word in RUN[command]), *flags)


def _content(command: str, answer: Any, out: Path) -> Any:
    """What a command came to, without times and names of splits."""
    if command == "metrics":
        return [line for line in answer.out.splitlines() if "cosine" in line]
    if command == "compare":
        rows = json.loads((out / "results.json").read_text())["rows"]
        return [(row["bridge"], row["value"]) for row in rows]
    if command == "tune":
        return (out / "tuned.toml").read_bytes()
    return (out / "model.safetensors").read_bytes()


@pytest.mark.parametrize("command", RUN)
def test_splits_of_other_names_are_those_of_the_default_names(
    cli: Cli, renamed: Callable[[dict[str, str]], Path], tmp_path: Path, command: str
) -> None:
    found = []
    for k, (names, flags) in enumerate((({}, []), (CLOTHO, []), (OWN, NAMED[command]))):
        answer = _run(cli, command, renamed(names), tmp_path / str(k), *flags)
        assert answer.code == 0, answer.err
        found.append(_content(command, answer, tmp_path / str(k)))
        if command == "compare" and names is CLOTHO:
            assert "splits development, validation, evaluation of the data" in answer.err
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("command", NAMED)
def test_every_command_that_fits_or_measures_has_them(cli: Cli, command: str) -> None:
    text = cli(*command.split(), "--help").out
    assert all(flag in text for flag in NAMED[command] if flag.startswith("--"))


def test_fitted_on_one_file_measured_on_another(
    cli: Cli, npz: Path, tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    other = tmp_path / "other.npz"
    np.savez(other, **{key: arrays[key][:24] for key in ("source", "target")})
    out = tmp_path / "out"
    answer = _run(cli, "compare", npz, out, "--test", str(other))
    assert answer.code == 0, answer.err
    assert (
        "fitted on split train of tiny (30 items, 10 of val to stop by), measured on all 24 items of other"
        in answer.err
    )
    assert "other, fitted on tiny: 24 clips" in answer.out
    assert cli("table", out).code == 0
    assert cli("verify", out).code == 0


def test_folds(cli: Cli, npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = _run(cli, "compare", npz, out, "--folds", "3")
    assert answer.code == 0, answer.err
    assert "3 folds of 60 items, each measured by a fit that has not seen it" in " ".join(answer.out.split())
    assert "the splits of the data are left aside" in answer.err
    assert cli("verify", out).code == 0
    again = _run(cli, "compare", npz, out, "--folds", "3")
    assert "ridge: kept" in again.err
