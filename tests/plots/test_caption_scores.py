"""Captions against closure: the numbers behind the figure, and what is drawn."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from gapkit.errors import InputError
from gapkit.plots import beside_closure, caption_scores, rank_correlation

METRICS = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")
GAP = pd.DataFrame(
    [
        (bridge, metric, value)
        for bridge, values in {
            "identity": (0.5, 0.6, 0.2, 1.0, 0.5),
            "mean-shift": (0.6, 0.1, 0.01, 0.7, 0.5),
            "ridge": (0.8, 0.2, 0.04, 1.0, 0.3),
            "memory": (0.7, 0.15, 0.02, 0.9, 0.3),
            "diffusion-link": (0.75, 0.05, 0.002, 0.6, 0.5),
        }.items()
        for metric, value in zip(METRICS, values, strict=True)
    ],
    columns=["bridge", "metric", "value"],
)  # fmt: skip
CIDER = {"identity": 0.1, "mean-shift": 0.3, "ridge": 0.2, "diffusion-link": 0.4, "oracle": 0.9}
CAPTIONS = pd.DataFrame(
    [
        ("zero-shot", "clean", bridge, score, value, value - 0.02, value + 0.03)
        for bridge, value in CIDER.items()
        for score in ("cider_d", "rouge_l")
    ],
    columns=["protocol", "training", "bridge", "score", "value", "ci_low", "ci_high"],
)  # fmt: skip


def test_the_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(12).round(1)
    y = x + rng.standard_normal(12).round(1)
    found = rank_correlation(x, y)
    assert found.value == pytest.approx(spearmanr(x, y).statistic, abs=1e-9)
    assert -1 <= found.low < found.value < found.high <= 1
    assert rank_correlation(x, -x).value == -1


def test_a_number_that_is_the_same_for_all_has_no_order_and_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(rank_correlation([1, 1, 1], [1, 2, 3]).value)


def test_few_bridges_or_no_numbers_are_refused():
    with pytest.raises(InputError, match="at least 3 bridges"):
        rank_correlation([1, 2], [1, 2])
    with pytest.raises(InputError, match="finite"):
        rank_correlation([1, 2, np.nan], [1, 2, 3])


def test_bridges_that_both_tables_have_stand_beside_each_other():
    table = beside_closure(CAPTIONS, GAP)
    assert list(table["bridge"]) == ["identity", "mean-shift", "ridge", "diffusion-link"]
    assert table.set_index("bridge")["closed"]["identity"] == 0
    assert list(table["value"]) == [0.1, 0.3, 0.2, 0.4]
    with pytest.raises(InputError, match="no score 'spice' here"):
        beside_closure(CAPTIONS, GAP, "spice")


def test_a_sign_a_bridge_where_its_numbers_are():
    table = beside_closure(CAPTIONS, GAP)
    axes = caption_scores(table, [("zero-shot", "clean", "Zero-shot")], ceilings=[0.9], highlight=["diffusion-link"])
    drawn = sorted((float(c[0].get_xdata()[0]), float(c[0].get_ydata()[0])) for c in axes[0].containers)
    np.testing.assert_allclose(drawn, sorted(zip(table["closed"], 100 * table["value"], strict=True)))
    assert "captions themselves: 90" in axes[0].get_title(loc="left")
    assert {t.get_text() for t in axes[0].texts} >= {"diffusion-link", "ridge"}
    with pytest.raises(InputError, match="no rows of supervised, source"):
        caption_scores(table, [("supervised", "source", "Supervised")])
