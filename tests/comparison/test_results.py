import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.comparison.columns import metric_columns
from gapkit.comparison.summary import COLUMNS, typed
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.report.terminal import to_text

CONFIG = StudyConfig(
    bridges=("ridge", "c3", "residual-mlp"),
    metrics=("cosine", "mmd", "separability", "recall@1"),
    seeds=2,
    n_resamples=60,
    steps=5,
    device="cpu",
    params={"residual-mlp": {"hidden": 8}},
)


@pytest.fixture(scope="module")
def study(make_pairs, tmp_path_factory) -> tuple[Results, Path, PairedEmbeddings]:  # type: ignore[no-untyped-def]
    out = tmp_path_factory.mktemp("study") / "out"
    pairs = make_pairs()
    return run_study(pairs, CONFIG, out=out), out, pairs


@pytest.fixture
def results(study: tuple[Results, Path, PairedEmbeddings]) -> Results:
    return study[0]


def test_csv_numbers_come_back_to_the_last_bit(results: Results) -> None:
    rows = list(csv.DictReader(io.StringIO(results.to_csv())))
    assert [row["bridge"] for row in rows] == results.frame["bridge"].tolist()
    for row, value in zip(rows, results.frame["value"], strict=True):
        assert float(row["value"]) == value
    assert {row["seed"] for row in rows if row["bridge"] == "residual-mlp"} == {"0", "1"}
    assert {row["seed"] for row in rows if row["bridge"] == "ridge"} == {""}


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_a_csv_is_a_formula(results: Results, start: str) -> None:
    evil = f'{start}HYPERLINK("x"),\n"y"'
    frame = results.frame.assign(bridge=evil, error=evil)
    rows = list(csv.DictReader(io.StringIO(replace(results, frame=frame).to_csv())))
    assert len(rows) == len(frame)
    for row in rows:
        assert row["bridge"].startswith("'")
        assert row["error"].startswith("'")
        assert not row["value"].startswith("'")


def test_what_was_written_is_read_again(study: tuple[Results, Path, PairedEmbeddings]) -> None:
    results, out, _ = study
    again = Results.read(out)
    pd.testing.assert_frame_equal(again.frame, results.frame)
    assert again.columns == results.columns
    assert again.to_csv() == results.to_csv() == (out / "results.csv").read_text()
    assert again.to_json() == (out / "results.json").read_text()
    assert again.to_markdown() == (out / "table.md").read_text()
    assert again.to_latex() == (out / "table.tex").read_text()
    pd.testing.assert_frame_equal(again.summary(), results.summary())


def test_json_is_strict(study: tuple[Results, Path, PairedEmbeddings]) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    content = json.loads((study[1] / "results.json").read_text(), parse_constant=refuse)
    assert content["schema_version"] == 2
    assert content["verdict"]["aim"] == "closure"
    assert content["verdict"]["lines"] == [list(line) for line in study[0].verdict().lines]
    assert {"bridge", "metric", "value", "ci_low", "n"} <= set(content["rows"][0])


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_files_that_are_no_results(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError, match=r"results\.json"):
        Results.read(tmp_path)


@pytest.mark.parametrize("place", ["bridge", "metric", "label", "group", "error", "name"])
def test_a_file_that_was_sent_along_steers_no_terminal(
    study: tuple[Results, Path, PairedEmbeddings], tmp_path: Path, place: str
) -> None:
    evil = "\x1b]0;evil\x07"
    content = json.loads((study[1] / "results.json").read_text())
    del content["digest"]
    for record in (
        content["metrics"] if place == "label" else [content["study"]] if place == "name" else content["rows"]
    ):
        record[place] = evil
    (tmp_path / "results.json").write_text(json.dumps(content))
    if place in ("error", "name"):
        assert "\x1b" not in to_text(Results.read(tmp_path).table())
    else:
        with pytest.raises(InputError) as caught:
            Results.read(tmp_path)
        assert "\x1b" not in str(caught.value)


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no results\.json here"):
        Results.read(tmp_path)


def test_the_wide_table_and_the_ranks(results: Results) -> None:
    wide = results.pivot()
    assert list(wide.columns) == list(CONFIG.metrics)
    assert wide.index[0] == "identity"
    ranks = results.rank()
    assert set(ranks.index) == {"c3", "residual-mlp", "ridge"}
    assert ranks.loc[wide.loc[ranks.index, "cosine"].idxmax(), "cosine"] == 1
    assert ranks.loc[wide.loc[ranks.index, "mmd"].idxmin(), "mmd"] == 1


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_moves_no_mean_rank_mark_or_test(seed: int) -> None:
    values = {"a": (0.1, 0.2, 0.3), "b": (0.3, 0.1, 0.2), "c": (0.7, 0.1, 0.2), "d": (0.1, 0.7, 0.2)}
    rows = [
        {"bridge": bridge, "block": "paired", "metric": metric, "seed": k, "value": value, "n": 9, "error": ""}
        for bridge, own in values.items()
        for metric in ("cosine", "mmd")
        for k, value in enumerate(own)
    ]
    draws = {
        (row["bridge"], row["seed"], row["metric"]): row["value"] + np.random.default_rng(row["seed"]).normal(size=30)
        for row in rows
    }
    columns = metric_columns(["cosine", "mmd"])
    frame = typed(pd.DataFrame(rows, columns=list(COLUMNS)))
    given, other = (Results(f, columns, {}, draws) for f in (frame, frame.sample(frac=1, random_state=seed)))
    for table in (Results.pivot, Results.rank):
        pd.testing.assert_frame_equal(table(other).loc[list(values)], table(given), check_exact=True)
    marks = [
        {(row.name, k): entry.marked for row in r.table().blocks["paired"] for k, entry in enumerate(row.entries)}
        for r in (given, other)
    ]
    assert marks[0] == marks[1]
    assert set(marks[0].values()) >= {True}
    tests = [r.tests("a").set_index(["bridge", "metric"]).sort_index() for r in (given, other)]
    pd.testing.assert_frame_equal(*tests, check_exact=True)


def test_difference_is_paired(results: Results) -> None:
    same = results.difference("ridge", "ridge", "cosine")
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    far = results.difference("oracle-target", "identity", "cosine")
    draws = results.draws["oracle-target", None, "cosine"] - results.draws["identity", None, "cosine"]
    assert (far.low, far.high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), rel=1e-12)
    assert far.value > 0
    assert far.p == pytest.approx(2 / 61)
    assert results.difference("identity", "oracle-target", "cosine").value == -far.value


@pytest.mark.parametrize(
    ("names", "said"),
    [(("nobody", "ridge", "mmd"), "no bridge 'nobody'"), (("ridge", "c3", "nothing"), "no metric 'nothing'")],
)
def test_difference_of_what_is_not_there(results: Results, names: tuple[str, str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        results.difference(*names)


def test_difference_needs_draws(results: Results) -> None:
    with pytest.raises(InputError, match="no common bootstrap draws"):
        replace(results, draws={}).difference("ridge", "c3", "mmd")


def test_merging_parts_gives_the_whole(study: tuple[Results, Path, PairedEmbeddings]) -> None:
    whole, _, pairs = study
    parts = [run_study(pairs, replace(CONFIG, bridges=names)) for names in (("c3", "ridge"), ("residual-mlp",))]
    merged = parts[0].merge(parts[1])
    pd.testing.assert_frame_equal(merged.pivot().sort_index(), whole.pivot().sort_index())
    order = ["bridge", "metric"]
    shown = [r.summary().sort_values(order, ignore_index=True).drop(columns="seconds") for r in (merged, whole)]
    pd.testing.assert_frame_equal(*shown)


def test_a_sweep_is_merged_under_labels(study: tuple[Results, Path, PairedEmbeddings]) -> None:
    results, _, pairs = study
    other = run_study(pairs, replace(CONFIG, bridges=("ridge",), params={"ridge": {"alpha": 100.0}}))
    with pytest.raises(InputError, match="ridge has two different values"):
        results.merge(other)
    merged = results.merge(other, label="alpha 100")
    assert "ridge [alpha 100]" in merged.pivot().index
    assert merged.difference("ridge [alpha 100]", "ridge", "cosine").value != 0


def test_studies_of_other_data_do_not_merge(results: Results, make_pairs) -> None:  # type: ignore[no-untyped-def]
    other = run_study(make_pairs(seed=1), replace(CONFIG, bridges=("ridge",)))
    with pytest.raises(InputError, match="data content_hash"):
        results.merge(other)


def test_html_escapes(results: Results) -> None:
    frame = results.frame.assign(bridge=results.frame["bridge"].str.replace("ridge", "<b>"))
    page = replace(results, frame=frame)._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b></th>" not in page
    assert "Results(" in repr(results)


def test_a_table_says_why_intervals_and_values_are_missing(make_pairs) -> None:  # type: ignore[no-untyped-def]
    pairs = make_pairs(48, d=40)
    split = np.array(["train"] * 40 + ["val"] * 4 + ["test"] * 4)
    config = StudyConfig(bridges=("mean-shift",), metrics=("cosine", "frechet"), n_resamples=20, device="cpu")
    (note,) = run_study(replace(pairs, split=split), config).notes
    assert "No intervals: 4 clips are too few for one of 95 %; give at least 5." in note
    assert note.startswith("Undefined: frechet: ")
    assert "Intervals: 95 %" not in note
