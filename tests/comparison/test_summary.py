from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gapkit.comparison.cells import Cell, Value
from gapkit.comparison.results import Results
from gapkit.comparison.summary import COLUMNS, draws_of, long_frame, summarise
from gapkit.report import Column


def _cell(seed: int | None, value: float, draws: np.ndarray, **more: object) -> Cell:
    values = {"mmd": Value(value, *np.percentile(draws, [2.5, 97.5]), n=20, seconds=0.0)}
    fields = {"estimates": values, "draws": {"mmd": draws}, "fit_seconds": 2.0, "transform_seconds": 0.5, **more}
    return Cell("mlp", "paired", seed, "", **fields)  # type: ignore[arg-type]


@pytest.fixture
def two_seeds() -> list[Cell]:
    rng = np.random.default_rng(0)
    return [_cell(0, 1.0, rng.standard_normal(200)), _cell(1, 2.0, rng.standard_normal(200))]


def test_the_long_frame(two_seeds: list[Cell]) -> None:
    frame = long_frame(two_seeds, {"mmd": "closure", "rmg": "closure"}, split="test")
    assert list(frame.columns) == list(COLUMNS)
    assert frame["value"].tolist() == [1.0, 2.0]
    assert frame["seed"].tolist() == [0, 1]
    assert frame["seconds"].tolist() == [2.5, 2.5]
    assert (frame["split"] == "test").all()


def test_the_interval_of_a_mean_over_seeds_is_that_of_the_averaged_draws(two_seeds: list[Cell]) -> None:
    frame = long_frame(two_seeds, {"mmd": "closure"}, split="test")
    row = summarise(frame, draws_of(two_seeds)).iloc[0]
    averaged = (two_seeds[0].draws["mmd"] + two_seeds[1].draws["mmd"]) / 2
    assert row["value"] == 1.5
    assert (row["ci_low"], row["ci_high"]) == tuple(np.percentile(averaged, [2.5, 97.5]))
    assert row["seed_sd"] == pytest.approx(np.sqrt(0.5))
    assert row["n_seeds"] == 2


def test_one_seed_keeps_its_own_interval_and_has_no_spread(two_seeds: list[Cell]) -> None:
    frame = long_frame(two_seeds[:1], {"mmd": "closure"}, split="test")
    row = summarise(frame, {}).iloc[0]
    assert (row["ci_low"], row["ci_high"]) == (frame["ci_low"].iloc[0], frame["ci_high"].iloc[0])
    assert np.isnan(row["seed_sd"])


def test_without_draws_several_seeds_have_no_interval(two_seeds: list[Cell]) -> None:
    row = summarise(long_frame(two_seeds, {"mmd": "closure"}, split="test"), {}).iloc[0]
    assert row["value"] == 1.5
    assert np.isnan(row["ci_low"])


def test_a_seed_that_failed_is_left_out_and_named(two_seeds: list[Cell]) -> None:
    failed = Cell("mlp", "paired", 2, "", error="diverged")
    frame = long_frame([*two_seeds, failed], {"mmd": "closure"}, split="test")
    summary = summarise(frame, draws_of(two_seeds))
    measured = summary[summary["metric"] == "mmd"].iloc[0]
    assert (measured["value"], measured["n_seeds"]) == (1.5, 2)
    assert summary.loc[summary["metric"].isna(), "error"].tolist() == ["failed with seed 2: diverged"]
    columns = (Column("mmd", "MMD", "closure"),)
    assert "mean over seeds 0, 1." in Results(frame, columns).notes[0]
    raised = [replace(two_seeds[1], estimates={}, failed={"mmd": "diverged"}), failed]
    frame = long_frame([two_seeds[0], *raised], {"mmd": "closure"}, split="test")
    assert summarise(frame, {})["error"].tolist() == ["failed with seed 1: diverged", "failed with seed 2: diverged"]
    assert "Stochastic bridges: seed 0." in Results(frame, columns).notes[0]


def test_metrics_that_raised_and_metrics_that_are_undefined() -> None:
    cell = Cell(
        "c3", "unpaired", None, "", failed={"new": "ZeroDivisionError"},
        estimates={"rmg": Value(np.nan, np.nan, np.nan, 9, 0.0, "all rows are the same")},
    )  # fmt: skip
    frame = long_frame([cell], {"new": "closure", "rmg": "closure"}, split="test")
    assert frame["error"].tolist() == ["failed: ZeroDivisionError", "all rows are the same"]
    assert frame["seed"].isna().all()
    assert summarise(frame, {})["value"].isna().all()


def test_no_cells() -> None:
    frame = long_frame([], {"mmd": "closure"}, split="test")
    assert isinstance(frame, pd.DataFrame)
    assert len(summarise(frame, {})) == 0
