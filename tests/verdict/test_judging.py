"""The verdict says what the rows say, and what they cannot say."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.verdict.phrases import percent

Made = Callable[..., Results]
BEFORE = {"cosine": 0.3, "centroid-distance": 0.8, "mmd": 0.4, "separability": 1.0, "recall@10": 0.6, "recall@1": 0.3}
FLOOR = {"centroid-distance": 0.08, "mmd": 0.0001, "separability": 0.51}
SHIFTED = {
    "cosine": 0.7,
    "centroid-distance": 0.1,
    "mmd": 0.003,
    "separability": 0.6,
    "recall@10": 0.59,
    "recall@1": 0.29,
}
NARROW = 0.0005
"""Standard error with which all of these differ."""


def _rows(**bridges: dict[str, float]) -> dict[str, dict[str, float]]:
    rows = {"identity": BEFORE, "target-split-half": FLOOR, "mean-shift": SHIFTED}
    return rows | {name.replace("_", "-"): {**SHIFTED, **own} for name, own in bridges.items()}


def _lines(results: Results, word: str) -> str:
    return " ".join(text for about, text in results.verdict().lines if about == word)


def test_a_gap_is_told_beside_the_floor_of_the_same_n(made: Made) -> None:
    told = _lines(made(_rows(c3={}), spread=NARROW), "Gap")
    assert told.startswith("There is a gap: centroid distance .800 [")
    assert "(floor .080)" in told
    assert "200 targets against 200 others" in told
    assert "(spread" not in told
    closed = made(_rows()).whole().set_index("bridge")["closed"]
    assert f"A mean shift alone closes {percent(closed['mean-shift'])}" in told


def test_where_targets_read_as_much_there_is_no_gap(made: Made) -> None:
    nothing = {"centroid-distance": 0.079, "mmd": 0.0, "separability": 0.5}
    rows = _rows(c3={}) | {"identity": {**BEFORE, **nothing}}
    results = made(rows, spread=NARROW)
    assert results.verdict().gap.there is False
    assert results.verdict().recommendation.reason == "no gap"
    assert _lines(results, "Take") == "No bridge: there is no gap to close, beyond what two samples of targets read."


@pytest.mark.parametrize(
    ("bridge", "kind"), [("procrustes", "rotation"), ("coral", "spread"), ("diffusion-link", "shape")]
)
def test_the_kind_of_the_gap_is_what_adds_to_the_mean_shift(made: Made, bridge: str, kind: str) -> None:
    results = made(_rows(procrustes={}, coral={}) | {bridge: {**SHIFTED, "cosine": 0.8}}, spread=NARROW)
    measurable = {part.kind: part.bridge for part in results.verdict().gap.parts if part.measurable}
    assert measurable == {kind: bridge}
    assert f"Beside the offset {kind} ({bridge}) adds" in _lines(results, "Gap")
    alone = made(_rows(procrustes={}, coral={}), spread=0.01)
    assert "The gap is an offset: nothing beside it can be shown" in _lines(alone, "Gap")


def test_help_is_told_for_each_aim_that_was_measured(made: Made) -> None:
    results = made(_rows(c3={"recall@10": 0.7}, ridge={"recall@10": 0.3}), spread=NARROW)
    assert _lines(results, "Closure").startswith("All 3 bridges close the gap by more than chance")
    said = _lines(results, "Retrieval")
    assert said.startswith(
        "R@10 is .600 [.599, .601] without a bridge: better with c3; worse with mean-shift and ridge."
    )
    assert "ndcg-pooled@10" in _lines(results, "Unknown")
    assert "labels in the data" in _lines(results, "Unknown")


@pytest.mark.parametrize(
    ("rows", "study", "said"),
    [
        ({"identity": {**BEFORE, "recall@10": 0.995}}, {}, "R@10 is saturated, .995 and more before any bridge"),
        ({"identity": {**BEFORE, "recall@10": 0.0502}}, {}, "R@10 without a bridge cannot be told from chance (.050)"),
        ({}, {"findings": ["captions: 3 repeat an earlier one (first: a is b); x"]}, "captions: 3 repeat"),
        ({}, {"findings": ["another domain: these sources lie outside; fit on"]}, "not like the fitted ones"),
        ({}, {"findings": ["source: 4 distinct rows stand in both split 'a' and 'b'; a bridge fitted on one has seen"
                           " the other"]}, "were fitted on, which flatters"),
        ({}, {"data": {"groups": {"effective": 6, "caution": "few groups"}}}, "few origins (effective number 6)"),
        ({"c3": {**SHIFTED, "mmd": 0.00005}, "ridge": {**SHIFTED, "mmd": 0.0001}}, {}, "At the floor"),
    ],
    ids=["saturated", "chance", "copies", "domain", "fitted", "few groups", "floor"],
)  # fmt: skip
def test_what_not_to_believe(made: Made, rows: dict, study: dict, said: str) -> None:
    assert said not in _lines(made(_rows(c3={}), spread=NARROW), "Beware")
    results = made(_rows(c3={}) | rows, spread=NARROW, **study)
    assert said in _lines(results, "Beware")


def test_too_few_items_to_say_what_is_kept(made: Made) -> None:
    assert "Too few items to say whether 95% of R@10 is kept" in _lines(made(_rows(c3={}), spread=0.05), "Beware")


@pytest.mark.parametrize("case", ["one bridge", "no draws", "all equal", "no identity", "no bridge", "one metric"])
def test_less_is_said_of_less(made: Made, case: str) -> None:
    rows = _rows(c3={}, ridge={"cosine": 0.8})
    draws = case != "no draws"
    if case == "one bridge":
        rows = _rows()
    elif case == "all equal":
        rows = _rows(c3={}, ridge={}) | {"identity": SHIFTED}
    elif case == "no identity":
        del rows["identity"]
    elif case == "no bridge":
        rows = {name: rows[name] for name in ("identity", "target-split-half")}
    elif case == "one metric":
        rows = {name: {"rmg": 0.5} for name in rows}
    results = made(rows, draws=draws, spread=NARROW)
    verdict = results.verdict()
    reasons = {
        "one bridge": "only", "no draws": "no tests", "all equal": "none closes", "no identity": "not measured",
        "no bridge": "no bridges", "one metric": "not measured",
    }  # fmt: skip
    assert verdict.recommendation.reason == reasons[case]
    assert all(text.strip() and not {"nan", "None,", "None."} & set(text.split()) for _, text in verdict.lines)
    assert json.loads(json.dumps(verdict.to_dict(), allow_nan=False))["lines"] == [list(line) for line in verdict.lines]
    for aim in ("retrieval", "pool", "classes"):
        assert results.verdict(aim).lines
    table = results.table()
    assert not table.has_marks or case in ("no identity",)


def test_one_seed_more_seeds_and_a_failed_bridge(made: Made) -> None:
    results = made(_rows(c3={}, ridge={"cosine": 0.75}), spread=NARROW)
    failed = results.frame.iloc[[-1]].assign(bridge="cca", metric=None, value=np.nan, error="failed: no")
    import pandas as pd

    results = replace(results, frame=pd.concat([results.frame, failed], ignore_index=True))
    assert "cca" not in " ".join(text for _, text in results.verdict().lines)


@pytest.mark.parametrize("n", [10, 13])
def test_three_items_say_that_they_are_too_few(n: int) -> None:
    rng = np.random.default_rng(0)
    split = np.array(["train"] * (n - 3) + ["test"] * 3)
    pairs = PairedEmbeddings(rng.standard_normal((n, 6)) + 1, rng.standard_normal((n, 6)) - 1, split=split)
    metrics = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")
    results = run_study(pairs, StudyConfig(bridges=("c3",), metrics=metrics, n_resamples=20))
    verdict = results.verdict()
    assert verdict.recommendation.reason in ("no tests", "not measured")
    assert "3 items are too few for any interval or test" in _lines(results, "Beware")
    assert not results.table().has_marks
