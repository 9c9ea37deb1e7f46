import json

import numpy as np
import pytest

from gapkit.cli.inspect import run_inspect
from gapkit.embeddings import PairedEmbeddings


def pairs(**changes):
    rng = np.random.default_rng(0)
    return PairedEmbeddings(
        **{"source": rng.normal(size=(40, 8)), "target": rng.normal(size=(40, 8)), "name": "my [clips]", **changes}
    )


@pytest.fixture
def plain_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("plain_terminal")
def test_tables_and_problems_in_words(capsys):
    assert run_inspect(pairs(split=["train"] * 30 + ["test"] * 10), as_json=False) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "my [clips]: 40 clips, 40 target rows" in out
    assert "splits: train 30, test 10" in out
    assert "centroid distance" in out
    assert "warning: source: rows are not normalised" in out
    assert max(map(len, out.splitlines()[:20])) <= 100


@pytest.mark.usefixtures("plain_terminal")
def test_errors_give_exit_code_2(capsys):
    x = np.random.default_rng(1).normal(size=(40, 8))
    x[3] = np.nan
    assert run_inspect(pairs(source=x), as_json=False) == 2
    assert "error: source: 1 of 40 rows hold NaN or infinity (first: 3)" in capsys.readouterr().out
    assert run_inspect(pairs(source=x), as_json=True) == 2


@pytest.mark.usefixtures("plain_terminal")
def test_nothing_to_complain_about(capsys):
    x = np.concatenate([np.eye(8), -np.eye(8)])
    near = (x + 0.1 * np.roll(x, 1, axis=1)) / np.sqrt(1.01)
    assert run_inspect(PairedEmbeddings(x, near), as_json=False) == 0
    assert "nothing wrong found" in capsys.readouterr().out


@pytest.mark.usefixtures("plain_terminal")
def test_no_pair_that_can_be_measured(capsys):
    assert run_inspect(PairedEmbeddings(np.zeros((3, 2)), np.ones((3, 2))), as_json=False) == 2
    assert "undefined" in capsys.readouterr().out


def test_json_is_one_object_and_nothing_else(capsys):
    assert run_inspect(pairs(target=np.zeros((40, 8))), as_json=True) == 2
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert found["name"] == "my [clips]"
    assert found["gap"] is None
    assert found["target"]["norm_mean"] is None
    assert found["problems"][0]["severity"] == "error"
