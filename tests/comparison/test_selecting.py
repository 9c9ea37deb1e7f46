import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gapkit.comparison import Results
from gapkit.comparison.selecting import controls_among
from gapkit.errors import InputError
from gapkit.report import Column, Table


@pytest.fixture
def results() -> Results:
    rows = [
        {"bridge": bridge, "block": block, "metric": metric, "group": "closure", "split": "test", "seed": None,
         "value": value, "ci_low": math.nan, "ci_high": math.nan, "n": 5, "seconds": 0.0, "error": ""}
        for bridge, block, value in (("identity", "anchor", 0.1), ("noise-only", "unpaired", 0.9),
                                     ("c3", "unpaired", 0.5), ("ridge", "paired", 0.6), ("cca", "paired", 0.4))
        for metric in ("cosine", "rmg")
    ]  # fmt: skip
    columns = (Column("cosine", "Cosine", "closure", "higher"), Column("rmg", "RMG", "closure", "lower"))
    return Results(pd.DataFrame(rows), columns)


def test_rows_and_columns_in_the_given_order(results: Results) -> None:
    chosen = results.select(["cca", "unpaired", "cca"], ["rmg"])
    assert chosen.pivot().index.tolist() == ["cca", "noise-only", "c3"]
    assert [column.name for column in chosen.columns] == ["rmg"]
    assert set(chosen.frame["metric"]) == {"rmg"}
    assert results.select().frame.equals(results.frame)
    assert results.select(["anchors", "paired"]).pivot().index.tolist() == ["identity", "ridge", "cca"]


def test_a_control_does_not_compete(results: Results) -> None:
    assert controls_among(["noise-only", "noise-only [x]", "ridge", "of-a-plugin"]) == {"noise-only", "noise-only [x]"}
    drawn = _with_draws(results)
    assert _marked(drawn.table()) == {"ridge", "c3"}
    assert _marked(results.table()) == set()


def test_apart_says_so(results: Results) -> None:
    table = _with_draws(results).table(apart=True)
    # c3 is the only unpaired bridge that competes: no rival, no mark.
    assert _marked(table) == {"ridge"}
    assert any("apart" in note for note in table.notes)
    assert not any("apart" in note for note in results.table().notes)


def test_rows_by_family_and_columns_as_asked(results: Results) -> None:
    def rows(table: Table) -> list[str]:
        return [row.name for own in table.blocks.values() for row in own]

    assert rows(results.table()) == ["identity", "c3", "noise-only", "ridge", "cca"]
    assert rows(results.table(bridges=["cca", "ridge", "unpaired"])) == ["noise-only", "c3", "cca", "ridge"]
    assert rows(results.select(["cca", "ridge"]).table()) == ["cca", "ridge"]
    assert [column.name for column in results.table(columns=["RMG", "cosine"]).columns] == ["rmg", "cosine"]
    for wrong in ({"columns": ["gap-closed"]}, {"bridges": ["nobody"]}):
        with pytest.raises(InputError, match="in these results; here are: "):
            results.table(**wrong)


def _with_draws(results: Results) -> Results:
    """Noise that all rows but cca share, and .2 of noise of its own for ridge and c3: .1 apart is little for them."""
    rng = np.random.default_rng(0)
    draws = {}
    for bridge, metric, value in results.frame[["bridge", "metric", "value"]].itertuples(index=False):
        own = 0.2 if bridge in ("ridge", "c3") else 0.02
        draws[bridge, None, metric] = value + own * rng.standard_normal(200)
    draws["cca", None, "cosine"] = draws["ridge", None, "cosine"] - 0.2 + 0.01 * rng.standard_normal(200)
    return replace(results, draws=draws)


def _marked(table: Table) -> set[str]:
    return {row.name for rows in table.blocks.values() for row in rows if row.entries[0].marked}


def test_seeds_that_differ_by_bridge_are_said(results: Results) -> None:
    def of(seeds: dict[str, list[int]]) -> str:
        frames = [
            results.frame[results.frame["bridge"] == name].assign(seed=seed)
            for name, own in seeds.items()
            for seed in own
        ]
        return " ".join(Results(pd.concat(frames, ignore_index=True), results.columns).notes)

    assert "Stochastic bridges: mean over seeds 0, 1." in of({"ridge": [0, 1], "cca": [0, 1]})
    assert "Stochastic bridges: seed 3." in of({"ridge": [3]})
    assert "Stochastic bridges: mean over 1 to 3 seeds." in of({"ridge": [0], "cca": [0, 1, 2]})
    assert "Stochastic bridges: mean over 2 seeds." in of({"ridge": [0, 2], "cca": [0, 1]})


@pytest.mark.parametrize(
    ("chosen", "said"),
    [({"bridges": ["nobody"]}, "no bridge 'nobody' .* here are: identity"), ({"metrics": ["mmd"]}, "no metric 'mmd'")],
)
def test_what_is_not_there(results: Results, chosen: dict[str, list[str]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        results.select(**chosen)


def test_no_row_of_a_kind(results: Results) -> None:
    with pytest.raises(InputError, match="no bridge of the kind paired"):
        results.select(["anchors", "unpaired"]).select(["paired"])
