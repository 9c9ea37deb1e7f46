import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gapkit import atomic
from gapkit.cli import compare as command

Cli = Callable[..., Any]
Arrays = dict[str, np.ndarray]


def _edit(arrays: Arrays, row: int, value: float) -> Arrays:
    source = arrays["source"].copy()
    source[row] = value
    return {**arrays, "source": source}


CASES: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "nan": (lambda a: _edit(a, 3, np.nan), "NaN"),
    "infinite": (lambda a: _edit(a, 3, np.inf), "infinit"),
    "zero row": (lambda a: _edit(a, 3, 0.0), "zero"),
    "dimensions": (lambda a: {**a, "target": a["target"][:, :5]}, "8 dimensions and target 5"),
    "counts": (lambda a: {"source": a["source"], "target": a["target"][:50]}, "60 source rows but 50 target rows"),
    "owner out of range": (lambda a: {**a, "owner": np.arange(60) + 1}, "owner must lie in 0..59"),
    "owner too short": (lambda a: {**a, "owner": np.arange(59)}, "owner needs one integer a target row"),
    "one clip": (lambda a: {k: v[:1] for k, v in a.items()}, "1 clip is too few"),
    "empty split": (lambda a: {**a, "split": np.array(["train"] * 60)}, "no item in split 'test'"),
    "text": (lambda a: {**a, "source": a["source"].astype(str)}, "numbers"),
    "complex": (lambda a: {**a, "source": a["source"].astype(complex)}, "numbers"),
}  # fmt: skip


def _refused(answer: Any, said: str, code: int = 2) -> None:
    assert answer.code == code
    errors = [line for line in answer.err.splitlines() if line.startswith("gapkit: error: ")]
    assert len(errors) == 1, answer.err
    assert said in errors[0]
    assert answer.err.splitlines()[-1] == errors[0]
    assert "Traceback" not in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["compare", "fit"])
def test_embeddings_that_cannot_be_used(cli: Cli, arrays: Arrays, tmp_path: Path, case: str, name: str) -> None:
    change, said = CASES[case]
    path = tmp_path / "bad.npz"
    np.savez(path, **change(arrays))
    if name == "fit" and case == "empty split":
        said, change = "no item in split 'train'", lambda a: {**a, "split": np.array(["test"] * 60)}
        np.savez(path, **change(arrays))
    out = tmp_path / "out"
    arguments = (name, path, "--bridges", "ridge") if name == "compare" else (name, "ridge", path)
    _refused(cli(*arguments, "--out", out), said)
    assert not out.exists()


@pytest.mark.parametrize("dtype", [np.float16, np.int32])
def test_half_precision_and_integers_are_read_with_a_word(
    cli: Cli, arrays: Arrays, tmp_path: Path, dtype: type
) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, **{**arrays, "source": (8 * arrays["source"]).astype(dtype)})
    answer = cli(
        "compare", path, "--bridges", "ridge", "--metrics", "cosine", "--resamples", 0, "--out", tmp_path / "o"
    )
    assert answer.code == 0
    assert np.dtype(dtype).name in answer.err


def test_a_pickled_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    _refused(cli("compare", path, "--out", tmp_path / "out"), "bad.npy")
    path = tmp_path / "bad.pt"
    path.write_bytes(pickle.dumps({"source": [1]}))
    _refused(cli("compare", path, "--out", tmp_path / "out"), "bad.pt")


@pytest.mark.parametrize("length", [0, 10, 1000])
def test_a_truncated_file(cli: Cli, npz: Path, tmp_path: Path, length: int) -> None:
    npz.write_bytes(npz.read_bytes()[:length])
    _refused(cli("compare", npz, "--out", tmp_path / "out"), "tiny.npz")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "no.npz"], "no.npz"),
        (["compare", "PAIRS", "--bridges", "rigde"], "unknown bridge 'rigde': did you mean ridge"),
        (["compare", "PAIRS", "--metrics", "cosin"], "unknown metric 'cosin': did you mean cosine"),
        (["compare", "PAIRS", "--format", "pdf"], "expected some of csv, json, md, tex, got 'pdf'"),
        (["compare", "PAIRS", "--seeds", "0"], "seeds: expected a whole number of at least 1"),
        (["compare", "PAIRS", "--seeds", "x"], "--seeds"),
        (["compare", "PAIRS", "--stpes", "3"], "--stpes"),
        (["compare", "PAIRS", "--steps", "3", "--epochs", "3"], "expected one of the two"),
        (["compare", "PAIRS", "--dataset", "sfx"], "PAIRS or --dataset"),
        (["compare", "--dataset", "sfy"], "sfx"),
        (["compare", "--owner", "o.npy"], "go with a file"),
        (["compare", "PAIRS", "--config", "no.toml"], "no.toml: no such file"),
        (["compare", "PAIRS", "--device", "abacus"], "expected one of this machine"),
        (["compare", "PAIRS", "--folds", "1"], "folds: expected a whole number of at least 2, got 1"),
        (["compare", "PAIRS", "--folds", "61"], "--folds: expected 2 to 60"),
        (["compare", "PAIRS", "--folds", "3", "--test", "PAIRS"], "--test and --folds: expected one of the two"),
        (["compare", "PAIRS", "--test", "no.npz"], "no.npz"),
        (["compare", "PAIRS", "--test", "dataset:sfy"], "sfx"),
        (["compare", "PAIRS", "--test", "dataset:sfx"], "expected embeddings of 8 dimensions, as tiny has them, got"),
        (["compare", "PAIRS", "--test-split", "tset"], "test (20): name them with --fit-split"),
        (["fit", "ridge", "PAIRS", "-o", "OUT", "--fit-split", "tarin"], "name them with --fit-split"),
        (["tune", "ridge", "PAIRS", "--fit-split", "tarin"], "name them with --fit-split"),
        (["caption", "train", "-o", "OUT", "PAIRS", "--fit-split", "tarin"], "name them with --fit-split"),
        (["metrics", "PAIRS", "--split", "tset"], "no item in split 'tset'"),
        (["fit", "rigde", "PAIRS", "-o", "OUT"], "unknown bridge 'rigde'"),
        (["fit", "ridge", "PAIRS"], "--out"),
        (["transform", "OUT", "PAIRS", "-o", "x.npy"], "no config.json here"),
        (["compare", "PAIRS", "--bridges", ""], "--bridges: expected names with commas between them, got ''"),
        (["metrics", "PAIRS", "--metrics", " , "], "--metrics: expected names with commas between them, got ' , '"),
        (["list", "bridgs"], "expected one of bridges, metrics, datasets, encoders, decoders, scores, got"),
        (["compaer"], "compaer"),
    ],
)  # fmt: skip
def test_wrong_arguments(
    cli: Cli, npz: Path, tmp_path: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {"PAIRS": str(npz), "OUT": str(tmp_path / "out")}
    _refused(cli(*(known.get(argument, argument) for argument in arguments)), said)
    assert not (tmp_path / "gapkit-out").exists()


def test_source_of_another_width(cli: Cli, npz: Path, tmp_path: Path) -> None:
    cli("fit", "ridge", npz, "-o", tmp_path / "ridge", "-q")
    np.save(tmp_path / "wide.npy", np.ones((3, 9), np.float32))
    answer = cli("transform", tmp_path / "ridge", tmp_path / "wide.npy", "-o", tmp_path / "x.npy")
    _refused(answer, "expected 8 features")


@pytest.mark.parametrize("name", ["compare", "fit"])
def test_a_folder_with_other_things(cli: Cli, npz: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    arguments = (name, npz) if name == "compare" else (name, "ridge", npz)
    _refused(cli(*arguments, "--out", out), "other files")
    assert [p.name for p in out.iterdir()] == ["thesis.tex"]


def test_a_folder_of_another_study(cli: Cli, npz: Path, tmp_path: Path) -> None:
    common = ("--bridges", "ridge", "--metrics", "cosine", "--resamples", "5", "--out", tmp_path / "out", "-q")
    assert cli("compare", npz, *common).code == 0
    _refused(cli("compare", npz, *common, "--seed", "9"), "another study (options seed: 0 there, 9 here)")


def test_a_full_disk(cli: Cli, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, written = atomic.os.fsync, []

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", full)
    common = ("compare", npz, "--bridges", "ridge", "--metrics", "cosine", "--resamples", 5, "--out", tmp_path / "out")
    _refused(cli(*common), "No space left on device", code=1)
    monkeypatch.setattr(atomic.os, "fsync", real)
    answer = cli(*common)
    assert answer.code == 0
    assert "identity: kept" in answer.err


def test_a_bug_is_one_line_and_debug_shows_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(command.options, "open_pairs", broken)
    _refused(cli("compare"), "ZeroDivisionError: oh (this is a bug", code=1)
    with pytest.raises(ZeroDivisionError):
        cli("compare", "--debug")


def test_ctrl_c(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.options, "open_pairs", interrupted)
    answer = cli("compare")
    assert answer.code == 130
    assert answer.err == "gapkit: stopped; finished work is kept, the same command goes on from there\n"
