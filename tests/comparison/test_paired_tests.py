"""Bridges of a study against one of them, on the same clips."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.errors import InputError
from gapkit.statistics import holm

CONFIG = StudyConfig(
    bridges=("ridge", "c3", "procrustes"),
    metrics=("cosine", "centroid-distance", "mmd", "recall@1", "residual-mmd", "effective-rank"),
    n_resamples=300,
)
COLUMNS = ["bridge", "metric", "difference", "low", "high", "p", "p_holm", "effect", "verdict"]


@pytest.fixture(scope="module")
def results(make_pairs) -> Results:  # type: ignore[no-untyped-def]
    return run_study(make_pairs(n=240), CONFIG)


def test_one_row_a_bridge_and_metric(results: Results) -> None:
    frame = results.tests(against="mean-shift")
    assert list(frame.columns) == COLUMNS
    assert set(frame["bridge"]) == {"ridge", "c3", "procrustes"}
    assert len(frame) == 3 * len(CONFIG.metrics)
    wide = results.pivot()
    for row in frame.itertuples():
        assert row.difference == wide.loc[row.bridge, row.metric] - wide.loc["mean-shift", row.metric]
        alone = results.difference(row.bridge, "mean-shift", row.metric)
        assert (row.difference, row.low, row.high, row.p) == (alone.value, alone.low, alone.high, alone.p)
    assert frame["p_holm"].to_numpy() == pytest.approx(holm(frame["p"]))


def test_p_by_the_standard_error(results: Results) -> None:
    counted, normal = results.tests(against="identity"), results.tests(against="identity", p="normal")
    pd.testing.assert_frame_equal(
        counted.drop(columns=["p", "p_holm", "verdict"]), normal.drop(columns=["p", "p_holm", "verdict"])
    )
    draws = {key[0]: own for key, own in results.draws.items() if key[2] == "cosine"}
    row = normal[(normal["bridge"] == "ridge") & (normal["metric"] == "cosine")].iloc[0]
    error = np.std(draws["ridge"] - draws["identity"], ddof=1)
    assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(row["difference"]) / error))
    assert normal["p_holm"].to_numpy() == pytest.approx(holm(normal["p"]))
    # Far beyond what 300 draws can count, and still told apart.
    assert counted["p"].min() == pytest.approx(2 / 301)
    assert normal["p"].min() < 1e-10
    assert (counted["p_holm"] >= 2 / 301).all()


def test_the_bridge_itself_differs_from_itself_in_nothing(results: Results) -> None:
    for p in ("draws", "normal"):
        frame = results.tests(against="ridge", bridges=["ridge"], p=p)
        assert (frame["difference"] == 0).all()
        assert (frame["p"] == 1).all()
        assert (frame["verdict"] == "").all()


def test_verdicts_follow_the_better_direction(results: Results) -> None:
    frame = results.tests(against="identity", bridges=["oracle-target"], p="normal").set_index("metric")
    assert frame.loc["cosine", "difference"] > 0
    assert frame.loc["mmd", "difference"] < 0
    assert (frame.loc[["cosine", "mmd", "centroid-distance", "recall@1"], "verdict"] == "better").all()
    turned = results.tests(against="oracle-target", bridges=["identity"], p="normal").set_index("metric")
    assert (turned.loc[["cosine", "mmd", "centroid-distance", "recall@1"], "verdict"] == "worse").all()
    assert turned["p"].to_numpy() == pytest.approx(frame["p"].to_numpy())


def test_the_effect_does_not_grow_with_the_clips(make_pairs, results: Results) -> None:  # type: ignore[no-untyped-def]
    larger = run_study(make_pairs(n=720), replace(CONFIG, bridges=("c3",)))
    small, large = (
        r.tests(against="identity", metrics=["cosine"], bridges=["c3"], p="normal").iloc[0] for r in (results, larger)
    )
    assert large["effect"] == pytest.approx(small["effect"], rel=0.25)
    assert large["high"] - large["low"] < 0.8 * (small["high"] - small["low"])


def test_without_draws_there_is_a_difference_and_no_p(make_pairs) -> None:  # type: ignore[no-untyped-def]
    bare = run_study(make_pairs(), replace(CONFIG, bridges=("ridge",), n_resamples=0))
    frame = bare.tests(against="identity", p="normal")
    assert frame["difference"].notna().all()
    assert frame[["low", "high", "p", "p_holm", "effect"]].isna().all().all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"p": "guess"}, "expected one of draws, normal"),
        ({"against": "nobody"}, "no bridge 'nobody'"),
        ({"metrics": ["nothing"]}, "no metric 'nothing'"),
        ({"bridges": ["nobody"]}, "no bridge 'nobody'"),
    ],
)
def test_bad_input(results: Results, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        results.tests(**options)  # type: ignore[arg-type]
