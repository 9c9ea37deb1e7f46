import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gapkit
from gapkit.bridges import bridge_names, load_bridge
from gapkit.cli.main import main
from gapkit.comparison import Results
from gapkit.metrics.registry import metric_names

Cli = Callable[..., Any]
QUICK = ("--metrics", "cosine,mmd", "--resamples", "20", "--seeds", "1")


def test_compare_prints_a_table_and_writes_all_files(cli: Cli, npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = cli("compare", npz, "--bridges", "ridge,procrustes,c3", *QUICK, "--out", out)
    assert answer.code == 0
    for word in ("anchors", "unpaired bridges", "paired bridges", "cosine", "×1000", "ridge", "B = 20", "Take"):
        assert word in answer.out
    assert "gapkit: [9/9]" in answer.err
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == {
        "bridges", "cells", "manifest.json", "results.csv", "results.json", "study.json", "table.md", "table.tex",
    }  # fmt: skip
    assert load_bridge(out / "bridges" / "ridge").transform(np.ones((1, 8), np.float32)).shape == (1, 8)


def test_json_goes_to_stdout_and_talk_to_stderr(cli: Cli, npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = cli("compare", npz, "--bridges", "ridge", *QUICK, "--out", out, "--json")
    content = json.loads(answer.out)
    assert {row["bridge"] for row in content["rows"]} >= {"ridge", "identity", "collapse"}
    assert answer.err != ""
    assert answer.out == (out / "results.json").read_text()


def test_quiet_says_nothing(cli: Cli, npz: Path, tmp_path: Path) -> None:
    answer = cli("compare", npz, "--bridges", "ridge", *QUICK, "--out", tmp_path / "out", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    assert "ridge" in answer.out


def test_formats(cli: Cli, npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ("compare", npz, *QUICK, "--out", out)
    assert cli(*common, "--bridges", "ridge", "--format", "md").code == 0
    assert {p.name for p in out.glob("[rt]*.*")} == {"results.json", "table.md"}
    # A file that is there already must not go stale.
    assert cli(*common, "--bridges", "ridge,c3", "--format", "csv").code == 0
    assert "c3" in (out / "table.md").read_text()


def test_flags_go_before_the_file(cli: Cli, npz: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text(
        '[compare]\nbridges = ["ridge"]\nmetrics = ["cosine"]\nseeds = 2\nsteps = 3\nn_resamples = 20\n'
        "[bridges.residual-mlp]\nhidden = 8\n"
    )
    out = tmp_path / "out"
    answer = cli("compare", npz, "--config", config, "--bridges", "residual-mlp", "--epochs", "1", "--out", out)
    assert answer.code == 0
    resolved = json.loads((out / "manifest.json").read_text())["config"]
    assert (resolved["bridges"], resolved["seeds"], resolved["steps"]) == (["residual-mlp"], 2, None)
    assert Results.read(out).pivot().columns.tolist() == ["cosine"]
    # 30 fitted pairs lie in one batch.
    assert load_bridge(out / "bridges" / "residual-mlp-s1").get_params()["steps"] == 1


def test_two_files(cli: Cli, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    for side in ("source", "target"):
        np.save(tmp_path / f"{side}.npy", arrays[side])
    np.save(tmp_path / "owner.npy", np.arange(60))
    captions = tmp_path / "captions.csv"
    captions.write_text("caption\n" + "".join(f"sound {i % 30}\n" for i in range(60)))
    files = (tmp_path / "source.npy", "--target", tmp_path / "target.npy", "--owner", tmp_path / "owner.npy")
    answer = cli("compare", *files, "--captions", captions, "--bridges", "ridge", *QUICK, "--out", tmp_path / "out")
    assert answer.code == 0
    assert "no splits in the data: drawn 60% fit" in answer.err


def test_a_failed_bridge_is_exit_code_1_and_all_files_are_there(cli: Cli, npz: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text("[bridges.memory]\ntemperature = -1.0\n")
    out = tmp_path / "out"
    answer = cli("compare", npz, "--bridges", "memory,ridge", "--config", config, *QUICK, "--out", out)
    assert answer.code == 1
    assert "memory: failed: bridge 'memory': temperature must be a number above 0" in " ".join(answer.out.split())
    assert "Traceback" not in answer.err
    assert (out / "results.csv").exists()
    assert "temperature" in (out / "table.md").read_text()
    quiet = cli("compare", npz, "--bridges", "memory,ridge", "--config", config, *QUICK, "--out", out, "--quiet")
    assert quiet.code == 1
    assert "temperature must be a number above 0" in quiet.err


def test_metrics_measures_the_gap_as_it_is(cli: Cli, npz: Path, arrays: dict[str, np.ndarray]) -> None:
    answer = cli("metrics", npz, "--metrics", "centroid-distance", "--split", "all", "--json", "--resamples", "20")
    assert answer.code == 0
    (row,) = json.loads(answer.out)["rows"]
    sides = (arrays[side] / np.linalg.norm(arrays[side], axis=1, keepdims=True) for side in ("source", "target"))
    centroids = [rows.mean(axis=0) for rows in sides]
    assert row["value"] == pytest.approx(np.linalg.norm(centroids[0] - centroids[1]), rel=1e-5)
    assert row["n"] == 60
    assert "tiny:test: 20 clips" in cli("metrics", npz, "--resamples", "0").out


def test_fit_and_transform(cli: Cli, npz: Path, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    folder, moved = tmp_path / "ridge", tmp_path / "moved.npy"
    assert cli("fit", "ridge", npz, "-o", folder, "--set", "alpha=2.5").code == 0
    bridge = load_bridge(folder)
    assert bridge.get_params()["alpha"] == 2.5
    answer = cli("transform", folder, npz, "-o", moved)
    assert answer.code == 0
    assert "60 rows moved by ridge" in answer.err
    np.testing.assert_array_equal(np.load(moved), bridge.transform(arrays["source"]))


def test_fit_uses_all_clips_where_there_are_no_splits(cli: Cli, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez(whole, source=arrays["source"], target=arrays["target"])
    assert cli("fit", "mean-shift", whole, "-o", tmp_path / "all", "-q").code == 0
    unit = [arrays[s] / np.linalg.norm(arrays[s], axis=1, keepdims=True) for s in ("source", "target")]
    shift = load_bridge(tmp_path / "all").shift_  # type: ignore[attr-defined]
    np.testing.assert_allclose(shift, unit[1].mean(axis=0) - unit[0].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "said"),
    [("alpha", "expected KEY=VALUE"), ("=3", "expected KEY=VALUE"), ("apha=3", "has no parameter 'apha'")],
)
def test_parameters_that_are_none(cli: Cli, npz: Path, tmp_path: Path, given: str, said: str) -> None:
    answer = cli("fit", "ridge", npz, "-o", tmp_path / "x", "--set", given)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize(("kind", "names"), [("bridges", bridge_names), ("metrics", metric_names)])
def test_list(cli: Cli, kind: str, names: Callable[[], list[str]]) -> None:
    rows = json.loads(cli("list", kind, "--json").out)
    assert [row["name"] for row in rows] == names()
    assert all(row["what"] and row["package"] == "gapkit" for row in rows)
    shown = cli("list", kind).out
    assert all(name in shown for name in names())


@pytest.mark.parametrize(("kind", "name", "is_default"), [("decoders", "small", True), ("scores", "spider_fl", True)])
def test_list_what_captions_are_made_and_scored_with(cli: Cli, kind: str, name: str, is_default: bool) -> None:
    rows = {row["name"]: row for row in json.loads(cli("list", kind, "--json").out)}
    assert rows[name]["default"] is is_default
    assert not all(row["default"] for row in rows.values())
    assert all(row["what"].endswith(".") for row in rows.values())
    assert name in cli("list", kind).out


def test_list_datasets(cli: Cli) -> None:
    assert "sfx" in [row["name"] for row in json.loads(cli("list", "datasets", "--json").out)]


@pytest.mark.parametrize("kind", ["bridges", "metrics", "datasets", "scores"])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_list_breaks_no_word(cli: Cli, kind: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = json.loads(cli("list", kind, "--json").out)
    shown = cli("list", kind).out
    assert max(map(len, shown.splitlines())) <= width
    words = {word for row in rows for value in row.values() if isinstance(value, str) for word in value.split()}
    assert {word for word in words if len(word) <= width - 12} <= set(shown.split())


def test_inspect(cli: Cli, npz: Path) -> None:
    answer = cli("inspect", npz, "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["clips"] == 60


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"gapkit {gapkit.__version__}\n"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "soundscapes: 1,000 clips in 419 groups"),
        (["--test-split", "unseen"], "soundscapes: 400 clips"),
        (["--dataset", "sfx"], "sfx: 284 clips"),
    ],
    ids=["default", "another split", "another dataset"],
)
def test_bundled_data(cli: Cli, tmp_path: Path, flags: list[str], words: str) -> None:
    answer = cli("compare", *flags, "--bridges", "mean-shift", *QUICK, "--out", tmp_path / "out")
    assert answer.code == 0
    assert words in answer.out


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_no_bug(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys." + stream, None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    getattr(sys, stream).close()
    assert ended.value.code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["compare", "--help"],
        ["list", "bridges"],
        ["list", "metrics"],
        ["inspect", "PAIRS"],
        ["inspect", "PAIRS", "--json"],
        ["metrics", "PAIRS", "--metrics", "cosine", "--resamples", "5"],
        ["metrics", "PAIRS", "--metrics", "cosine", "--resamples", "5", "--json"],
    ],
    ids=" ".join,
)
def test_a_reader_of_stdout_that_leaves_is_no_bug(
    arguments: list[str], npz: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(SystemExit) as end:
            main([str(npz) if word == "PAIRS" else word for word in arguments])
        monkeypatch.undo()
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert "Traceback" not in said
    assert "gapkit: error" not in said
