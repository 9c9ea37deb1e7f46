"""What `clean_study` removes of each kind of study, what it leaves, and that the study goes on."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from gapkit.comparison import Results, StudyConfig, open_run, run_study, verify_run
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.records import read_json
from gapkit.study import cleaning
from gapkit.study.cleaning import clean_study
from gapkit.study.folder import SCHEMA, StudyFolder
from gapkit.study.kinds import KINDS, CaptionFolder
from gapkit.study.record import write_record

CONFIG = StudyConfig(
    bridges=("memory", "noise-only"), metrics=("cosine",), seeds=2, seed=4, n_resamples=5, device="cpu"
)


@pytest.fixture(scope="module")
def pairs() -> PairedEmbeddings:
    rng = np.random.default_rng(0)
    meaning, gap = rng.standard_normal((60, 8)), 3 * np.eye(8)[0]
    return PairedEmbeddings(
        meaning + gap,
        meaning + 0.4 * rng.standard_normal((60, 8)) - gap,
        split=np.array((["train"] * 3 + ["val"] + ["test"] * 2) * 10),
    )


@pytest.fixture(scope="module")
def finished(pairs: PairedEmbeddings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "study"
    run_study(pairs, CONFIG, out=out)
    return out


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "study"))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def claimed(kind: type[StudyFolder], root: Path) -> StudyFolder:
    """A folder of that kind, as its command begins it."""
    folder = kind(root)
    with folder.lock():
        folder.claim({"data": {}, "options": {"seed": 0}})
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_left_over_files_of_every_kind_go(kind: type[StudyFolder], tmp_path: Path) -> None:
    folder = claimed(kind, tmp_path)
    half = folder.cells / ".ridge.1234abcd.tmp.json"
    half.parent.mkdir()
    half.write_text("{" * 10)
    before = files(tmp_path)
    planned = clean_study(tmp_path, dry_run=True)
    assert files(tmp_path) == before
    done = clean_study(tmp_path)
    assert [file.path for file in done.removed] == [half]
    assert done.removed == planned.removed
    assert done.removed_bytes == 10
    assert done.left_bytes == planned.left_bytes == sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    assert files(tmp_path) == {kind.file, ".lock"}
    assert not half.parent.exists()
    assert clean_study(tmp_path).removed == ()


def test_a_finished_comparison_has_nothing_to_remove(study: Path) -> None:
    before = files(study)
    assert clean_study(study).removed == ()
    assert clean_study(study, unfinished=True).removed == ()
    assert files(study) == before


def test_checkpoints_of_unfinished_work_go_only_where_asked(study: Path) -> None:
    folder = StudyFolder(study)
    key = read_json(folder.bridges / "memory" / "fit.json")["key"]
    for stem, own in (("memory", key), ("flow-s0", "another")):
        folder.own_checkpoint(stem, own).write_bytes(b"state")
    (folder.bridges / "shared" / f"{'0' * 32}.safetensors").write_bytes(b"of a bridge that is gone")
    done = clean_study(study)
    assert {file.path.name for file in done.removed} == {
        "memory.key", "memory.safetensors", f"{'0' * 32}.safetensors",
    }  # fmt: skip
    assert done.notes[-1] == "checkpoints of unfinished work stay; --unfinished removes them"
    assert {file.path.name for file in clean_study(study, unfinished=True).removed} == {
        "flow-s0.key", "flow-s0.safetensors",
    }  # fmt: skip
    assert not folder.checkpoints.exists()


def test_a_fit_that_no_cell_was_measured_with_is_unfinished_work(study: Path) -> None:
    (study / "cells" / "memory.json").unlink()
    assert clean_study(study).removed == ()
    found = clean_study(study, unfinished=True).removed
    # Its targets go too: no other bridge holds them.
    assert {file.path.parent.name for file in found} == {"memory", "shared"}


@pytest.mark.parametrize("fits", ["seeds", "all"])
def test_the_same_comparison_fits_again_what_went(fits: str, study: Path, pairs: PairedEmbeddings) -> None:
    table = Results.read(study).pivot()
    moved = open_run(study, pairs).moved("noise-only", 5)
    done = clean_study(study, fits=fits)  # type: ignore[arg-type]
    left = {path.name for path in (study / "bridges").glob("*")} if (study / "bridges").exists() else set()
    assert left == ({"identity", "mean-shift", "memory", "noise-only-s4", "shared"} if fits == "seeds" else set())
    assert "the same `gapkit compare` fits them again" in done.notes[0]
    assert Results.read(study).pivot().equals(table)
    assert verify_run(study, pairs, cells=1).agrees
    with pytest.raises(InputError, match=r"seeds here: 4|run the same `gapkit compare` again to fit it"):
        open_run(study, pairs).bridge("noise-only", 5)
    cells = {path: path.stat().st_mtime_ns for path in (study / "cells").glob("*oracle*.json")}
    again = run_study(pairs, CONFIG, out=study)
    assert again.pivot().equals(table)
    np.testing.assert_array_equal(open_run(study, pairs).moved("noise-only", 5), moved)
    assert cells == {path: path.stat().st_mtime_ns for path in cells}


def test_fits_in_folds_go_with_their_seed(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, bridges=("noise-only",), folds=2)
    run_study(dataclasses.replace(pairs, split=None), config, out=tmp_path)
    removed = {file.path.parent.name for file in clean_study(tmp_path, fits="seeds").removed}
    assert removed == {"noise-only-s5-f1", "noise-only-s5-f2"}


def test_captions_that_stand_twice_go(tmp_path: Path) -> None:
    folder = claimed(CaptionFolder, tmp_path)
    assert isinstance(folder, CaptionFolder)
    said = {"clip": "a dog barks"}
    write_record(folder.cells / "row-s0.json", {"captions": said})
    for name, captions in (("row-0-b1-s0", said), ("other-0-b1-s0", {"clip": "rain"})):
        write_record(folder.written / "test" / f"{name}.json", {"captions": captions})
        write_record(folder.written / "validation" / f"{name}.json", {"captions": captions})
    write_record(folder.written / "choices" / "row-0-b1-s0.json", {"value": 1.0})
    assert {file.path.name for file in clean_study(tmp_path).removed} == {"row-0-b1-s0.json"}
    assert files(folder.written) == {
        "choices/row-0-b1-s0.json", "test/other-0-b1-s0.json", "validation/other-0-b1-s0.json",
    }  # fmt: skip
    clean_study(tmp_path, unfinished=True)
    assert files(folder.written) == {"choices/row-0-b1-s0.json"}


@pytest.mark.parametrize("made", ["nothing", "file", "folder"])
def test_what_is_no_study_is_refused_and_left_alone(made: str, tmp_path: Path) -> None:
    path = tmp_path / "thesis"
    if made == "file":
        path.write_text("mine")
    elif made == "folder":
        path.mkdir()
        (path / "study.json.bak").write_text("mine")
    before = files(tmp_path)
    with pytest.raises(InputError, match="expected a study"):
        clean_study(path)
    assert files(tmp_path) == before


def test_a_folder_in_use_and_one_of_a_newer_gapkit_are_refused(tmp_path: Path) -> None:
    folder = claimed(StudyFolder, tmp_path)
    with folder.lock(), pytest.raises(InputError, match=r"another gapkit works in this folder; wait for it$"):
        clean_study(tmp_path)
    folder.study.write_text(f'{{"schema": {SCHEMA + 1}}}')
    with pytest.raises(InputError, match="newer gapkit"):
        clean_study(tmp_path)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_fits_are_those_of_a_comparison(kind: type[StudyFolder], tmp_path: Path) -> None:
    claimed(kind, tmp_path)
    with pytest.raises(InputError, match="fits: goes with a folder of `gapkit compare`"):
        clean_study(tmp_path, fits="all")


def test_a_linked_bridge_of_another_study_stays(study: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(study / "bridges", tmp_path / "other"))
    shutil.rmtree(study / "bridges" / "memory")
    (study / "bridges" / "memory").symlink_to(other / "memory")
    clean_study(study, fits="all")
    assert files(other / "memory") == {"config.json", "fit.json", "model.safetensors"}


def test_a_file_that_cannot_be_removed_is_named(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(cleaning.GapkitError, match="could not be removed"):
        clean_study(study, fits="all")
