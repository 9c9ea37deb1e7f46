"""A folder grows and never hides: what earlier runs found stays, and a study that was stopped opens."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gapkit.bridges import Bridge, make_bridge
from gapkit.cli.main import run
from gapkit.comparison import Results, StudyConfig, merge_runs, open_run, run_study, verify_run
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import save_pairs
from gapkit.study import keys
from gapkit.study.progress import Silent

CONFIG = StudyConfig(
    bridges=("ridge", "residual-mlp"),
    metrics=("cosine",),
    seeds=1,
    n_resamples=20,
    steps=4,
    device="cpu",
    params={"residual-mlp": {"hidden": 8, "blocks": 1}},
)
Add = Callable[[str, type[Bridge]], None]


class Notes(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.cells: dict[str, str] = {}
        self.messages: list[str] = []

    def advance(self, label: str, note: str) -> None:
        self.cells[label] = note

    def message(self, text: str) -> None:
        self.messages.append(text)


def _rows(results: Results) -> pd.DataFrame:
    keyed = results.frame.set_index(["bridge", "metric", "seed"])
    return keyed[["value", "ci_low", "ci_high"]].sort_index()


@pytest.mark.parametrize(
    "other",
    [
        {"bridges": ("procrustes",)},
        {"metrics": ("mmd",)},
        {"seeds": 2},
        {"bridges": ("c3",), "metrics": ("rmg", "mmd"), "seeds": 2},
        {"bridges": ("ridge",)},
    ],
    ids=["bridges", "metrics", "seeds", "all three", "fewer"],
)
def test_no_row_of_an_earlier_run_goes(pairs: PairedEmbeddings, tmp_path: Path, other: dict[str, Any]) -> None:
    before = _rows(run_study(pairs, CONFIG, out=tmp_path))
    after = run_study(pairs, replace(CONFIG, **other), out=tmp_path)
    pd.testing.assert_frame_equal(_rows(after).loc[before.index], before, check_exact=True)
    asked = replace(CONFIG, **other)
    pivot = after.pivot()
    assert set(asked.bridges) <= set(pivot.index)
    assert pivot.loc[list(asked.bridges), list(asked.metrics)].notna().all(axis=None)
    pd.testing.assert_frame_equal(_rows(Results.read(tmp_path)), _rows(after), check_exact=True)
    assert verify_run(tmp_path, pairs, cells=20).agrees
    opened = open_run(tmp_path, pairs)
    assert {"ridge", "residual-mlp", *asked.bridges} <= set(opened.bridges)
    assert np.isfinite(opened.moved("residual-mlp")).all()


def test_the_order_of_two_runs_makes_no_other_numbers(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    more = replace(CONFIG, bridges=("procrustes",), metrics=("mmd",), seeds=2)
    for name, configs in (("a", (CONFIG, more)), ("b", (more, CONFIG))):
        for config in configs:
            run_study(pairs, config, out=tmp_path / name)
    both = [_rows(Results.read(tmp_path / name)) for name in ("a", "b")]
    pd.testing.assert_frame_equal(*both, check_exact=True)


MMD = replace(CONFIG, bridges=("procrustes",), metrics=("mmd",))


def test_a_table_has_no_blanks(pairs: PairedEmbeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_study(pairs, CONFIG, out=tmp_path)
    fits = {path: path.read_bytes() for path in (tmp_path / "bridges").rglob("*") if path.is_file()}
    monkeypatch.setattr(make_bridge("ridge").__class__, "_fit", None)
    notes = Notes()
    grown = run_study(pairs, MMD, out=tmp_path, progress=notes)
    wide = grown.pivot().loc[["ridge", "residual-mlp", "procrustes"]]
    assert wide.notna().all(axis=None)
    assert not any("Not measured" in note for note in grown.notes)
    assert "the folder has cosine too: new rows are measured by all of its metrics" in notes.messages
    assert "mmd: measured for residual-mlp, ridge too, from their kept fits" in notes.messages
    assert all(path.read_bytes() == data for path, data in fits.items())
    once = run_study(pairs, replace(MMD, metrics=("cosine", "mmd"), bridges=("procrustes", "residual-mlp")))
    fitted = ["residual-mlp", "procrustes"]
    pd.testing.assert_frame_equal(wide.loc[fitted], once.pivot().loc[fitted, wide.columns], check_exact=True)
    notes = Notes()
    run_study(pairs, MMD, out=tmp_path, progress=notes)
    assert set(notes.cells.values()) == {"kept"}


def test_a_blank_that_is_left_is_told_with_the_command(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    run_study(pairs, CONFIG, out=tmp_path)
    shutil.rmtree(tmp_path / "bridges" / "ridge")
    results = run_study(pairs, MMD, out=tmp_path)
    said = "Not measured: mmd of ridge. `gapkit compare --bridges ridge --metrics mmd` into the same folder"
    assert said in results.notes[0]
    assert said in Results.read(tmp_path).notes[0]
    mended = run_study(pairs, replace(MMD, bridges=("ridge",)), out=tmp_path)
    assert "Not measured" not in mended.notes[0]
    assert mended.pivot().loc[["ridge", "residual-mlp", "procrustes"]].notna().all(axis=None)


def test_the_exit_code_tells_of_what_the_run_was_asked(
    pairs: PairedEmbeddings, tmp_path: Path, bridge_for_a_test: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    class Fails(Bridge):
        """Raises."""

        needs_pairs = False

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            raise ZeroDivisionError("no way")

    bridge_for_a_test("fails", Fails)
    save_pairs(pairs, tmp_path / "pairs.npz")
    common = ["compare", str(tmp_path / "pairs.npz"), "--metrics", "cosine", "--resamples", "5", "--quiet"]
    codes = [
        run([*common, "--bridges", names, "--out", str(tmp_path / "out")])
        for names in ("fails,ridge", "ridge", "procrustes", "fails")
    ]
    assert codes == [1, 0, 0, 1]
    assert "failed: fails: ZeroDivisionError: no way" in capsys.readouterr().err
    assert Results.read(tmp_path / "out").failures == ["fails: ZeroDivisionError: no way"]


def test_other_parameters_have_a_row_of_their_own(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    before = _rows(run_study(pairs, CONFIG, out=tmp_path))
    notes = Notes()
    longer = run_study(pairs, replace(CONFIG, steps=6), out=tmp_path, progress=notes)
    assert notes.cells["ridge"] == "kept"
    assert "row 'residual-mlp (steps=6)'" in " ".join(notes.messages)
    pd.testing.assert_frame_equal(_rows(longer).loc[before.index], before, check_exact=True)
    fresh = run_study(pairs, replace(CONFIG, steps=6)).pivot().loc["residual-mlp"]
    assert longer.pivot().loc["residual-mlp (steps=6)"].equals(fresh.rename("residual-mlp (steps=6)"))

    wider = replace(CONFIG, steps=7, params={"residual-mlp": {"hidden": 4, "blocks": 1}})
    third = run_study(pairs, wider, out=tmp_path)
    rows = ["residual-mlp", "residual-mlp (hidden=4 steps=7)", "residual-mlp (steps=6)"]
    assert sorted(name for name in third.pivot().index if name.startswith("residual-mlp")) == rows
    for config in (CONFIG, wider, replace(CONFIG, steps=6)):
        notes = Notes()
        pd.testing.assert_frame_equal(_rows(run_study(pairs, config, out=tmp_path, progress=notes)), _rows(third))
        assert set(notes.cells.values()) == {"kept"}
    opened = open_run(tmp_path, pairs)
    assert [opened.bridge(row).get_params()["steps"] for row in rows] == [4, 7, 6]
    assert verify_run(tmp_path, pairs, cells=20).agrees


def test_a_difference_that_makes_no_name_is_refused(
    pairs: PairedEmbeddings, tmp_path: Path, bridge_for_a_test: Add
) -> None:
    class Worded(Bridge):
        """Has a word."""

        needs_pairs = False

        def __init__(self, word: str = "a") -> None:
            self.word = word

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            pass

        def _transform(self, source: Any) -> Any:
            return source

    bridge_for_a_test("worded", Worded)
    config = replace(CONFIG, bridges=("worded",))
    run_study(pairs, config, out=tmp_path)
    before = (tmp_path / "results.json").read_bytes()
    for word in ("../b", "b" * 200, "b\x1b"):
        with pytest.raises(InputError, match=r"has worded with other parameters \(word\).*give another --out"):
            run_study(pairs, replace(config, params={"worded": {"word": word}}), out=tmp_path)
    assert (tmp_path / "results.json").read_bytes() == before


def test_a_merged_folder_stays_merged(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    run_study(pairs, CONFIG, out=tmp_path / "a")
    run_study(pairs, replace(CONFIG, steps=6, bridges=("residual-mlp", "c3")), out=tmp_path / "b")
    before = _rows(merge_runs([tmp_path / "a", tmp_path / "b"], tmp_path / "ab", label=True))
    origins = json.loads((tmp_path / "ab" / "manifest.json").read_text())["merged_from"]
    after = run_study(pairs, replace(CONFIG, bridges=("procrustes",)), out=tmp_path / "ab")
    pd.testing.assert_frame_equal(_rows(after).loc[before.index], before, check_exact=True)
    assert "procrustes" in after.pivot().index
    assert json.loads((tmp_path / "ab" / "manifest.json").read_text())["merged_from"] == origins
    assert verify_run(tmp_path / "ab", pairs, cells=20).agrees


class Stops(Bridge):
    """Ctrl-C comes while it is fitted."""

    needs_pairs = True

    def _fit(self, source: Any, target: Any, context: Any) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("before", [False, True], ids=["first run", "second run"])
def test_a_stopped_study_opens(
    pairs: PairedEmbeddings,
    tmp_path: Path,
    bridge_for_a_test: Add,
    capsys: pytest.CaptureFixture[str],
    before: bool,
) -> None:
    kind = type("Stops", (Stops,), {})
    bridge_for_a_test("stops", kind)
    if before:
        run_study(pairs, replace(CONFIG, bridges=("procrustes",)), out=tmp_path)
    config = replace(CONFIG, bridges=("ridge", "stops"))
    with pytest.raises(KeyboardInterrupt):
        run_study(pairs, config, out=tmp_path)
    found = Results.read(tmp_path)
    rows = set(found.pivot().index)
    assert rows >= {"identity", "collapse", "ridge", *(("procrustes",) if before else ())}
    said = "Not finished: 1 of 8 cells are missing (stops)"
    assert said in found.notes[0]
    for arguments in (["table", str(tmp_path)], ["compare", "--only-table", "--out", str(tmp_path)]):
        assert run(arguments) == 0
        assert said in " ".join(capsys.readouterr().out.split())
    save_pairs(pairs, tmp_path / "pairs.npz")
    figure = ["plot", "cosines", str(tmp_path), "--pairs", str(tmp_path / "pairs.npz"), "-o", str(tmp_path / "f.svg")]
    assert run(figure) == 0
    assert said in capsys.readouterr().err
    assert open_run(tmp_path, pairs).moved("ridge").shape == (20, 8)
    assert verify_run(tmp_path, pairs, cells=2).agrees
    assert not found.draws.keys() - {(r, None, "cosine") for r in rows}

    kind._fit = lambda self, source, target, context: None  # type: ignore[attr-defined]
    kind._transform = lambda self, source: source  # type: ignore[attr-defined]
    ended = run_study(pairs, config, out=tmp_path)
    assert "Not finished" not in " ".join(ended.notes)
    pd.testing.assert_frame_equal(_rows(Results.read(tmp_path)), _rows(ended), check_exact=True)


def test_a_study_without_a_finished_row_says_so(
    pairs: PairedEmbeddings, tmp_path: Path, bridge_for_a_test: Add
) -> None:
    bridge_for_a_test("stops", type("Stops", (Stops,), {}))
    with pytest.raises(KeyboardInterrupt):
        run_study(pairs, replace(CONFIG, bridges=("stops",)), out=tmp_path)
    for path in (tmp_path / "cells").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no row is finished yet; run the same `gapkit compare` again"):
        Results.read(tmp_path)


def test_rows_of_another_version_are_not_mixed_in(
    pairs: PairedEmbeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_study(pairs, CONFIG, out=tmp_path)
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    notes = Notes()
    after = run_study(pairs, replace(CONFIG, bridges=("procrustes",)), out=tmp_path, progress=notes)
    assert "ridge" not in after.pivot().index
    assert any("another version" in text and "ridge" in text for text in notes.messages)
    again = run_study(pairs, CONFIG, out=tmp_path)
    assert {"ridge", "residual-mlp", "procrustes"} <= set(again.pivot().index)
