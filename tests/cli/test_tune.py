import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from gapkit.bridges import Bridge, load_bridge
from gapkit.bridges.registry import BRIDGES
from gapkit.space import Range, Space

Cli = Callable[..., Any]


class Partway(Bridge):
    """Goes a share of the gap vector."""

    needs_pairs = False
    space: ClassVar[Space] = {"share": Range(0.0, 1.2), "steps": Range(1, 3)}

    def __init__(self, share: float = 0.5, steps: int = 2) -> None:
        self.share = share
        self.steps = steps

    def _fit(self, source: Any, target: Any, context: Any) -> None:
        self.shift_ = self.share * (target.mean(dim=0) - source.mean(dim=0))

    def _transform(self, source: Any) -> Any:
        return source + self.shift_


@pytest.fixture(autouse=True)
def partway() -> Iterator[None]:
    BRIDGES.names()
    Partway.name = "partway"
    BRIDGES.register("partway", Partway)
    yield
    del BRIDGES._items["partway"], BRIDGES._origins["partway"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    meaning, gap = rng.standard_normal((180, 8)), 3 * np.eye(8)[0]
    path = tmp_path / "tiny.npz"
    np.savez(
        path,
        source=(meaning + 0.4 * rng.standard_normal((180, 8)) + gap).astype(np.float32),
        target=(meaning + 0.4 * rng.standard_normal((180, 8)) - gap).astype(np.float32),
        split=np.array((["train"] * 3 + ["val"] + ["test"] * 2) * 30),
        captions=np.array([f"sound {i}" for i in range(180)]),
    )
    return path


def test_from_the_search_to_the_table_and_the_fitted_bridge(cli: Cli, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    answer = cli("tune", "partway", file, "--trials", 6, "--keep", 0.8, "-o", out)
    assert answer.code == 0
    for word in ("partway on tiny: 6 trials, fitted on 81 clips, scored on 30", "closure ↑", "kept ↑", "Chosen: trial"):
        assert word in answer.out
    assert any(line.split()[:2] == ["0", "default"] for line in answer.out.splitlines())
    assert "gapkit: [6/6] trial 5: closure" in answer.err
    assert f"gapkit: written to {out}" in answer.err
    chosen = tomllib.loads((out / "tuned.toml").read_text())["bridges"]["partway"]
    assert 0.5 < chosen["share"] <= 1.2
    # The comparison and the fit read what was chosen.
    study = tmp_path / "study"
    common = ("--bridges", "partway", "--metrics", "cosine", "--resamples", 5, "-q")
    assert cli("compare", file, "--config", out / "tuned.toml", *common, "-o", study).code == 0
    params = json.loads((study / "manifest.json").read_text())["cells"]["partway"]["params"]
    assert params == chosen
    assert cli("fit", "partway", file, "--config", out / "tuned.toml", "-o", tmp_path / "fit", "-q").code == 0
    fitted, compared = load_bridge(tmp_path / "fit"), load_bridge(study / "bridges" / "partway")
    assert fitted.get_params() == chosen
    rows = np.eye(8, dtype=np.float32)
    np.testing.assert_array_equal(fitted.transform(rows), compared.transform(rows))


@pytest.mark.parametrize("width", [40, 62, 80, 100])
def test_a_narrow_terminal_cuts_no_number(
    cli: Cli, file: Path, tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = cli("tune", "partway", file, "--trials", 2, "-o", tmp_path / "found", "-q").out
    assert "…" not in said
    assert max(map(len, said.splitlines())) <= width
    for word in ("closure ↑", "kept ↑", "cosine ↑", "distance ↓", "×1000 ↓", "→.5", "R@10 ↑"):
        assert said.count(word) == 1


def test_again_it_goes_on_and_json_goes_to_stdout(cli: Cli, file: Path, tmp_path: Path) -> None:
    common = ("tune", "partway", file, "--trials", 3, "-o", tmp_path / "found")
    first = cli(*common, "--json")
    content = json.loads(first.out)
    assert (content["bridge"], len(content["trials"])) == ("partway", 3)
    assert content["trials"][0]["params"] == {"share": 0.5, "steps": 2}
    again = cli(*common, "--json", "--quiet")
    assert (again.code, again.err) == (0, "")
    assert json.loads(again.out) == content
    assert "[3/3] trial 2: done before" in cli(*common).err


def test_ranges_of_a_file_and_steps(cli: Cli, file: Path, tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("share = [0.7, 0.9]\n")
    arguments = ("tune", "partway", file, "--space", space, "--steps", 9, "--trials", 5, "-o", tmp_path / "found")
    answer = cli(*arguments, "--json")
    content = json.loads(answer.out)
    # The default lies outside; the two choices are all there is.
    assert [trial["params"]["share"] for trial in content["trials"]] in ([0.5, 0.7, 0.9], [0.5, 0.9, 0.7])
    assert "the search ends with 3" in answer.err
    assert content["chosen"]["params"]["steps"] == 9
    assert tomllib.loads((tmp_path / "found" / "tuned.toml").read_text())["bridges"]["partway"]["steps"] == 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tune", "partwya", "PAIRS"], "unknown bridge 'partwya': did you mean partway"),
        (["tune", "identity", "PAIRS"], "bridge 'identity': declares no search space"),
        (["tune", "partway", "PAIRS", "--trials", "0"], "trials: expected a whole number of at least 1, got 0"),
        (["tune", "partway", "PAIRS", "--seeds", "0"], "seeds: expected a whole number of at least 1"),
        (["tune", "partway", "PAIRS", "--keep", "1.5"], "--keep: expected a share above 0 and at most 1, got 1.5"),
        (["tune", "partway", "PAIRS", "--keep", "x"], "--keep"),
        (["tune", "partway", "PAIRS", "--space", "no.toml"], "no.toml: no such file"),
        (["tune", "partway", "PAIRS", "--space", "SPACE"], "no parameter 'shore' to search: did you mean share"),
        (["tune", "partway", "none.npz"], "none.npz"),
        (["tune", "partway", "PAIRS", "--dataset", "sfx"], "PAIRS or --dataset"),
        (["tune", "partway", "PAIRS", "-o", "OTHER"], "expected a new, empty or search folder"),
        (["tune"], "bridge"),
        (["fit", "ridge", "PAIRS", "-o", "OUT", "--config", "TUNED"], "[bridges.ridge], got [bridges.c3]"),
        (["fit", "ridge", "PAIRS", "-o", "OUT", "--config", "no.toml"], "no.toml: no such file"),
    ],
)  # fmt: skip
def test_wrong_arguments(
    cli: Cli, file: Path, tmp_path: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.toml").write_text("shore = [1]\n")
    (tmp_path / "tuned.toml").write_text("[bridges.c3]\nnoise = 0.1\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    known = {"PAIRS": file, "SPACE": "space.toml", "OTHER": "other", "TUNED": "tuned.toml", "OUT": "out"}
    answer = cli(*(known.get(argument, argument) for argument in arguments))
    assert answer.code == 2
    assert answer.out == ""
    (line,) = [line for line in answer.err.splitlines() if line.startswith("gapkit: error: ")]
    assert said in line
    assert "Traceback" not in answer.err
    assert not (tmp_path / "gapkit-tune").exists()
    assert not (tmp_path / "out").exists()


def test_flags_of_a_fit_go_before_the_file(cli: Cli, file: Path, tmp_path: Path) -> None:
    config = tmp_path / "tuned.toml"
    config.write_text("[bridges.partway]\nshare = 0.7\nsteps = 3\n")
    common = ("fit", "partway", file, "--config", config, "-q", "-o")
    cli(*common, tmp_path / "a", "--set", "share=0.8", "--steps", 5)
    assert load_bridge(tmp_path / "a").get_params() == {"share": 0.8, "steps": 5}
    cli(*common, tmp_path / "b")
    assert load_bridge(tmp_path / "b").get_params() == {"share": 0.7, "steps": 3}


def test_all_trials_that_fail_are_exit_code_1(
    cli: Cli, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("no\nway")

    monkeypatch.setattr(Partway, "_fit", broken)
    answer = cli("tune", "partway", file, "--trials", 3, "-o", tmp_path / "found", "-q")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "gapkit: error: bridge 'partway': all 3 trials failed; the first: ZeroDivisionError: no way\n"
    )
