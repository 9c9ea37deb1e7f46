"""Whom the verdict recommends, on studies whose truth is known."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gapkit.comparison import Results
from gapkit.errors import InputError
from gapkit.verdict.recommending import Choice

ROOT = Path(__file__).resolve().parents[2]
EQUAL = ("procrustes", "memory", "diffusion-link")


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verdict_simulation", ROOT / "analyses" / "verdict_simulation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(simulation: ModuleType, seed: int = 0, n: int = 100, bridges: tuple[str, ...] = EQUAL, **how) -> Results:
    return simulation.made_study(np.random.default_rng(seed), n, bridges, **how)


def _changed(results: Results, bridge: str, metric: str, factor: float) -> Results:
    """The study with the values and draws of one cell multiplied."""
    frame, draws = results.frame.copy(), dict(results.draws)
    here = (frame["bridge"] == bridge) & (frame["metric"] == metric)
    for column in ("value", "ci_low", "ci_high"):
        frame.loc[here, column] *= factor
    draws[bridge, None, metric] = draws[bridge, None, metric] * factor
    return replace(results, frame=frame, draws=draws)


def _choice(results: Results, aim: str = "closure") -> str | None:
    choice: Choice | None = results.verdict(aim).recommendation.choice
    return None if choice is None else choice.bridge


def test_it_is_right_as_often_as_it_says(simulation: ModuleType) -> None:
    """Small; `analyses/verdict_simulation.py` is the same with larger numbers."""
    found = simulation.shares(np.random.default_rng(5), 60, ("procrustes", "diffusion-link"), 20)
    # Of 20 studies that are right with a chance of .95, 15 or fewer are right in 3 of 1,000 cases.
    assert found["equal"] >= 16 / 20
    assert found["better"] >= 16 / 20
    assert found["little"] < 0.5


def test_of_equal_ones_the_simplest_is_named_with_what_the_items_show(simulation: ModuleType) -> None:
    own = _made(simulation).verdict().recommendation
    assert (own.reason, own.alike, own.held) == ("simplest", 3, 3)
    assert own.choice is not None
    assert own.choice.bridge == "procrustes"
    assert own.shows > 0


def test_a_better_one_is_named_before_a_simpler_one(simulation: ModuleType) -> None:
    own = _made(simulation, gain=0.3).verdict().recommendation
    assert (own.reason, own.adds) == ("best", None)
    assert own.choice is not None
    assert own.choice.bridge == "diffusion-link"


def test_one_that_loses_retrieval_is_told_and_not_named(simulation: ModuleType) -> None:
    results = _changed(_made(simulation, gain=0.3), "diffusion-link", "recall@10", 0.5)
    verdict = results.verdict()
    own = verdict.recommendation
    assert own.choice is not None
    assert own.choice.bridge == "procrustes"
    assert own.beyond is not None
    assert own.beyond.bridge == "diffusion-link"
    assert dict(verdict.lines)["Take"].endswith("of R@10, which is too little.")


def test_where_none_keeps_retrieval_none_is_named(simulation: ModuleType) -> None:
    results = _made(simulation)
    for bridge in EQUAL:
        results = _changed(results, bridge, "recall@10", 0.6)
    verdict = results.verdict()
    assert verdict.recommendation.reason == "none keeps"
    assert dict(verdict.lines)["Take"].startswith("No bridge: none both closes")


def test_where_none_closes_none_is_named(simulation: ModuleType) -> None:
    results = _made(simulation)
    for bridge in EQUAL:
        results = _changed(results, bridge, "cosine", 0.42)
    verdict = results.verdict()
    assert verdict.recommendation.reason == "none closes"
    assert "none closes the gap by more than chance" in dict(verdict.lines)["Take"]


def test_time_decides_among_equals_of_one_family_and_small_times_do_not(simulation: ModuleType) -> None:
    results = _made(simulation, bridges=("procrustes", "ridge"))
    frame = results.frame.copy()
    for slow, other in (("procrustes", "ridge"), ("ridge", "procrustes")):
        frame["seconds"] = frame["bridge"].map({slow: 40.0, other: 2.0, "identity": 0.0})
        assert _choice(replace(results, frame=frame)) == other
    value = frame[frame["metric"] == "cosine"].set_index("bridge")["value"]
    for fast in ("procrustes", "ridge"):
        frame["seconds"] = np.where(frame["bridge"] == fast, 0.01, 0.4)
        assert _choice(replace(results, frame=frame)) == value.drop("identity").idxmax()


@pytest.mark.parametrize(("aim", "metric"), [("retrieval", "recall@10"), ("pool", "ndcg-pooled@10")])
def test_for_another_aim_no_bridge_is_an_answer(simulation: ModuleType, aim: str, metric: str) -> None:
    results = _made(simulation)
    named = {"recall@10": metric}
    frame = results.frame.assign(metric=results.frame["metric"].replace(named))
    columns = tuple(replace(column, name=named.get(column.name, column.name)) for column in results.columns)
    draws = {(bridge, seed, named.get(own, own)): drawn for (bridge, seed, own), drawn in results.draws.items()}
    results = replace(results, frame=frame, columns=columns, draws=draws)
    assert results.verdict(aim).recommendation.reason == "none better"
    better = _changed(results, "memory", metric, 1.4)
    assert _choice(better, aim) == "memory"
    worse = results
    for bridge in EQUAL:
        worse = _changed(worse, bridge, metric, 0.5)
    assert worse.verdict(aim).recommendation.alike == 0


@pytest.mark.parametrize(("aim", "ask"), [("pool", "ndcg-pooled@10"), ("classes", "zero-shot-accuracy")])
def test_an_aim_that_was_not_measured_names_what_to_ask_for(simulation: ModuleType, aim: str, ask: str) -> None:
    verdict = _made(simulation).verdict(aim)
    assert verdict.recommendation.reason == "not measured"
    assert ask in dict(verdict.lines)["Take"]
    with pytest.raises(InputError, match="aim: expected one of closure, retrieval, pool, classes, got 'x'"):
        _made(simulation).verdict("x")
