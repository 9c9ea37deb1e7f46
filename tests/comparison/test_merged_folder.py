import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gapkit.comparison import Results, StudyConfig, merge_runs, open_run, run_study
from gapkit.comparison.merged_folder import folder_labels
from gapkit.datasets import load_dataset
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.records import sealed, unsealed
from gapkit.study.folder import held_alone
from gapkit.study.progress import Silent

CONFIG = StudyConfig(bridges=("ridge", "c3"), metrics=("cosine", "recall@10"), seeds=2, n_resamples=20, device="cpu")
OTHER = replace(CONFIG, bridges=("noise-only", "procrustes"), metrics=("cosine", "mmd"))


@pytest.fixture(scope="session")
def sfx() -> PairedEmbeddings:
    """200 clips of the bundled sound effects, with their own splits."""
    pairs = load_dataset("sfx")
    assert pairs.split is not None
    kept = np.concatenate(
        [np.flatnonzero(pairs.split == s)[:n] for s, n in (("train", 100), ("val", 30), ("test", 70))]
    )
    return dataclasses.replace(pairs.take(np.sort(kept), name="sfx"), groups=None)


@pytest.fixture(scope="session")
def run(sfx: PairedEmbeddings, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The folder of a real study; equal ones are computed once."""
    made: dict[str, Path] = {}

    def study(config: StudyConfig, pairs: PairedEmbeddings = sfx) -> Path:
        key = repr((config, pairs.content_hash()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("run") / f"run{len(made)}"
            run_study(pairs, config, out=made[key])
        return made[key]

    return study


def test_nothing_is_lost(run: Callable[..., Path], sfx: PairedEmbeddings, tmp_path: Path) -> None:
    folders = [run(CONFIG), run(OTHER)]
    out = tmp_path / "both"
    results = merge_runs(folders, out)
    keys = ["bridge", "metric", "seed"]
    expected = pd.concat([Results.read(folder).frame for folder in folders]).drop_duplicates(keys)
    there = results.frame.set_index(keys).sort_index()
    wanted = expected.set_index(keys).sort_index()
    pd.testing.assert_frame_equal(there[wanted.columns], wanted)
    assert [column.name for column in results.columns] == ["cosine", "mmd", "recall@10"]

    again = Results.read(out)
    pd.testing.assert_frame_equal(again.frame, results.frame)
    assert again.draws.keys() == results.draws.keys()
    for folder in folders:
        for key, draws in Results.read(folder).draws.items():
            np.testing.assert_array_equal(again.draws[key], draws)
    # Differences reach across the runs, on the same resamples of clips.
    far = again.difference("ridge", "procrustes", "cosine")
    left, right = (
        Results.read(f).draws[b, None, "cosine"] for f, b in zip(folders, ("ridge", "procrustes"), strict=True)
    )
    assert (far.low, far.high) == pytest.approx(np.percentile(left - right, [2.5, 97.5]), rel=1e-12)

    opened = open_run(out, sfx)
    assert set(opened.bridges) == {"identity", "mean-shift", "ridge", "c3", "noise-only", "procrustes"}
    for folder, name, seed in ((folders[0], "ridge", None), (folders[1], "noise-only", 1)):
        np.testing.assert_array_equal(opened.moved(name, seed), open_run(folder, sfx).moved(name, seed))
    assert {p.name for p in out.iterdir()} == {p.name for p in folders[0].iterdir() if p.name != ".lock"}
    assert [p for p in tmp_path.iterdir() if p != out] == []


def test_what_a_killed_merge_left_goes(run: Callable[..., Path], tmp_path: Path) -> None:
    for name in (".both.0011aabb.tmp", ".both.running0.tmp", ".other.0011aabb.tmp"):
        (tmp_path / name / "cells").mkdir(parents=True)
    with held_alone(tmp_path / ".both.running0.tmp"):
        merge_runs([run(CONFIG), run(OTHER)], tmp_path / "both")
    assert {p.name for p in tmp_path.iterdir()} == {"both", ".both.running0.tmp", ".other.0011aabb.tmp"}


def test_the_manifest_says_where_rows_came_from(run: Callable[..., Path], tmp_path: Path) -> None:
    folders = [run(CONFIG), run(OTHER)]
    merge_runs(folders, tmp_path / "both")
    more = run(replace(CONFIG, bridges=("cca",)))
    merge_runs([tmp_path / "both", more], tmp_path / "all")
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text())
    assert [origin["run"] for origin in manifest["merged_from"]] == [folder.name for folder in (*folders, more)]
    assert "procrustes" in manifest["merged_from"][1]["bridges"]
    assert manifest["config"]["bridges"] == ["ridge", "c3", "noise-only", "procrustes", "cca"]
    assert manifest["config"]["metrics"] == ["cosine", "recall@10", "mmd"]
    assert {"ridge", "noise-only-s1", "cca"} <= set(manifest["cells"])
    assert str(tmp_path) not in json.dumps(manifest["merged_from"])


def test_the_order_changes_no_number(run: Callable[..., Path], tmp_path: Path) -> None:
    folders = [run(CONFIG), run(OTHER)]
    one, two = merge_runs(folders, tmp_path / "one").pivot(), merge_runs(folders[::-1], tmp_path / "two").pivot()
    pd.testing.assert_frame_equal(one.sort_index(), two.loc[one.index, one.columns].sort_index())


def test_a_merged_study_goes_on(run: Callable[..., Path], sfx: PairedEmbeddings, tmp_path: Path) -> None:
    merge_runs([run(CONFIG), run(OTHER)], tmp_path / "both")
    before = Results.read(tmp_path / "both").pivot().loc["ridge"].dropna()
    results = run_study(sfx, replace(CONFIG, bridges=("ridge", "cca")), out=tmp_path / "both")
    assert "cca" in set(results.frame["bridge"])
    assert results.pivot().loc["ridge", before.index].equals(before)
    assert results.select(["unpaired", "paired"]).pivot().notna().all(axis=None)


def test_a_sweep_stands_side_by_side(run: Callable[..., Path], sfx: PairedEmbeddings, tmp_path: Path) -> None:
    folders = [run(CONFIG)]
    folders += [run(replace(CONFIG, bridges=("ridge",), params={"ridge": {"alpha": a}})) for a in (1.0, 100.0)]
    with pytest.raises(InputError, match=rf"ridge has other parameters, alpha is loo in .* \[{folders[1].name}\]"):
        merge_runs(folders, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    results = merge_runs(folders, tmp_path / "out", label=True)
    names = ["ridge", f"ridge [{folders[1].name}]", f"ridge [{folders[2].name}]"]
    assert set(names) <= set(results.pivot().index)
    for folder, name in zip(folders, names, strict=True):
        assert results.pivot().loc[name, "cosine"] == Results.read(folder).pivot().loc["ridge", "cosine"]
        moved = open_run(tmp_path / "out", sfx).moved(name)
        np.testing.assert_array_equal(moved, open_run(folder, sfx).moved("ridge"))
    assert results.select(["c3"]).pivot().shape == (1, 2)


REFUSED = {
    "seed": (replace(CONFIG, seed=1), "drawn with another seed: options seed is 0"),
    "resamples": (replace(CONFIG, n_resamples=30), "number of resamples: options n_resamples is 20 .* and 30"),
    "preparation": (replace(CONFIG, normalise=False), "scaled to length one in one of the two only"),
    "split": (
        replace(CONFIG, test_split="val", validation_split="test"),
        "clips were measured|measured: data test_clips",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_test_is_refused(run: Callable[..., Path], tmp_path: Path, case: str) -> None:
    config, said = REFUSED[case]
    folders = [run(CONFIG), run(replace(config, bridges=("ridge",), metrics=("cosine",)))]
    with pytest.raises(InputError, match=said) as refusal:
        merge_runs(folders, tmp_path / "out")
    assert all(str(folder) in str(refusal.value) for folder in folders)
    assert list(tmp_path.iterdir()) == []


def test_other_data_are_refused(run: Callable[..., Path], sfx: PairedEmbeddings, tmp_path: Path) -> None:
    nudged = replace(sfx, source=sfx.source * np.float32(1.5))
    with pytest.raises(InputError, match="the data are not the same: data content_hash"):
        merge_runs([run(CONFIG), run(CONFIG, nudged)], tmp_path / "out")


@pytest.fixture
def edited(run: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A copy of a run with some fields of a file replaced."""

    def edit(file: str, change: Callable[[dict], None]) -> Path:  # type: ignore[type-arg]
        folder = tmp_path / "edited"
        shutil.copytree(run(OTHER), folder)
        content = unsealed(json.loads((folder / file).read_text()))
        change(content)
        (folder / file).write_text(json.dumps(sealed(content)))
        return folder

    return edit


def test_another_version_is_refused(run: Callable[..., Path], edited: Callable[..., Path], tmp_path: Path) -> None:
    other = edited("manifest.json", lambda manifest: manifest.update(gapkit="99.0"))
    with pytest.raises(InputError, match=r"measured by gapkit .* and .* by 99\.0"):
        merge_runs([run(CONFIG), other], tmp_path / "out")


def test_another_package_is_a_remark(run: Callable[..., Path], edited: Callable[..., Path], tmp_path: Path) -> None:
    other = edited("manifest.json", lambda manifest: manifest["packages"].update(torch="1.0"))
    said: list[str] = []
    progress = Silent()
    progress.message = said.append  # type: ignore[method-assign]
    merge_runs([run(CONFIG), other], tmp_path / "out", progress=progress)
    assert [line.split(" ")[0] for line in said] == ["torch"]
    assert f"1.0 in {other}" in said[0]
    said.clear()
    merge_runs([run(CONFIG), run(OTHER)], tmp_path / "same", progress=progress)
    assert said == []


def test_another_definition_is_refused(run: Callable[..., Path], edited: Callable[..., Path], tmp_path: Path) -> None:
    other = edited("results.json", lambda content: content["metrics"][0].update(better="lower"))
    with pytest.raises(InputError, match="metric cosine is defined otherwise, its better is higher in"):
        merge_runs([run(CONFIG), other], tmp_path / "out")


def test_other_numbers_of_one_cell_are_refused(
    run: Callable[..., Path], edited: Callable[..., Path], tmp_path: Path
) -> None:
    def worse(content: dict) -> None:  # type: ignore[type-arg]
        (row,) = [r for r in content["rows"] if (r["bridge"], r["metric"]) == ("identity", "cosine")]
        row["value"] += 0.01

    with pytest.raises(InputError, match="identity has two different values of cosine"):
        merge_runs([run(CONFIG), edited("results.json", worse)], tmp_path / "out")


def test_what_rounds_otherwise_is_the_same(
    run: Callable[..., Path], edited: Callable[..., Path], tmp_path: Path
) -> None:
    def rounded(content: dict) -> None:  # type: ignore[type-arg]
        for row in content["rows"]:
            row["value"] = float(np.float32(row["value"])) if row["value"] is not None else None

    results = merge_runs([run(CONFIG), edited("results.json", rounded)], tmp_path / "out")
    assert results.pivot().loc["identity", "cosine"] == Results.read(run(CONFIG)).pivot().loc["identity", "cosine"]


def test_a_number_mends_a_failure(run: Callable[..., Path], tmp_path: Path) -> None:
    bad = replace(CONFIG, bridges=("memory",), params={"memory": {"temperature": -1.0}})
    failed, good = run(bad), run(replace(CONFIG, bridges=("memory",)))
    with pytest.raises(InputError, match="memory has other parameters, temperature is -1"):
        merge_runs([failed, good], tmp_path / "out")
    labelled = merge_runs([failed, good], tmp_path / "out", label=True)
    assert [line.split(":")[0] for line in labelled.failures] == ["memory"]
    # Without a look at parameters the number stands for the failure.
    mended = Results.read(failed).merge(Results.read(good))
    assert mended.failures == []
    assert mended.pivot().loc["memory", "cosine"] == Results.read(good).pivot().loc["memory", "cosine"]


@pytest.mark.parametrize("count", [0, 1])
def test_one_run_is_no_merge(run: Callable[..., Path], tmp_path: Path, count: int) -> None:
    with pytest.raises(InputError, match=f"at least 2 runs, got {count}"):
        merge_runs([run(CONFIG)] * count, tmp_path / "out")


def test_a_folder_that_holds_only_a_lock_is_empty(run: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".lock").touch()
    merge_runs([run(CONFIG), run(OTHER)], tmp_path / "out")
    assert (tmp_path / "out" / "results.json").is_file()


def test_places_that_do_not_serve(run: Callable[..., Path], tmp_path: Path) -> None:
    first, second = run(CONFIG), run(OTHER)
    with pytest.raises(InputError, match="given twice"):
        merge_runs([first, first], tmp_path / "out")
    with pytest.raises(InputError, match="new or empty folder"):
        merge_runs([first, second], second)
    with pytest.raises(InputError, match=r"no results\.json here"):
        merge_runs([first, tmp_path], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert len(merge_runs([first, second], tmp_path / "empty").frame)


def test_labels_are_the_shortest_that_differ() -> None:
    assert folder_labels([Path("x/a"), Path("x/b")]) == ["a", "b"]
    assert folder_labels([Path("x/a"), Path("y/a"), Path("y/b")]) == ["x-a", "y-a", "y-b"]
