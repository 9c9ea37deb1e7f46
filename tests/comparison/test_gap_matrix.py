"""Several modalities: every pair is measured as it would be alone, joined by id, and what cannot be joined is told."""

import json

import numpy as np
import pytest
from scipy.stats import permutation_test, spearmanr

from gapkit.cli.main import run
from gapkit.comparison import gap_matrix
from gapkit.errors import InputError
from gapkit.metrics import measure

N, D = 40, 6
IDS = np.array([f"item {i}" for i in range(N)])
RNG = np.random.default_rng(0)
MEANING = RNG.standard_normal((N, D))
ROWS = {name: MEANING + noise * RNG.standard_normal((N, D)) + shift for name, noise, shift in (
    ("audio", 0.2, 0.0), ("text", 0.5, 1.0), ("image", 0.9, 2.0), ("touch", 1.4, 3.0),
)}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """Writes modalities: named, in an order of their own, and as told otherwise."""

    def write(**given):
        found = []
        for place, (name, rows) in enumerate(ROWS.items()):
            order = np.random.default_rng(place).permutation(N)
            arrays = {"source": rows[order], "ids": IDS[order], **given.get(name, {})}
            np.savez(tmp_path / f"{name}.npz", **{key: value for key, value in arrays.items() if value is not None})
            found.append(str(tmp_path / f"{name}.npz"))
        return found

    return write


def test_each_pair_is_measured_as_alone(files):
    found = gap_matrix(files()[:3], metrics=("cosine", "mmd"), n_resamples=0)
    assert found.names == ("audio", "text", "image")
    assert found.joined == "id"
    table = found.frame.set_index(["first", "second", "metric"])["value"]
    names = ["cosine", "mmd", "recall@10", "recall-back@10"]
    order = np.random.default_rng(0).permutation(N)  # that of the first file
    alone = measure(ROWS["audio"][order], ROWS["image"][order], names, normalise=True, n_resamples=0)
    for name in names:
        assert table["audio", "image", name] == pytest.approx(alone[name].value, abs=1e-6)
    both = (alone["recall@10"].value + alone["recall-back@10"].value) / 2
    assert table["audio", "image", "retrieval"] == pytest.approx(both)


def test_three_modalities_are_too_few_to_predict_and_four_are_not(files):
    every = files()
    few = gap_matrix(every[:3], metrics=("cosine",), n_resamples=0).prediction.iloc[0]
    assert (few["pairs"], few["said"]) == (3, "too few pairs of modalities to tell (3, of 6)")
    assert np.isnan(few["p"])
    found = gap_matrix(every, metrics=("cosine",), n_resamples=0)
    enough, table = found.prediction.iloc[0], found.frame
    assert (enough["pairs"], enough["said"]) == (6, "")
    gap, retrieval = (table.loc[table["metric"] == name, "value"] for name in ("cosine", "retrieval"))
    assert enough["spearman"] == pytest.approx(spearmanr(gap, retrieval).statistic)
    exact = permutation_test(
        (gap.to_numpy(),), lambda x: spearmanr(x, retrieval).statistic, permutation_type="pairings", n_resamples=np.inf
    )
    assert enough["p"] == pytest.approx(min(exact.pvalue, 1), abs=0.02)


FAULTS = {
    "has no ids, and other modalities have": {"text": {"ids": None}},
    "expected the 40 items of .*, got 40; 'item 0' is in one alone": {
        "text": {"ids": np.where(IDS == "item 0", "other", IDS)}
    },
    r"text.npz.*'item 1' at rows": {"text": {"ids": np.where(IDS == "item 2", "item 1", IDS)}},
    "expected 6 dimensions as in .*, got 5": {"text": {"source": ROWS["text"][:, :5]}},
}


@pytest.mark.parametrize("said", FAULTS)
def test_what_cannot_be_joined_is_one_line(files, said):
    with pytest.raises(InputError, match=said) as caught:
        gap_matrix(files(**FAULTS[said])[:3], n_resamples=0)
    assert "\n" not in str(caught.value)


def test_without_any_ids_rows_are_joined_by_place_and_one_is_no_pair(files):
    nameless = files(**{name: {"ids": None} for name in ROWS})
    assert gap_matrix(nameless[:2], metrics=("cosine",), n_resamples=0).joined == "place"
    with pytest.raises(InputError, match="expected at least 2 modalities, got 1"):
        gap_matrix(nameless[:1])
    with pytest.raises(InputError, match="given twice"):
        gap_matrix([nameless[0], nameless[0]])


def test_the_command(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    given = ["--metrics", "cosine,mmd", "--resamples", "0"]
    assert run(["matrix", *files(), *given, "--out", str(tmp_path / "m.png")]) == 0
    shown = capsys.readouterr()
    assert "audio - text" in shown.out
    assert "40 items, joined by id" in shown.err
    assert (tmp_path / "m.png").stat().st_size > 1000
    assert run(["matrix", *files(), *given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["modalities"] == list(ROWS)
