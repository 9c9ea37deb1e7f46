"""Folds: every item measured once, by a fit that has not seen it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gapkit.bridges import Bridge, load_bridge
from gapkit.comparison import StudyConfig, merge_runs, open_run, run_study
from gapkit.comparison.cells import read_cell
from gapkit.comparison.division import Division, divide
from gapkit.comparison.folds import make_folds
from gapkit.comparison.splits import clip_groups
from gapkit.comparison.verifying import verify_run
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.study.folder import StudyFolder

CONFIG = StudyConfig(bridges=("ridge",), metrics=("cosine",), n_resamples=20, folds=4, device="cpu")
Make = Callable[..., PairedEmbeddings]
Add = Callable[[str, type[Bridge]], None]


@pytest.mark.parametrize("number", [2, 5, 15])
def test_each_item_is_measured_once_and_no_group_is_torn(make_pairs: Make, number: int) -> None:
    origin = np.repeat(np.arange(15), np.arange(15) % 3 + 1)
    pairs = dataclasses.replace(make_pairs(len(origin)), groups=[f"g{one}" for one in origin])
    folds = make_folds(pairs, number, seed=0)
    assert len(folds) == number
    for fit, held, test in folds.rows:
        assert held is not None
        parts = [set(origin[rows]) for rows in (fit, held, test)]
        assert len(set.union(*parts)) == sum(map(len, parts))
        assert sorted(np.concatenate([fit, held, test])) == list(range(len(origin)))
    assert sorted(np.concatenate([test for *_, test in folds.rows])) == list(range(len(origin)))
    other = make_folds(pairs, number, seed=1)
    assert any(not np.array_equal(a[2], b[2]) for a, b in zip(folds.rows, other.rows, strict=True))
    assert "by 15 groups" in folds.rule


def test_groups_that_chain_all_items_are_kept_together_as_far_as_possible(make_pairs: Make) -> None:
    cells = [f"g{row}|g{row + 1}" for row in range(30)]
    folds = make_folds(dataclasses.replace(make_pairs(30), groups=cells), 3, seed=0)
    assert "shared groups chain the items together" in folds.rule
    assert sorted(np.concatenate([test for *_, test in folds.rows])) == list(range(30))


def test_equal_items_never_stand_on_both_sides(make_pairs: Make) -> None:
    pairs = make_pairs(30, split=False)
    captions = np.array([f"sound {clip // 3}" for clip in pairs.owner])
    pairs = dataclasses.replace(pairs, captions=captions)
    for parts in divide(pairs, CONFIG):
        assert parts.fit.captions is not None
        assert parts.test.captions is not None
        assert not set(parts.fit.captions) & set(parts.test.captions)


@pytest.mark.parametrize("number", [3, 10])
def test_the_pool_is_a_plain_cross_validation(make_pairs: Make, tmp_path: Path, number: int) -> None:
    """Ridge in plain numpy, fold by fold; 10 folds of 10 items leave one out."""
    pairs = make_pairs(10, split=False)
    config = dataclasses.replace(CONFIG, folds=number, params={"ridge": {"alpha": 0.5}})
    results = run_study(pairs, config, out=tmp_path)
    run = open_run(tmp_path, pairs)
    division = run.division
    assert len(division) == number
    expected = np.empty_like(pairs.source)
    seen = np.zeros(10, dtype=int)
    for parts, rows in zip(division, division.rows, strict=True):
        x, y = (side.astype(np.float64) for side in parts.fit.expanded())
        a, b = x - x.mean(0), y - y.mean(0)
        weights = np.linalg.solve(a.T @ a + 0.5 * np.eye(8), a.T @ b)
        by_hand = (run.test.source[rows] - x.mean(0)) @ weights + y.mean(0)
        expected[rows] = by_hand / np.linalg.norm(by_hand, axis=1, keepdims=True)
        seen[rows] += 1
        assert not {row.tobytes() for row in parts.fit.source} & {row.tobytes() for row in run.test.source[rows]}
    assert (seen == 1).all()
    np.testing.assert_allclose(run.moved("ridge"), expected, atol=1e-6)
    np.testing.assert_array_equal(run.test.source, run.division.test.source)
    cosines = np.einsum("ij,ij->i", expected[pairs.owner], run.test.target)
    per_item = np.bincount(pairs.owner, cosines) / np.bincount(pairs.owner)
    assert results.pivot().loc["ridge", "cosine"] == pytest.approx(per_item.mean(), abs=1e-6)


def test_mean_shift_by_hand(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(24, split=False)
    run_study(pairs, CONFIG, out=tmp_path)
    run = open_run(tmp_path, pairs)
    x, y = run.test.source, run.test.target
    moved = run.moved("mean-shift")
    collapsed = run.moved("collapse")
    for parts, rows in zip(run.division, run.division.rows, strict=True):
        shift = parts.fit.target.mean(0) - parts.fit.source.mean(0)
        shifted = x[rows] + shift
        np.testing.assert_allclose(moved[rows], shifted / np.linalg.norm(shifted, axis=1, keepdims=True), atol=1e-6)
        centroid = parts.fit.target.mean(0)
        np.testing.assert_allclose(
            collapsed[rows], np.tile(centroid / np.linalg.norm(centroid), (len(rows), 1)), atol=1e-6
        )
        fitted = {row.tobytes() for row in parts.fit.target}
        assert all(row.tobytes() in fitted for row in run.moved("random-target")[rows])
    first = np.unique(run.test.owner, return_index=True)[1]
    np.testing.assert_array_equal(run.moved("oracle-target"), y[first])


def test_what_is_written_says_folds(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(30)
    results = run_study(pairs, CONFIG, out=tmp_path)
    assert "4 folds of 30 items, each measured by a fit that has not seen it" in " ".join(results.notes)
    assert "30 clips in 4 folds" in results.title
    run = open_run(tmp_path, pairs)
    assert run.manifest["parts"]["folds"] == 4
    assert run.manifest["parts"]["test"]["clips"] == 30
    assert "splits of the data are left aside" in run.manifest["parts"]["rule"]
    assert set(results.frame["split"]) == {"folds"}
    assert sorted(path.name for path in (tmp_path / "bridges").iterdir() if "ridge" in path.name) == [
        f"ridge-f{k}" for k in (1, 2, 3, 4)
    ]
    assert not (tmp_path / "checkpoints").exists()
    assert verify_run(tmp_path, pairs, cells=9).agrees


def test_a_fitted_bridge_of_one_fold_is_asked_for_by_its_number(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(30)
    run_study(pairs, CONFIG, out=tmp_path)
    run = open_run(tmp_path, pairs)
    assert run.seeds("ridge") == (None,)
    assert run.bridge("ridge", fold=4).name == "ridge"
    for fold in (0, 5):
        with pytest.raises(InputError, match="fold: expected 1 to 4"):
            run.bridge("ridge", fold=fold)
    with pytest.raises(InputError, match="fitted in 4 folds; give fold=1 to 4"):
        run.bridge("ridge")
    with pytest.raises(InputError, match="has 4 folds, each with parts of its own"):
        _ = run.parts


def test_random_bridges_draw_anew_in_each_fold(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(24, split=False)
    config = dataclasses.replace(CONFIG, bridges=("noise-only",), seeds=1)
    run_study(pairs, config, out=tmp_path)
    seeds = [load_bridge(tmp_path / "bridges" / f"noise-only-s0-f{k}").get_params()["random_state"] for k in (1, 2, 3)]
    assert seeds[0] == 0
    assert len(set(seeds)) == 3


def test_ways_of_a_stepping_bridge_end_where_the_table_has_them(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(40, split=False)
    config = dataclasses.replace(
        CONFIG, bridges=("flow",), folds=2, seeds=1, steps=2, params={"flow": {"hidden": 8, "sample_steps": 3}}
    )
    run_study(pairs, config, out=tmp_path)
    run = open_run(tmp_path, pairs)
    assert not run.results.failures
    states = run.trajectory("flow")
    assert states is not None
    np.testing.assert_allclose(states[0], run.test.source, atol=1e-6)
    np.testing.assert_allclose(states[-1], run.moved("flow"), atol=1e-6)


def test_stopped_within_the_folds_it_goes_on_with_the_next(
    make_pairs: Make, tmp_path: Path, bridge_for_a_test: Add
) -> None:
    pairs, fits = make_pairs(24, split=False), []

    class Stops(Bridge):
        """Is stopped at its third fit, once."""

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            fits.append(len(source))
            if len(fits) == 3:
                raise KeyboardInterrupt

        def _transform(self, source: Any) -> Any:
            return source

    bridge_for_a_test("stops", Stops)
    config = dataclasses.replace(CONFIG, bridges=("stops",))
    with pytest.raises(KeyboardInterrupt):
        run_study(pairs, config, out=tmp_path)
    assert read_cell(StudyFolder(tmp_path).cells, "stops") is None
    results = run_study(pairs, config, out=tmp_path)
    assert len(fits) == 5  # two kept, the third again, the fourth
    assert results.pivot().loc["stops", "cosine"] == pytest.approx(results.pivot().loc["identity", "cosine"])


def test_a_folder_never_mixes_folds_with_another_division(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(30)
    run_study(pairs, CONFIG, out=tmp_path)
    for other in (dataclasses.replace(CONFIG, folds=3), dataclasses.replace(CONFIG, folds=None)):
        with pytest.raises(InputError, match="belongs to another study"):
            run_study(pairs, other, out=tmp_path)


def test_merged_studies_keep_the_fits_of_all_folds(make_pairs: Make, tmp_path: Path) -> None:
    pairs = make_pairs(30)
    for name in ("ridge", "procrustes"):
        run_study(pairs, dataclasses.replace(CONFIG, bridges=(name,)), out=tmp_path / name)
    merge_runs([tmp_path / "ridge", tmp_path / "procrustes"], tmp_path / "both")
    run = open_run(tmp_path / "both", pairs)
    assert {"ridge", "procrustes"} <= set(run.bridges)
    alone = open_run(tmp_path / "procrustes", pairs).moved("procrustes")
    np.testing.assert_array_equal(run.moved("procrustes"), alone)


def test_what_needs_one_set_of_fitted_targets_is_left_out(make_pairs: Make) -> None:
    results = run_study(make_pairs(24), dataclasses.replace(CONFIG, metrics=("cosine", "memorisation")))
    assert not results.failures
    assert not (results.frame["metric"] == "memorisation").any() or (
        results.frame.loc[results.frame["metric"] == "memorisation", "value"].isna().all()
    )


def test_epochs_are_those_of_the_largest_fit(make_pairs: Make) -> None:
    division = divide(make_pairs(31, split=False), dataclasses.replace(CONFIG, folds=4))
    assert division.fit_clips == max(len(parts.fit) for parts in division)
    assert division.fit_targets == max(parts.fit.n_targets for parts in division)
    one = divide(make_pairs(30), StudyConfig())
    assert isinstance(one, Division)
    assert not one.in_folds
    assert one.stems("ridge") == ["ridge"]


@pytest.mark.parametrize("folds", [0, 1, -2, 1.5, True, "5"])
def test_a_number_that_is_none_of_folds(folds: Any) -> None:
    with pytest.raises(InputError, match="folds: expected a whole number of at least 2"):
        StudyConfig(folds=folds)


def test_more_folds_than_groups(make_pairs: Make) -> None:
    pairs = make_pairs(12, split=False)
    pairs = dataclasses.replace(pairs, captions=np.array([f"sound {clip // 4}" for clip in pairs.owner]))
    assert len(set(clip_groups(pairs))) == 3
    with pytest.raises(InputError, match=r"--folds: expected 2 to 3 \(groups of items .*\), got 4"):
        divide(pairs, CONFIG)
    with pytest.raises(InputError, match="at least 2 items to fit in each fold, got 1"):
        divide(make_pairs(3, split=False), dataclasses.replace(CONFIG, folds=2))
