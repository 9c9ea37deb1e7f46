"""What `fit` says of its items, and what `transform` and `metrics` say of fitted ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gapkit.bridges import load_bridge
from gapkit.comparison import StudyConfig
from gapkit.comparison.splits import split_parts
from gapkit.files import load_pairs, save_pairs
from gapkit.files.provenance import read_beside

Cli = Callable[..., Any]
WHOLE = ("npz", "safetensors", "pt", "h5", "parquet")


@pytest.fixture
def fitted(cli: Cli, npz: Path, tmp_path: Path) -> Path:
    """Fitted on 30 clips of train, stopped by 10 of val; 20 of test are held out."""
    assert cli("fit", "ridge", npz, "-o", tmp_path / "ridge", "-q").code == 0
    return tmp_path / "ridge"


@pytest.fixture
def unsplit(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Path:
    path = tmp_path / "whole.npz"
    np.savez(path, source=arrays["source"], target=arrays["target"], ids=[f"clip{i}" for i in range(60)])
    return path


def paired_cosine(cli: Cli, *arguments: object) -> tuple[float, int, str]:
    answer = cli("metrics", *arguments, "--metrics", "cosine", "--resamples", "0", "--json")
    assert answer.code == 0, answer.err
    (row,) = json.loads(answer.out)["rows"]
    return row["value"], row["n"], answer.err


# fit


def test_fit_says_what_it_was_fitted_on(cli: Cli, npz: Path, unsplit: Path, tmp_path: Path) -> None:
    answer = cli("fit", "ridge", npz, "-o", tmp_path / "a")
    assert "gapkit: fitted on 30 items of split train; 10 more stop or choose" in answer.err
    assert "no split" not in answer.err
    answer = cli("fit", "ridge", unsplit, "-o", tmp_path / "b")
    assert "gapkit: fitted on all 60 items: measure on others, or fit with --hold-out 30%" in answer.err
    assert "fitted on" not in cli("fit", "ridge", unsplit, "-o", tmp_path / "c", "-q").err


def test_items_held_out_for_want_of_a_validation_split_are_told(cli: Cli, npz: Path, tmp_path: Path) -> None:
    pairs = load_pairs(npz)
    file = tmp_path / "two.npz"
    save_pairs(pairs.take(np.flatnonzero(pairs.split != "val")), file)
    said = "has no split 'val': 3 of the 30 items of split 'train' are held out to stop or choose by"
    assert said in cli("fit", "ridge", file, "-o", tmp_path / "a").err
    common = ("--bridges", "mean-shift", "--metrics", "cosine", "--resamples", 0)
    answer = cli("compare", file, *common, "-o", tmp_path / "b")
    assert "splits train, test of the data; 10% of the former held out" in answer.err


@pytest.mark.parametrize("share", ["30%", "0.3"])
def test_hold_out_keeps_back_the_test_items_of_a_study(cli: Cli, unsplit: Path, tmp_path: Path, share: str) -> None:
    answer = cli("fit", "ridge", unsplit, "-o", tmp_path / "a", "--hold-out", share, "--seed", "3")
    assert "fitted on 36 items, drawn with seed 3, 30% held out; 6 more stop or choose" in answer.err
    parts = split_parts(load_pairs(unsplit), StudyConfig(seed=3).resolved())
    record = load_bridge(tmp_path / "a").fitted_on_
    pairs = load_pairs(unsplit)
    held_out = pairs.ids[~record.seen(pairs.source)]
    assert sorted(held_out) == sorted(parts.test.ids)
    assert (record.items, record.validating) == (len(parts.fit), len(parts.validation))


def test_no_group_is_torn(cli: Cli, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = tmp_path / "twins.npz"
    np.savez(path, source=arrays["source"], target=np.repeat(arrays["target"][:30], 2, axis=0))
    assert cli("fit", "ridge", path, "-o", tmp_path / "a", "--hold-out", "40%", "-q").code == 0
    seen = load_bridge(tmp_path / "a").fitted_on_.seen(arrays["source"])
    assert (seen[::2] == seen[1::2]).all()
    assert (~seen).sum() == 24


@pytest.mark.parametrize("share", ["0", "1", "100%", "30 %%", "x", "-3%", "nan", ""])
def test_shares_that_are_none(cli: Cli, unsplit: Path, tmp_path: Path, share: str) -> None:
    answer = cli("fit", "ridge", unsplit, "-o", tmp_path / "a", "--hold-out", share)
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)
    assert "--hold-out: expected a share between 0 and 1, such as 30% or 0.3" in answer.err


def test_hold_out_does_not_go_with_splits_nor_with_a_handful(cli: Cli, npz: Path, tmp_path: Path) -> None:
    answer = cli("fit", "ridge", npz, "-o", tmp_path / "a", "--hold-out", "30%")
    assert answer.code == 2
    assert "has the splits train, val, test, and split 'train' alone is fitted on; leave --hold-out out" in answer.err
    np.savez(tmp_path / "few.npz", source=np.eye(3), target=np.eye(3) + 1)
    answer = cli("fit", "ridge", tmp_path / "few.npz", "-o", tmp_path / "a", "--hold-out", "90%")
    assert answer.code == 2
    assert "too few to keep 90% back" in answer.err


def test_fit_looks_only_at_what_it_fits(cli: Cli, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    source = arrays["source"].copy()
    source[arrays["split"] == "test"] = source[4]
    np.savez(tmp_path / "odd.npz", **{**arrays, "source": source})
    answer = cli("fit", "ridge", tmp_path / "odd.npz", "-o", tmp_path / "a")
    assert "repeat" not in answer.err


# transform and metrics


@pytest.mark.parametrize("suffix", WHOLE)
def test_whole_pairs_stay_whole_and_say_which_were_fitted(
    cli: Cli, fitted: Path, tmp_path: Path, arrays: dict[str, np.ndarray], suffix: str
) -> None:
    owner = np.r_[np.arange(60), np.arange(0, 60, 2)]
    given = tmp_path / f"given.{suffix}"
    more = {"target": arrays["target"][owner], "owner": owner, "captions": [f"sound {j}" for j in range(90)]}
    np.savez(tmp_path / "a.npz", **{**arrays, **more, "ids": [f"clip{i}" for i in range(60)]})
    save_pairs(load_pairs(tmp_path / "a.npz"), given)
    moved = tmp_path / f"moved.{suffix}"
    answer = cli("transform", fitted, given, "-o", moved)
    assert "40 of 60 items were fitted on: measure the other 20 with --held-out" in answer.err
    before, after = load_pairs(given), load_pairs(moved)
    for part in ("target", "owner", "ids", "captions", "split"):
        np.testing.assert_array_equal(getattr(after, part), getattr(before, part))
    np.testing.assert_array_equal(after.source, load_bridge(fitted).transform(before.source))
    np.testing.assert_array_equal(after.fitted, before.split != "test")
    assert after.meta["moved"] == {"bridge": "ridge", "warnings": []}
    value, n, err = paired_cosine(cli, moved, "--split", "all")
    assert n == 60
    assert "40 of 60 items were fitted on: measure the other 20 with --held-out" in err
    held, n, err = paired_cosine(cli, moved, "--split", "all", "--held-out")
    assert (n, held) == (20, paired_cosine(cli, moved)[0])
    assert "fitted on" not in err
    assert held < value


def test_held_out_moves_and_writes_only_the_others(cli: Cli, fitted: Path, npz: Path, tmp_path: Path) -> None:
    answer = cli("transform", fitted, npz, "-o", tmp_path / "moved.npz", "--held-out")
    assert "20 rows moved by ridge" in answer.err
    assert "fitted on" not in answer.err
    whole, part = load_pairs(npz), load_pairs(tmp_path / "moved.npz")
    kept = whole.take(np.flatnonzero(whole.split == "test"))
    np.testing.assert_array_equal(part.captions, kept.captions)
    np.testing.assert_array_equal(part.source, load_bridge(fitted).transform(kept.source))
    assert not part.fitted.any()
    assert part.name == "tiny moved by ridge"
    answer = cli("transform", fitted, npz, "-o", tmp_path / "moved.npy", "--held-out")
    assert np.load(tmp_path / "moved.npy").shape == (20, 8)
    numbers = np.flatnonzero(whole.split == "test").tolist()
    first = ", ".join(map(str, numbers[:3]))
    assert f"rows {first} and 17 more of the input are held out; all their numbers stand in moved.npy" in answer.err
    _, provenance = read_beside(tmp_path / "moved.npy")
    assert provenance["moved"]["rows"] == numbers


def test_a_matrix_has_its_fitted_rows_beside_it(cli: Cli, fitted: Path, npz: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.npy"
    assert cli("transform", fitted, npz, "-o", moved).code == 0
    value, n, err = paired_cosine(cli, moved, "--target", npz, "--split", "all")
    assert n == 60
    assert "40 of 60 items were fitted on" in err
    held, n, _ = paired_cosine(cli, moved, "--target", npz, "--split", "all", "--held-out")
    assert n == 20
    assert held < value
    # Another matrix under that name is not judged by what was said of the first.
    np.save(moved, np.load(npz)["source"])
    assert "fitted on" not in paired_cosine(cli, moved, "--target", npz, "--split", "all")[2]
    answer = cli("metrics", moved, "--target", npz, "--held-out")
    assert answer.code == 2
    assert "does not say which clips were fitted on" in answer.err


@pytest.mark.parametrize("harm", ["cut", "changed", "rows", "empty"])
def test_a_file_beside_that_was_changed_is_one_line(
    cli: Cli, fitted: Path, npz: Path, tmp_path: Path, harm: str
) -> None:
    moved = tmp_path / "moved.npy"
    cli("transform", fitted, npz, "-o", moved)
    beside = tmp_path / "moved.npy.fitted.json"
    text = beside.read_text()
    new = {"cut": text[:40], "changed": text.replace("[0, ", "[", 1), "rows": text.replace("60", "61"), "empty": ""}
    beside.write_text(new[harm])
    answer = cli("metrics", moved, "--target", npz)
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)
    assert "moved.npy.fitted.json" in answer.err
    assert "remove it" in answer.err


def test_nothing_is_held_out_where_all_were_fitted(cli: Cli, unsplit: Path, tmp_path: Path) -> None:
    assert cli("fit", "mean-shift", unsplit, "-o", tmp_path / "all", "-q").code == 0
    answer = cli("transform", tmp_path / "all", unsplit, "-o", tmp_path / "moved.npz")
    assert "all 60 items were fitted on: measure others, or fit with --hold-out 30%" in answer.err
    for command in (
        ("transform", tmp_path / "all", unsplit, "-o", tmp_path / "x.npz", "--held-out"),
        ("metrics", tmp_path / "moved.npz", "--held-out"),
    ):
        answer = cli(*command)
        assert answer.code == 2
        assert "fit with --hold-out 30%" in answer.err
    assert "all 60 items were fitted on" in cli("inspect", tmp_path / "moved.npz").out


def test_a_bridge_of_an_older_version_says_that_it_does_not_know(
    cli: Cli, fitted: Path, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = load_bridge(fitted)
    del bridge.fitted_on_
    bridge.save(fitted)
    answer = cli("transform", fitted, npz, "-o", tmp_path / "moved.npy")
    assert answer.code == 0
    assert "does not know on which items; fit it again" in answer.err
    assert not (tmp_path / "moved.npy.fitted.json").exists()
    answer = cli("transform", fitted, npz, "-o", tmp_path / "moved.npy", "--held-out")
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)


def test_another_domain_and_another_encoder_are_said_by_transform_and_metrics(
    cli: Cli, tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    files = {}
    for name, move, heads in (("home", 0, "abc"), ("away", 12, "xyz")):
        np.savez(tmp_path / "a.npz", source=arrays["source"] + move * np.eye(8)[3], target=arrays["target"])
        pairs = load_pairs(tmp_path / "a.npz")
        pairs.meta["encoder"] = {"encoder": "clap", "heads": heads}
        files[name] = tmp_path / f"{name}.npz"
        save_pairs(pairs, files[name])
    assert cli("fit", "ridge", files["home"], "-o", tmp_path / "b", "-q").code == 0
    answer = cli("transform", tmp_path / "b", files["home"], "-o", tmp_path / "m.npz")
    assert "warning" not in answer.err
    for suffix in ("npz", "npy"):
        answer = cli("transform", tmp_path / "b", files["away"], "-o", tmp_path / f"m.{suffix}")
        assert "another encoder: its projection heads differ (fitted rows: abc; these rows: xyz)" in answer.err
        assert "another domain: these sources lie outside" in answer.err
        assert "fitted on:" not in answer.err
        target = () if suffix == "npz" else ("--target", files["away"])
        err = paired_cosine(cli, tmp_path / f"m.{suffix}", *target)[2]
        assert "moved by ridge: another encoder" in err
        assert "moved by ridge: another domain" in err


# A study folder


def test_a_bridge_of_a_study_is_chosen_by_name_and_seed(cli: Cli, npz: Path, tmp_path: Path) -> None:
    study, options = tmp_path / "study", ("--metrics", "cosine", "--resamples", "0", "-q")
    chosen = ("--bridges", "ridge,pls-svd,noise-only", "--seeds", "2", "--seed", "4")
    assert cli("compare", npz, *chosen, "--out", study, *options).code == 0
    moved = tmp_path / "moved.npy"
    for given, folder in (
        (("--bridge", "ridge"), "ridge"),
        (("--bridge", "pls-svd"), "pls-svd"),
        (("--bridge", "noise-only"), "noise-only-s4"),
        (("--bridge", "noise-only", "--seed", "5"), "noise-only-s5"),
    ):
        assert cli("transform", study, npz, *given, "-o", moved).code == 0
        expected = load_bridge(study / "bridges" / folder).transform(load_pairs(npz).source)
        np.testing.assert_array_equal(np.load(moved), expected)
    record = load_bridge(study / "bridges" / "ridge").fitted_on_
    assert record.part == "splits train, val, test of the data"
    assert (record.items, record.validating) == (30, 10)
    for given, said in (
        (
            (),
            "is a study; say which of its bridges with --bridge NAME: identity, mean-shift, "
            "noise-only (seeds 4, 5), pls-svd, ridge",
        ),
        (("--bridge", "ridg"), "has no fitted bridge 'ridg'; it has: "),
        (("--bridge", "noise-only", "--seed", "9"), "its seeds: 4, 5"),
        (("--bridge", "ridge", "--seed", "4"), "none: it depends on no seed"),
    ):
        answer = cli("transform", study, npz, *given, "-o", moved)
        assert (answer.code, len(answer.err.splitlines())) == (2, 1)
        assert said in answer.err
    answer = cli("transform", study / "bridges" / "ridge", npz, "--bridge", "ridge", "-o", moved)
    assert answer.code == 2
    assert "--bridge: goes with a study folder" in answer.err


def test_source_and_dataset_are_one_or_the_other(cli: Cli, fitted: Path, npz: Path, tmp_path: Path) -> None:
    for given in ((), (npz, "--dataset", "sfx")):
        answer = cli("transform", fitted, *given, "-o", tmp_path / "x.npz")
        assert answer.code == 2
        assert "give one of them" in answer.err
