"""Fit on one set, measure on another."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gapkit.bridges import load_bridge
from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.comparison.other_set import joined_sets
from gapkit.comparison.splits import split_parts
from gapkit.comparison.verifying import verify_run
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import save_pairs

CONFIG = StudyConfig(bridges=("ridge",), metrics=("cosine", "mmd"), n_resamples=20, device="cpu")
Make = Callable[..., PairedEmbeddings]


def _named(pairs: PairedEmbeddings, name: str, **names: str) -> PairedEmbeddings:
    assert pairs.split is not None
    split = np.array([names.get(str(word), str(word)) for word in pairs.split])
    return dataclasses.replace(pairs, split=split, name=name)


def test_two_sets_are_measured_as_one_with_splits(make_pairs: Make) -> None:
    pairs = make_pairs(60)
    whole = run_study(pairs, CONFIG).frame.drop(columns="seconds")
    assert pairs.split is not None
    train = pairs.take(np.flatnonzero(pairs.split != "test"))
    test = dataclasses.replace(pairs.subset("test"), split=None)
    apart = run_study(train, CONFIG, test=test).frame.drop(columns="seconds")
    pd.testing.assert_frame_equal(apart, whole, check_exact=False, atol=1e-6)


@pytest.mark.parametrize(
    ("split", "names", "test_split", "measured", "said"),
    [
        (True, {}, "test", 20, "split test of other (20 items)"),
        (True, {"test": "evaluation"}, "test", 20, "split evaluation of other (20 items)"),
        (True, {"test": "unseen"}, "test", 60, "all 60 items of other"),
        (True, {"test": "unseen"}, "unseen", 20, "split unseen of other (20 items)"),
        (True, {}, "all", 60, "all 60 items of other"),
        (False, {}, "test", 60, "all 60 items of other"),
    ],
)
def test_what_is_measured(
    make_pairs: Make, split: bool, names: dict[str, str], test_split: str, measured: int, said: str
) -> None:
    other = make_pairs(60, seed=1, split=split)
    other = _named(other, "other", **names) if split else dataclasses.replace(other, name="other")
    both = joined_sets(make_pairs(60), other, dataclasses.replace(CONFIG, test_split=test_split))
    parts = split_parts(both, dataclasses.replace(CONFIG, test_split=test_split, normalise=False))
    assert len(parts.test) == measured
    assert parts.rule.endswith(f"measured on {said}")
    assert parts.rule.startswith("fitted on split train of tiny (30 items, 10 of val to stop by)")


@pytest.mark.parametrize("split", [True, False])
def test_what_fits(make_pairs: Make, split: bool) -> None:
    train, other = make_pairs(60, split=split), make_pairs(24, seed=1)
    parts = split_parts(joined_sets(train, other, CONFIG), dataclasses.replace(CONFIG, normalise=False))
    alone = [part for part in (parts.fit, parts.validation) if part is not None]
    fitted = {row.tobytes() for part in alone for row in part.source}
    if split:
        assert train.split is not None
        assert fitted == {row.tobytes() for row in train.source[train.split != "test"]}
    else:
        assert fitted == {row.tobytes() for row in train.source}
        assert len(alone) == 2


def test_owner_and_texts_go_along(make_pairs: Make) -> None:
    train, other = make_pairs(30), make_pairs(24, seed=1)
    both = joined_sets(train, other, CONFIG)
    test, expected = both.subset("test"), other.subset("test")
    np.testing.assert_array_equal(test.owner, expected.owner)
    np.testing.assert_array_equal(test.target, expected.target)
    np.testing.assert_array_equal(test.captions, expected.captions)
    assert joined_sets(train, dataclasses.replace(other, captions=None), CONFIG).captions is None


def test_the_study_is_opened_again_from_both_files(make_pairs: Make, tmp_path: Path) -> None:
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for seed, path in enumerate(paths):
        save_pairs(dataclasses.replace(make_pairs(30, seed=seed), name=path.stem), path)
    import gapkit

    a, b = map(gapkit.load_pairs, paths)
    run_study(a, CONFIG, test=b, out=tmp_path / "out")
    run = open_run(tmp_path / "out")
    assert run.name == "b, fitted on a"
    assert [run.manifest["input"]["meta"][key]["content_hash"] for key in ("fit", "test")] == [
        a.content_hash(), b.content_hash(),
    ]  # fmt: skip
    assert len(run.moved("ridge")) == 10
    assert verify_run(tmp_path / "out", cells=9).agrees
    given = open_run(tmp_path / "out", a, test=b)
    np.testing.assert_array_equal(given.moved("ridge"), run.moved("ridge"))
    changed = dataclasses.replace(b, source=b.source[::-1].copy())
    with pytest.raises(InputError, match="no longer those of the study"):
        open_run(tmp_path / "out", a, test=changed)
    paths[1].unlink()
    with pytest.raises(InputError, match="its data cannot be opened"):
        open_run(tmp_path / "out")


def test_a_folder_never_mixes_two_other_sets(make_pairs: Make, tmp_path: Path) -> None:
    train = make_pairs(30)
    run_study(train, CONFIG, test=make_pairs(30, seed=1), out=tmp_path)
    for test in (make_pairs(30, seed=2), None):
        with pytest.raises(InputError, match="belongs to another study"):
            run_study(train, CONFIG, test=test, out=tmp_path)


def test_rows_that_both_sets_hold_are_counted(make_pairs: Make, tmp_path: Path) -> None:
    train = make_pairs(30)
    run_study(train, CONFIG, test=dataclasses.replace(train.subset("train"), split=None), out=tmp_path)
    findings = open_run(tmp_path, train, test=dataclasses.replace(train.subset("train"), split=None)).manifest[
        "findings"
    ]
    assert any("source: 15 distinct rows stand in both split 'test' and 'train'" in line for line in findings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"d": 9}, "expected embeddings of 8 dimensions, as tiny has them, got 9"),
        ({"split": "unseen"}, r"no item in split 'unseen'; splits here: .*name them with --fit-split"),
        ({"folds": 3}, "folds and test: expected one of the two"),
    ],
)
def test_sets_that_do_not_go_together(make_pairs: Make, change: dict[str, object], said: str) -> None:
    config = CONFIG
    if "split" in change:
        config = dataclasses.replace(CONFIG, test_split=str(change["split"]))
    if "folds" in change:
        config = dataclasses.replace(CONFIG, folds=3)
    with pytest.raises(InputError, match=said):
        run_study(make_pairs(30), config, test=make_pairs(30, int(str(change.get("d", 8)))))


def test_a_broken_row_is_named_by_its_place_in_its_own_set(make_pairs: Make) -> None:
    other = make_pairs(30, seed=1, split=False)
    other.source[4] = np.nan
    with pytest.raises(InputError, match=r"1 of 30 rows hold NaN or infinity \(first: 4\)"):
        run_study(make_pairs(30), CONFIG, test=other)


class _Said:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


@pytest.mark.parametrize(
    ("far", "heads", "said"),
    [(0, "abc", []), (9, "abc", ["another domain"]), (0, "xyz", ["another encoder"])],
)
def test_another_domain_and_another_encoder_are_said_once(
    make_pairs: Make, tmp_path: Path, far: float, heads: str, said: list[str]
) -> None:
    train, other = make_pairs(120), make_pairs(120)
    train = dataclasses.replace(train, meta={"encoder": {"encoder": "a", "heads": "abc"}})
    meta = {"encoder": {"encoder": "a", "heads": heads}}
    moved = np.asarray(other.source) + np.float32(far) * np.eye(8, dtype=np.float32)[1]
    other = dataclasses.replace(other, source=moved, meta=meta, name="other")
    told, config = _Said(), dataclasses.replace(CONFIG, bridges=("ridge", "procrustes"))
    run_study(train, config, test=other, out=tmp_path, progress=told)  # type: ignore[arg-type]
    warned = [line for line in told.lines if line.startswith("warning: ")]
    assert [line.split(": ")[1] for line in warned] == said
    record = load_bridge(tmp_path / "bridges" / "ridge").fitted_on_
    assert record is not None
    assert record.encoder["heads"] == "abc"


def test_notes_name_the_set_and_its_own_rows(make_pairs: Make) -> None:
    other = make_pairs(60, seed=1, split=False)
    source = np.array(other.source)
    source[7] = source[3]
    told = _Said()
    run_study(make_pairs(60), CONFIG, test=dataclasses.replace(other, source=source, name="other"), progress=told)  # type: ignore[arg-type]
    notes = [line for line in told.lines if "repeat an earlier row" in line]
    assert notes
    assert notes[0].startswith("note: other: source: 1 of 60 rows repeat an earlier row (first: 7 is 3)")
