"""Bridges on growing parts of the pairs: nested parts, resumable, few pairs, and the table that comes out."""

from dataclasses import replace

import numpy as np
import pytest

from gapkit.cli.main import run
from gapkit.comparison import Results, StudyConfig, open_run
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import save_pairs
from gapkit.study.progress import Silent
from gapkit.tuning import closure, pairs_curve
from gapkit.tuning.pairs_curve import checked_counts
from gapkit.tuning.scoring import CLOSURE

CONFIG = StudyConfig(bridges=("coral", "ridge"), n_resamples=60, threads=1)


class Heard(Silent):
    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)

    def start(self, total):
        self.lines.append(f"{total} cells")


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((150, 8))
    x, y = (meaning + 0.4 * rng.standard_normal((150, 8)) for _ in range(2))
    split = np.repeat(["train", "val", "test"], [90, 10, 50])
    return PairedEmbeddings(x + 2, y @ np.diag(np.linspace(0.5, 2, 8)), split=split, ids=[f"{i}" for i in range(150)])


@pytest.fixture(scope="module")
def curve(pairs, tmp_path_factory):
    folder, heard = tmp_path_factory.mktemp("curve"), Heard()
    return folder, pairs_curve(pairs, [5, "30", "all"], CONFIG, out=folder, progress=heard), heard.lines


def test_each_part_holds_the_smaller_ones_and_the_test_items_stay(pairs, curve):
    folder, found, _ = curve
    assert found.frame["pairs"].unique().tolist() == [5, 30, 90]
    rows = [set(map(tuple, _fitted(folder, pairs, number))) for number in (5, 30, 90)]
    assert [len(own) for own in rows] == [5, 30, 90]
    assert rows[0] < rows[1] < rows[2]


def _fitted(folder, pairs, number):
    run = Results.read(folder / f"pairs-{number}")
    assert run.study["data"]["fit_clips"] == number
    assert run.study["data"]["test_clips"] == 50
    order = np.random.default_rng([0, 6]).permutation(90)[:number]
    part = pairs.take(np.sort(np.concatenate([order, np.arange(90, 150)])))
    opened = open_run(folder / f"pairs-{number}", part)
    return opened.parts.fit.source


def test_the_numbers_are_those_of_the_studies(curve):
    folder, found, _ = curve
    wide = Results.read(folder / "pairs-30").pivot()
    row = found.frame.set_index(["pairs", "bridge"]).loc[30, "coral"]
    values, start = (dict(wide.loc[name, list(CLOSURE)]) for name in ("coral", "identity"))
    assert row["closed"] == pytest.approx(closure(values, start))
    assert row["kept"] == pytest.approx(wide.loc["coral", "recall@10"] / wide.loc["identity", "recall@10"])
    assert row["closed_low"] <= row["closed"] <= row["closed_high"]


def test_fewer_pairs_than_dimensions_are_told(curve):
    _, found, said = curve
    assert "5 pairs are fewer than the 8 dimensions: what is fitted is partly chance" in said
    assert [line for line in said if line.endswith(" cells")] == ["24 cells"]  # three parts of six anchors and two
    assert not any(line.startswith("30 pairs are fewer") for line in said)
    assert found.frame.loc[found.frame["pairs"] == 90, "enough"].all()
    assert len(found.sentences) == len(found.frame["bridge"].unique())


def test_it_goes_on_where_it_was(pairs, curve, monkeypatch):
    folder, found, _ = curve
    monkeypatch.setattr("gapkit.comparison.grid.fit_bridge", None)  # a second fit would fail
    again = pairs_curve(pairs, [5, 30, 90], CONFIG, out=folder)
    assert again.frame.equals(found.frame)


def test_pairs_without_splits_are_divided_once(pairs, tmp_path):
    config = replace(CONFIG, bridges=("coral",), n_resamples=0)
    found = pairs_curve(replace(pairs, split=None), [10, 40], config, out=tmp_path)
    sizes = {Results.read(tmp_path / f"pairs-{n}").study["data"]["test_clips"] for n in (10, 40)}
    assert len(sizes) == 1
    assert found.sentences == []  # without draws nothing can be said


def test_the_usual_numbers_as_far_as_there_are_pairs():
    assert checked_counts(None, 852) == [100, 300, 852]
    assert checked_counts(None, 90) == [90]


@pytest.mark.parametrize("count", [1, 91, "some", -3, "2.5"])
def test_numbers_that_the_fit_split_does_not_hold(pairs, count, tmp_path):
    with pytest.raises(InputError, match=r"pairs: expected whole numbers from 2 to 90 \(the fit split\), or all, got"):
        pairs_curve(pairs, [count], CONFIG, out=tmp_path)


def test_the_command_writes_table_and_figure(pairs, tmp_path, capsys):
    save_pairs(pairs, tmp_path / "pairs.npz")
    out = tmp_path / "out"
    given = ["--pairs", "20,all", "--bridges", "coral", "--resamples", "20", "--out", str(out)]
    assert run(["curve", str(tmp_path / "pairs.npz"), *given]) == 0
    shown = capsys.readouterr().out
    assert "coral" in shown
    assert "90" in shown
    assert (out / "curve.pdf").stat().st_size > 1000
    assert (out / "curve.csv").read_text().splitlines()[0].startswith("pairs,bridge,closed")
