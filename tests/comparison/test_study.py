import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gapkit.comparison.fitting
import gapkit.comparison.grid
import gapkit.comparison.study
from gapkit.bridges import Bridge
from gapkit.comparison import Results, StudyConfig, measure_gap, run_study
from gapkit.comparison.alone import fit_alone
from gapkit.comparison.cells import read_cell
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.metrics.registry import METRICS, register_metric
from gapkit.study.folder import StudyFolder

CONFIG = StudyConfig(
    bridges=("ridge", "residual-mlp"),
    metrics=("cosine", "mmd"),
    seeds=2,
    n_resamples=40,
    steps=5,
    device="cpu",
    params={"residual-mlp": {"hidden": 8}},
)
Add = Callable[[str, type[Bridge]], None]


class Notes:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.cells: dict[str, str] = {}
        self.messages: list[str] = []
        self.total = 0

    def start(self, total: int) -> None:
        self.total = total

    def begin(self, label: str) -> None:
        pass

    def step(self, done: int, total: int, note: str) -> None:
        assert 0 < done <= total

    def advance(self, label: str, note: str) -> None:
        self.cells[label] = note

    def message(self, text: str) -> None:
        self.messages.append(text)


def _numbers(results: Results) -> pd.DataFrame:
    return results.frame.drop(columns="seconds")


def test_the_same_seed_gives_the_same_bytes(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run_study(pairs, CONFIG, out=tmp_path / name)
    for file in ("table.md", "table.tex", "study.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    for cell in (tmp_path / "a" / "cells").glob("*.npz"):
        assert cell.read_bytes() == (tmp_path / "b" / "cells" / cell.name).read_bytes()
    a, b = (pd.read_csv(tmp_path / name / "results.csv").drop(columns="seconds") for name in ("a", "b"))
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_another_seed_gives_other_numbers(pairs: PairedEmbeddings) -> None:
    first, second = (run_study(pairs, replace(CONFIG, seed=seed)).pivot() for seed in (0, 7))
    assert first.loc["residual-mlp", "cosine"] != second.loc["residual-mlp", "cosine"]


def test_the_rows_of_a_study(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    notes = Notes()
    results = run_study(pairs, CONFIG, out=tmp_path / "out", progress=notes)
    blocks = results.frame.groupby("bridge", sort=False)["block"].first()
    anchors = ["identity", "mean-shift", "collapse", "random-target", "oracle-target", "target-split-half"]
    assert blocks[blocks == "anchor"].index.tolist() == anchors
    assert blocks[blocks == "paired"].index.tolist() == ["ridge", "residual-mlp"]
    assert results.frame.loc[results.frame["bridge"] == "residual-mlp", "seed"].unique().tolist() == [0, 1]
    # A bridge that does not depend on the seed is computed once.
    assert sorted(p.name for p in (tmp_path / "out" / "bridges").iterdir()) == [
        "identity", "mean-shift", "residual-mlp-s0", "residual-mlp-s1", "ridge", "shared",
    ]  # fmt: skip
    assert notes.total == len(notes.cells) == 9
    assert not (tmp_path / "out" / "checkpoints").exists()
    wide = results.pivot()
    assert wide.loc["oracle-target", "cosine"] > wide.loc["ridge", "cosine"] > wide.loc["identity", "cosine"]


def test_the_manifest(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    run_study(pairs, replace(CONFIG, threads=1), out=tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["input"]["content_hash"] == pairs.content_hash()
    assert manifest["input"]["source"] == {"shape": [60, 8], "dtype": "float32"}
    assert manifest["parts"]["test"]["clips"] == 20
    assert manifest["config"]["params"] == {"residual-mlp": {"hidden": 8}}
    assert manifest["seeds"] == [0, 1]
    assert {"numpy", "torch", "scikit-learn"} <= set(manifest["packages"])
    assert manifest["started"] <= manifest["finished"]
    assert manifest["started"].endswith("+00:00")
    assert manifest["cells"]["ridge"]["fit_seconds"] > 0


def test_a_finished_cell_is_never_computed_again(
    pairs: PairedEmbeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_study(pairs, CONFIG, out=tmp_path)
    monkeypatch.setattr(gapkit.comparison.grid, "fit_bridge", _never)
    monkeypatch.setattr(gapkit.comparison.grid, "estimate_all", _never)
    notes = Notes()
    again = run_study(pairs, CONFIG, out=tmp_path, progress=notes)
    pd.testing.assert_frame_equal(again.frame, first.frame)
    assert set(notes.cells.values()) == {"kept"}


def test_a_metric_that_is_added_needs_no_second_fit(
    pairs: PairedEmbeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wider = replace(CONFIG, metrics=("cosine", "mmd", "rmg", "separability"))
    whole = run_study(pairs, wider)
    run_study(pairs, CONFIG, out=tmp_path)
    monkeypatch.setattr(gapkit.comparison.fitting, "make_bridge", _never)
    grown = run_study(pairs, wider, out=tmp_path)
    pd.testing.assert_frame_equal(_numbers(grown), _numbers(whole), check_exact=True)


def test_seeds_and_bridges_are_added_to_a_study(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    run_study(pairs, replace(CONFIG, seeds=1, bridges=("residual-mlp",)), out=tmp_path)
    notes = Notes()
    grown = run_study(pairs, CONFIG, out=tmp_path, progress=notes)
    assert notes.cells["residual-mlp, seed 0"] == "kept"
    assert notes.cells["residual-mlp, seed 1"] != "kept"
    pd.testing.assert_frame_equal(_numbers(grown), _numbers(run_study(pairs, CONFIG)), check_exact=True)


@pytest.mark.parametrize(
    "broken", ["cells/ridge.json", "cells/ridge.npz", "cells/collapse.npz", "bridges/ridge/model.safetensors"]
)
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_broken_file_is_computed_again(pairs: PairedEmbeddings, tmp_path: Path, broken: str, damage: str) -> None:
    first = run_study(pairs, CONFIG, out=tmp_path)
    path = tmp_path / broken
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content[: len(content) // 2] if damage == "cut" else content)
    if broken.startswith("bridges"):
        # The fitted bridge is looked at only where the cell is gone too.
        (tmp_path / "cells" / "ridge.json").unlink()
    again = run_study(pairs, CONFIG, out=tmp_path)
    pd.testing.assert_frame_equal(_numbers(again), _numbers(first), check_exact=True)
    assert read_cell(tmp_path / "cells", "ridge") is not None


def test_a_bridge_that_fails_does_not_stop_the_others(
    pairs: PairedEmbeddings, tmp_path: Path, bridge_for_a_test: Add
) -> None:
    class Broken(Bridge):
        """Fails."""

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            raise ZeroDivisionError("no\nway\x1b")

    bridge_for_a_test("broken", Broken)
    notes = Notes()
    results = run_study(pairs, replace(CONFIG, bridges=("broken", "ridge")), out=tmp_path, progress=notes)
    assert results.failures == ["broken: ZeroDivisionError: no way "]
    assert notes.cells["broken"].startswith("failed")
    assert np.isfinite(results.pivot().loc["ridge", "cosine"])
    for text in (results.to_markdown(), results.to_latex(), results.to_csv(), results._repr_html_()):
        assert "no way" in text

    Broken._fit = lambda self, source, target, context: None  # type: ignore[method-assign]
    Broken._transform = lambda self, source: source  # type: ignore[method-assign]
    mended = run_study(pairs, replace(CONFIG, bridges=("broken", "ridge")), out=tmp_path)
    assert not mended.failures


def test_a_bridge_that_fails_at_a_later_metric_keeps_its_earlier_numbers(
    pairs: PairedEmbeddings, tmp_path: Path, bridge_for_a_test: Add
) -> None:
    class Ageing(Bridge):
        """Moves nothing."""

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            pass

        def _transform(self, source: Any) -> Any:
            return source

    bridge_for_a_test("ageing", Ageing)
    config = replace(CONFIG, bridges=("ageing",), metrics=("cosine",))
    first = run_study(pairs, config, out=tmp_path).pivot().loc["ageing", "cosine"]

    def fail(self: Any, source: Any) -> Any:
        raise ZeroDivisionError("too old")

    move = Ageing._transform
    Ageing._transform = fail  # type: ignore[method-assign]
    more = replace(config, metrics=("cosine", "mmd"))
    for _ in range(2):
        results = run_study(pairs, more, out=tmp_path)
        assert results.failures == ["ageing, metric mmd: ZeroDivisionError: too old"]
        assert results.pivot().loc["ageing", "cosine"] == first
    Ageing._transform = move  # type: ignore[method-assign]
    mended = run_study(pairs, more, out=tmp_path)
    assert not mended.failures
    assert np.isfinite(mended.pivot().loc["ageing", "mmd"])


def test_a_metric_that_fails_does_not_stop_the_others(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    METRICS.names()

    def failing(source: Any, target: Any) -> float:
        "Fails."
        raise ZeroDivisionError

    register_metric("failing", group="closure", better="lower")(failing)
    try:
        config = replace(CONFIG, bridges=("ridge",), metrics=("cosine", "failing"))
        notes = Notes()
        results = run_study(pairs, config, out=tmp_path, progress=notes)
        assert "ridge, metric failing: ZeroDivisionError" in results.failures
        assert notes.cells["ridge"].startswith("failed: failing (ZeroDivisionError)")
        assert np.isfinite(results.pivot().loc["ridge", "cosine"])
    finally:
        del METRICS._items["failing"], METRICS._origins["failing"]
    assert not run_study(pairs, replace(CONFIG, bridges=("ridge",)), out=tmp_path).failures


def test_an_infinite_number_is_the_same_before_and_after(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    METRICS.names()

    def infinite(source: Any, target: Any) -> float:
        "Grows."
        return float("inf")

    register_metric("infinite", group="closure", better="lower")(infinite)
    try:
        config = replace(CONFIG, bridges=("ridge",), metrics=("cosine", "infinite"))
        first = run_study(pairs, config, out=tmp_path).to_csv()
        written = (tmp_path / "results.json").read_bytes()
        assert run_study(pairs, config, out=tmp_path).to_csv() == first
        assert (tmp_path / "results.json").read_bytes() == written
        assert b"Infinity" not in written
    finally:
        del METRICS._items["infinite"], METRICS._origins["infinite"]


def test_a_folder_of_other_data(pairs: PairedEmbeddings, make_pairs: Any, tmp_path: Path) -> None:
    run_study(pairs, replace(CONFIG, bridges=("ridge",)), out=tmp_path)
    before = (tmp_path / "results.csv").read_bytes()
    with pytest.raises(InputError, match=r"another study \(data content_hash"):
        run_study(make_pairs(seed=1), CONFIG, out=tmp_path)
    with pytest.raises(InputError, match="options n_resamples: 40 there, 41 here"):
        run_study(pairs, replace(CONFIG, n_resamples=41), out=tmp_path)
    assert (tmp_path / "results.csv").read_bytes() == before


def test_a_checkpoint_of_other_parameters_is_not_taken(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoints" / "residual-mlp-s0.safetensors"
    run_study(pairs, replace(CONFIG, bridges=("ridge",)), out=tmp_path)
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"of another fit")
    results = run_study(pairs, CONFIG, out=tmp_path)
    assert not results.failures
    assert not checkpoint.parent.exists()


def test_what_a_kill_left_beside_a_finished_cell_goes(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    run_study(pairs, CONFIG, out=tmp_path)
    stale = tmp_path / "checkpoints" / "ridge.key"
    stale.parent.mkdir()
    stale.write_text("of the cell that is finished")
    run_study(pairs, CONFIG, out=tmp_path)
    assert not stale.parent.exists()


def test_a_draw_is_told(make_pairs: Any) -> None:
    notes = Notes()
    run_study(make_pairs(split=False), replace(CONFIG, bridges=("ridge",)), progress=notes)
    assert any("drawn 60% fit" in message for message in notes.messages)


def test_broken_embeddings_are_refused_before_anything_is_written(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    source = pairs.source.copy()
    source[3, 2] = np.nan
    with pytest.raises(InputError, match="NaN"):
        run_study(replace(pairs, source=source), CONFIG, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plugin_may_not_take_the_name_of_an_anchor(pairs: PairedEmbeddings, bridge_for_a_test: Add) -> None:
    class Collapse(Bridge):
        """Named badly."""

    bridge_for_a_test("collapse", Collapse)
    with pytest.raises(InputError, match="has the name of an anchor row"):
        run_study(pairs, replace(CONFIG, bridges=("collapse",)))


def test_the_gap_alone_is_the_identity_row_of_a_study(pairs: PairedEmbeddings) -> None:
    alone = measure_gap(pairs, metrics=CONFIG.metrics, n_resamples=40)
    study = run_study(pairs, replace(CONFIG, bridges=("ridge",)))
    own = study.frame[study.frame["bridge"] == "identity"].reset_index(drop=True)
    pd.testing.assert_frame_equal(_numbers(alone), own.drop(columns="seconds"), check_exact=True)
    assert measure_gap(pairs, metrics=("cosine",), split="all").frame["n"].tolist() == [60]


def test_a_bridge_fitted_alone_is_that_of_a_study(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    run_study(pairs, CONFIG, out=tmp_path)
    config = CONFIG.resolved()
    fit_alone(pairs, "residual-mlp", config).save(tmp_path / "alone", shared=tmp_path / "shared")
    in_study = tmp_path / "bridges" / "residual-mlp-s0" / "model.safetensors"
    assert (tmp_path / "alone" / "model.safetensors").read_bytes() == in_study.read_bytes()
    (shared,) = (tmp_path / "shared").iterdir()
    assert shared.read_bytes() == (tmp_path / "bridges" / "shared" / shared.name).read_bytes()


def test_a_bridge_is_fitted_without_the_test_clips(pairs: PairedEmbeddings) -> None:
    assert pairs.split is not None
    seen = pairs.take(np.flatnonzero(pairs.split != "test"))
    source = pairs.source.copy()
    source[pairs.split == "test"] = np.nan
    moved = [
        fit_alone(data, "ridge", CONFIG.resolved()).transform(seen.source)
        for data in (pairs, seen, replace(pairs, source=source))
    ]
    np.testing.assert_array_equal(moved[0], moved[1])
    np.testing.assert_array_equal(moved[0], moved[2])


def test_formats_are_looked_at_first(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="format: expected some of csv, json, md, tex, got 'xlsx'"):
        run_study(pairs, CONFIG, out=tmp_path / "study", formats=("xlsx",))
    assert not (tmp_path / "study").exists()


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("computed again")


def test_a_cell_that_ends_takes_no_folder_from_under_another(tmp_path: Path) -> None:
    """Two processes: one has made the folder of checkpoints and not yet written, the other drops the last one in it."""
    folder = StudyFolder(tmp_path)
    with folder.lock():
        folder.checkpoint("ended").parent.mkdir()
        folder.drop_checkpoint("ended")
        folder.checkpoint("begun").write_bytes(b"state")
        folder.drop_checkpoint("begun")
        assert folder.checkpoints.is_dir()
    assert not folder.checkpoints.exists()


@pytest.mark.parametrize("name", ["valid", "validation", "dev"])
def test_a_study_of_before_a_split_was_understood_goes_on(
    pairs: PairedEmbeddings, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pairs.split is not None
    named = replace(pairs, split=np.where(pairs.split == "val", name, pairs.split))
    config = replace(CONFIG, bridges=("ridge",), metrics=("cosine",))
    with monkeypatch.context() as before:
        before.setattr(gapkit.comparison.study, "with_known_names", lambda pairs, config: config)
        run_study(named, config, out=tmp_path / "old")
    notes = Notes()
    run_study(named, config, out=tmp_path / "old", progress=notes)
    assert set(notes.cells.values()) == {"kept"}
    fresh = run_study(named, config, out=tmp_path / "new")
    assert fresh.study["options"]["split"] == f"splits train, {name}, test of the data"
