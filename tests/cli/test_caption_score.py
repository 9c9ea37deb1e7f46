"""`gapkit caption score`: a table, files, and one line for what is wrong."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")

REFERENCES = {
    "-a": ["a dog barks in the rain", "a dog is barking while it rains"],
    "b": ["a car passes by on a wet road", "a car drives past"],
    "c": ["birds sing in the trees", "birds are singing and a man speaks"],
}
OVERLAP = ("--scores", "overlap", "--tokenizer", "words", "--draws", 50)
CANDIDATES = {"-a": "a dog barks in the rain", "b": "a car passes by", "c": "birds sing"}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "said.json").write_text(json.dumps(CANDIDATES))
    (tmp_path / "worse.json").write_text(json.dumps(dict.fromkeys(CANDIDATES, "a man speaks")))
    (tmp_path / "refs.json").write_text(json.dumps(REFERENCES))
    return tmp_path


def test_a_table(cli, files):
    answer = cli("caption", "score", files / "said.json", files / "refs.json", *OVERLAP)
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()[2:]] == [
        "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D",
    ]  # fmt: skip
    assert "gapkit: tokenizer: words: lower case" in answer.err


def test_files_and_json(cli, files):
    answer = cli("caption", "score", files / "said.json", files / "refs.json", "--scores", "overlap,diversity",
                 "--tokenizer", "words", "--draws", 50, "--json", "-o", files / "scores.csv", "--per-clip",
                 files / "clips.csv", "--training", files / "refs.json")  # fmt: skip
    assert answer.code == 0
    found = json.loads(answer.out)
    values = {row["score"]: row["value"] for row in found["scores"]}
    assert values["novelty"] == pytest.approx(2 / 3)
    assert found["absent"] == {}
    assert found["tokenizer"].startswith("words")
    with (files / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["score"]: float(row["value"]) for row in rows} == values
    with (files / "clips.csv").open(newline="") as file:
        clips = list(csv.DictReader(file))
    assert [row["id"] for row in clips] == ["'-a", "b", "c"]
    assert float(clips[0]["rouge_l"]) == 1
    again = cli("caption", "score", files / "said.json", files / "refs.json", *OVERLAP, "-o", files / "scores.json",
                "--per-clip", files / "clips.json", "-q")  # fmt: skip
    assert again.code == 0
    assert again.err == ""
    assert json.loads((files / "clips.json").read_text())["-a"]["rouge_l"] == 1
    stored = {row["score"]: row["value"] for row in json.loads((files / "scores.json").read_text())["scores"]}
    assert stored["cider_d"] == values["cider_d"]


def test_against_another_system(cli, files):
    common = ("caption", "score", files / "said.json", files / "refs.json", *OVERLAP, "--against")
    answer = cli(*common, files / "worse.json")
    assert answer.code == 0
    assert "p (Holm)" in answer.out
    answer = cli(*common, files / "said.json", "--json")
    assert {row["difference"] for row in json.loads(answer.out)["against"]} == {0}


def test_the_other_system_may_list_its_clips_otherwise_and_have_more(cli, files):
    (files / "some.csv").write_text("id,caption\nc,birds sing\n-a,a dog barks in the rain\n")
    common = ("caption", "score", files / "some.csv", files / "refs.json", *OVERLAP, "--against", files / "said.json")
    assert cli(*common).code == 2  # a clip is missing, and nobody said that it may be
    answer = cli(*common, "--common", "--json")
    assert answer.code == 0
    assert {row["difference"] for row in json.loads(answer.out)["against"]} == {0}
    assert "1 candidates that another system lacks were left out (first: 'b')" in answer.err


def test_a_test_in_json_has_every_digit():
    """A p-value of 2e-12 is not 0."""
    from gapkit.cli.printing import records_of

    rows = records_of(pd.DataFrame({"score": ["cider_d"], "p": [2e-12], "low": [np.nan], "n": [3]}))
    assert json.dumps(rows) == '[{"score": "cider_d", "p": 2e-12, "low": null, "n": 3}]'


def test_a_test_needs_resamples(cli, files):
    answer = cli("caption", "score", files / "said.json", files / "refs.json", *OVERLAP[:-1], 0, "--against",
                 files / "worse.json")  # fmt: skip
    assert answer.code == 2
    assert "--against: the test resamples clips; give --draws of at least 1" in answer.err


def test_absent_scores_are_told_and_missed_where_they_were_named(cli, files, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    common = ("--tokenizer", "words", "--draws", 20)
    answer = cli("caption", "score", files / "said.json", files / "refs.json", *common)
    assert answer.code == 0
    assert "gapkit: absent: METEOR: Java is not installed; install" in answer.err
    assert "gapkit: absent: FENSE: needs sbert_sim: the sentence encoder of FENSE is not here" in answer.err
    answer = cli("caption", "score", files / "said.json", files / "refs.json", *common, "--scores", "overlap,meteor")
    assert answer.code == 1
    assert "CIDEr-D" in answer.out
    answer = cli("caption", "score", files / "said.json", files / "refs.json", "--draws", 20)
    assert answer.code == 1  # no Java, no tokenizer, no score
    assert "absent: BLEU-4: Java is not installed" in answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["said.json", "missing.csv"], "missing.csv: cannot be opened"),
        (["said.json", "refs.json", "--scores", "metoer"], "unknown caption score 'metoer': did you mean meteor"),
        (["said.json", "refs.json", "--tokenizer", "moses"], "tokenizer: expected one of ptb, words, got 'moses'"),
        (["said.json", "refs.json", "-o", "scores.xlsx"], "expected a file name that ends in .csv or .json, got .xlsx"),
        (["said.json", "refs.json", "--confidence", "2"], "level must lie between 0 and 1"),
        (["refs.json", "refs.json"], "id '-a' has a second caption"),
        (["said.json", "refs.json", "--scores", "minilm_sim", "--device", "gpu"], "device 'gpu' cannot be used"),
    ],
)
def test_mistakes_are_one_line(cli, files, monkeypatch, arguments, words):
    monkeypatch.chdir(files)
    answer = cli("caption", "score", *arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert words in answer.err


def test_help(cli):
    answer = cli("caption", "--help")
    assert answer.code == 0
    assert "score" in answer.out
    assert "CANDIDATES" in cli("caption", "score", "--help").out
