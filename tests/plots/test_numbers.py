"""Figures of numbers: each sign stands where the number says."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from gapkit.comparison.columns import metric_columns
from gapkit.errors import InputError
from gapkit.metrics import cosine, pooled_ndcg, recall_at_k, unpaired_cosine
from gapkit.metrics.registry import metric_names
from gapkit.plots import (
    ablation,
    bridge_table,
    cosines,
    cost,
    frontier,
    gap_axis,
    gap_positions,
    pair_cosines,
    pool_curves,
    pool_table,
    retrieval,
    retrieval_table,
    similarity,
    temperature,
    trade_off,
)
from gapkit.plots.style import figure_of
from gapkit.report import build_table
from gapkit.verdict.shares import CLOSURE, closure

VALUES = {
    "identity": (0.5, 0.6, 0.2, 1.0, 0.5),
    "mean-shift": (0.7, 0.1, 0.02, 0.7, 0.45),
    "cca": (0.75, 0.05, 0.01, 0.6, 0.4),
    "ridge": (0.8, 0.3, 0.05, 1.0, 0.3),
    "ddbm": (0.75, 0.05, 0.01, 0.6, 0.49),
    "random-target": (0.5, 0.0, 0.0, 0.5, 0.01),
    "diffgap": (0.74, 0.06, 0.01, 0.6, 0.2),
}
METRICS = (*CLOSURE, "recall@10")


@pytest.fixture
def summary():
    rows = [
        {"bridge": name, "block": "anchor" if name in ("identity", "random-target") else "paired", "metric": metric,
         "value": value, "ci_low": value - 0.01, "ci_high": value + 0.01, "error": ""}
        for name, values in VALUES.items() for metric, value in zip(METRICS, values, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def test_cosines_of_pairs_and_strangers(pairs, moved):
    own = pair_cosines(pairs.source, pairs.target, owner=pairs.owner)
    assert own.own.mean() == pytest.approx(cosine(pairs.source, pairs.target, owner=pairs.owner), abs=1e-6)
    assert len(own.strangers) == 60 * 80 - 80
    # All unrelated pairs of a small set, and none of a clip with itself: the mean of the metric.
    alone = pair_cosines(pairs.source, moved["$oracle$"])
    assert alone.strangers.mean() == pytest.approx(unpaired_cosine(pairs.source, moved["$oracle$"]), abs=1e-6)
    few = pair_cosines(pairs.source, pairs.target, owner=pairs.owner, strangers=50)
    assert len(few.strangers) == 50
    assert few.strangers.mean() == pytest.approx(own.strangers.mean(), abs=0.2)
    for seed in (0, 1):
        one, two = (
            pair_cosines(pairs.source, pairs.target, owner=pairs.owner, strangers=50, seed=s) for s in (0, seed)
        )
        assert np.array_equal(one.strangers, two.strangers) == (seed == 0)


def test_a_histogram_holds_every_cosine(pairs, moved):
    found = {n: pair_cosines(r, pairs.target, owner=pairs.owner) for n, r in {"before": pairs.source, **moved}.items()}
    ax = cosines(found)
    outlines = [p for p in ax.patches if isinstance(p, mpl.patches.Polygon)]
    assert len(outlines) == 6
    every = np.concatenate([part for own in found.values() for part in (own.own, own.strangers)])
    for outline in outlines:
        x = outline.get_xy()[:, 0]
        assert x.min() <= every.min()
        assert every.max() <= x.max()
    assert f"mean {found['shift'].own.mean():.3f}".replace("0.", ".") in ax.get_legend().get_texts()[2].get_text()
    with pytest.raises(InputError, match="at least one source"):
        cosines({})


def test_strangers_need_two_clips(pairs):
    with pytest.raises(InputError, match="at least 2 clips"):
        pair_cosines(pairs.source[:1], pairs.source[:1])


def test_the_diagonal_holds_the_pairs(pairs, moved):
    axes = similarity({"before": pairs.source, **moved}, pairs.target, owner=pairs.owner, clips=20)
    tables = [ax.images[0].get_array() for ax in axes]
    assert {table.shape for table in tables} == {(20, 20)}
    np.testing.assert_allclose(np.diag(tables[2]), 1, atol=1e-5)  # the oracle
    off = ~np.eye(20, dtype=bool)
    assert np.diag(tables[1]).mean() > tables[1][off].mean() + 0.3
    assert len({ax.images[0].get_clim() for ax in axes}) == 1
    with pytest.raises(InputError, match="at least one source"):
        similarity({}, pairs.target)


def test_places_on_the_gap_axis(pairs, moved):
    found = gap_positions(pairs.source, pairs.target, moved, owner=pairs.owner)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (pairs.source, pairs.target)]
    assert list(found) == ["source", "shift", "$oracle$", "target"]
    assert found["source"].mean() == pytest.approx(0, abs=1e-6)
    assert found["target"].mean() == pytest.approx(
        np.linalg.norm(unit[1].mean(axis=0) - unit[0].mean(axis=0)), abs=1e-6
    )
    ax = gap_axis(found, title="$x$")
    assert [text.get_text().split(",")[0] for text in ax.get_legend().get_texts()] == list(found)
    with pytest.raises(InputError, match="the same mean"):
        gap_positions(pairs.source, pairs.source)


def test_ndcg_in_the_pool_at_each_share(pairs, moved):
    sources = {"before": pairs.source, **moved}
    table = pool_table(sources, pairs.target, owner=pairs.owner, shares=(0, 0.3, 1), n_resamples=50)
    for row in table.itertuples():
        value = pooled_ndcg(sources[row.name], pairs.target, owner=pairs.owner, share=row.share)
        assert row.value == pytest.approx(value)
        assert row.low - 1e-6 <= row.value <= row.high + 1e-6
    assert table["chance"].iloc[0] == pytest.approx(sum(1 / np.log2(1 + np.arange(1, 11))) / len(pairs.source))
    drawn = lines(pool_curves(table))
    assert set(drawn) == {*sources, "chance"}
    np.testing.assert_allclose(drawn["shift"].get_ydata(), table[table["name"] == "shift"]["value"])
    with pytest.raises(InputError, match="at least one source"):
        pool_table({}, pairs.target)


def test_recall_and_its_chance(pairs, moved):
    table = retrieval_table({"before": pairs.source, **moved}, pairs.target, owner=pairs.owner, ks=(1, 5, 80, 500))
    assert list(table["k"].unique()) == [1, 5, 80]
    for row in table.itertuples():
        source = {"before": pairs.source, **moved}[row.name]
        assert row.value == pytest.approx(recall_at_k(source, pairs.target, owner=pairs.owner, k=row.k))
        assert row.low <= row.value + 1e-6
        assert row.value <= row.high + 1e-6
    # One of 80 rows is hit with chance c / 80 by a clip with c targets, 20 of 60 clips have two.
    assert table[table["k"] == 1]["chance"].iloc[0] == pytest.approx((40 + 2 * 20) / 60 / 80)
    assert table[table["k"] == 80]["chance"].iloc[0] == pytest.approx(1)
    ax = retrieval(table)
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["shift"].get_ydata(), table[table["name"] == "shift"]["value"])
    np.testing.assert_allclose(drawn["chance"].get_ydata(), table[table["name"] == "shift"]["chance"])


def test_closure_and_what_is_kept(summary):
    table = trade_off(summary).set_index("bridge")
    values, start = (dict(zip(METRICS, VALUES[name], strict=True)) for name in ("ridge", "identity"))
    assert table.loc["ridge", "closed"] == pytest.approx(closure(values, start))
    assert table.loc["ridge", "kept"] == pytest.approx(0.6)
    assert set(table.index[table["front"]]) == {"identity", "ddbm"}
    assert table.loc["random-target", "family"] == "anchor"
    assert table[["closed_low", "kept_high"]].isna().all(axis=None)
    with_draws = trade_off(summary, lambda name, metric: np.full(20, VALUES[name][METRICS.index(metric)]))
    assert with_draws.set_index("bridge").loc["cca", "kept_low"] == pytest.approx(table.loc["cca", "kept"])


def test_a_study_without_the_metrics_or_the_gap(summary):
    with pytest.raises(InputError, match="metrics separability missing in this study"):
        trade_off(summary[summary["metric"] != "separability"])
    with pytest.raises(InputError, match="the bridge identity missing"):
        trade_off(summary[summary["bridge"] != "identity"])


def test_the_frontier_joins_who_is_not_beaten(summary):
    table = trade_off(summary)
    ax = frontier(table, near=0)
    line = lines(ax)["frontier"]
    front = table[table["front"]].sort_values("closed")
    np.testing.assert_allclose(line.get_xdata(), front["closed"])
    np.testing.assert_allclose(line.get_ydata(), front["kept"])
    names = {text.get_text() for text in ax.texts if text.get_gid() == "name"}
    assert names == set(table["bridge"]) - {"random-target"}
    assert "random-target" in ax.get_xlabel()
    near = frontier(table)
    assert "ridge" in near.get_xlabel()


def test_names_do_not_cover_each_other(summary):
    ax = frontier(trade_off(summary), near=0)
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_gid() == "name"]
    assert len(boxes) == 6
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
        assert ax.get_window_extent().contains(box.x0, box.y0)


def test_the_cost_of_each_bridge(summary):
    table = trade_off(summary).assign(fit_seconds=[0, 1, 2, 3, 4, 5, 6], transform_seconds=0.5)
    axes = cost(table, near=0)
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0]) for line in axes[0].lines if line.get_marker() not in ("None", "")
    ]
    known = table[table["family"] != "anchor"]
    assert marks == [(max(x, 1e-3), y) for x, y in zip(known["fit_seconds"], known["closed"], strict=True)]
    assert "ridge" in next(t.get_text() for t in cost(table)[0].texts if t.get_gid() == "below")
    with pytest.raises(InputError, match="got no fit_seconds, transform_seconds"):
        cost(trade_off(summary))


def test_bridges_that_all_widen_the_gap_are_drawn(summary):
    table = trade_off(summary).assign(fit_seconds=1.0, transform_seconds=0.5)
    worse = table[table["bridge"].isin(["ridge", "cca"])].assign(closed=[-0.1, -0.4])
    assert {text.get_text() for text in frontier(worse).texts if text.get_gid() == "name"} == {"ridge", "cca"}
    assert {text.get_text() for text in cost(worse)[0].texts if text.get_gid() == "name"} == {"ridge", "cca"}
    with pytest.raises(InputError, match="expected at least one bridge, got none but anchors"):
        frontier(table[table["family"] == "anchor"])


def test_a_dot_a_number_and_a_bar_a_share(summary):
    table = build_table(summary, metric_columns(METRICS), title="t $x$")
    shares = trade_off(summary)
    axes = bridge_table(table, shares)
    assert len(axes) == len(METRICS) + 2
    rows = [text.get_text() for text in axes[0].get_yticklabels()]
    assert rows == ["identity", "mean-shift", "cca", "ridge", "ddbm", "diffgap"]
    heights = dict(zip(rows, axes[0].get_yticks(), strict=True))
    dots = {line.get_ydata()[0]: line.get_xdata()[0] for line in axes[0].lines if line.get_marker() == "o"}
    assert {name: dots[height] for name, height in heights.items()} == {name: VALUES[name][0] for name in rows}
    mmd = {line.get_ydata()[0]: line.get_xdata()[0] for line in axes[2].lines if line.get_marker() == "o"}
    assert mmd[heights["ridge"]] == pytest.approx(50)  # times 1000, as the heading says
    bars = {round(bar.get_y() + bar.get_height() / 2, 6): bar.get_width() for bar in axes[-1].patches}
    assert bars[heights["ddbm"]] == pytest.approx(0.98)
    with_anchors = bridge_table(table, anchors=True, metrics=["cosine"])
    assert len(with_anchors) == 1
    assert "random-target" in [text.get_text() for text in with_anchors[0].get_yticklabels()]
    with pytest.raises(InputError, match="no metric 'map@10' here"):
        bridge_table(table, metrics=["map@10"])


def test_the_legend_of_retrieval_covers_no_curve():
    ks = [1, 10, 100]
    rows = [(name, k, 0.95, 0.9, 1.0, k / 100) for name in ("source before", "c3", "ridge") for k in ks]
    axes = retrieval(pd.DataFrame(rows, columns=["name", "k", "value", "low", "high", "chance"]))
    figure_of(axes).draw_without_rendering()
    assert axes.get_legend().get_window_extent().y1 < axes.transData.transform((1, 0.95))[1]


def test_a_table_of_many_columns_covers_no_words(summary):
    metrics = metric_columns(metric_names(default=True))
    row = summary[summary["metric"] == "cosine"]
    every = pd.concat([row.assign(metric=column.name) for column in metrics], ignore_index=True)
    axes = bridge_table(build_table(every, metrics), trade_off(summary))
    figure = figure_of(axes)
    figure.draw_without_rendering()
    words = [axis.title for axis in axes]
    words += [text for axis in axes for text in axis.texts if text.get_gid() == "value"]
    boxes = [word.get_window_extent() for word in words]
    assert len(boxes) > 5 * len(axes) == 5 * (len(metrics) + 2)
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]
    # Names and blocks stand before each part.
    assert [len([t for t in axis.texts if t.get_gid() == "block"]) for axis in axes] == [2, *[0] * 6, 2, *[0] * 5]


def test_temperatures():
    frame = pd.DataFrame(
        {"temperature": ["0.01", "0.01", "0.1", "learned"], "reached": [0.01, 0.01, 0.1, 0.05], "n": 100,
         "gap": [0.8, 0.6, 0.1, 0.3], "separability": [1, 1, 0.5, 0.8], "recall_at_10": [0.5, 0.4, 0.4, 0.45]}
    )  # fmt: skip
    axes = temperature(frame)
    mean, dots, learned = axes[0].lines
    np.testing.assert_allclose(mean.get_ydata(), [0.7, 0.1])
    np.testing.assert_allclose(dots.get_xdata(), [0.01, 0.01, 0.1])
    np.testing.assert_allclose(learned.get_xdata(), [0.05])
    assert axes[2].lines[3].get_ydata()[0] == pytest.approx(0.1)  # 10 of 100 by chance
    with pytest.raises(InputError, match="expected the columns gap"):
        temperature(frame.drop(columns="gap"))


def test_a_choice_that_stands_apart():
    rows = [
        ("default", "default", 0.50, 0.48, 0.52),
        ("width", "hidden = $9", 0.51, 0.49, 0.53),
        ("start", "200", 0.6, 0.58, 0.62),
        ("without a bridge", "identity", 0.1, 0.1, 0.1),
    ]
    frame = pd.DataFrame(rows, columns=["choice", "setting", "value", "ci_low", "ci_high"]).assign(metric="cosine")
    (ax,) = ablation(frame)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["default", "width: hidden = $9", "start: 200"]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in dots] == [0.50, 0.51, 0.6]
    assert [mpl.colors.to_hex(line.get_color()) == "#d55e00" for line in dots] == [False, False, True]
    with pytest.raises(InputError, match="expected a row of the choice 'default'"):
        ablation(frame[1:])
