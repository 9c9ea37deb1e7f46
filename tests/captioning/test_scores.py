"""The scores against pycocoevalcap's own classes, closed forms, and the naive way."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from gapkit.captioning.scores import SCORES, SETS, Tools, compare_scores, score_captions, score_systems, tokenize
from gapkit.captioning.scores.diversity import self_bleu_4, vocabulary
from gapkit.captioning.scores.meteor import Meteor, _plain
from gapkit.captioning.scores.overlap import bleu, rouge_l
from gapkit.captioning.scores.tokens import words_of
from gapkit.errors import InputError
from gapkit.statistics import bootstrap_weights

pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")


def test_overlap_is_that_of_pycocoevalcap(candidates, references):
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    found = score_captions(candidates, references, scores="overlap", tokenizer="words")
    said = {key: [text] for key, text in candidates.items()}
    corpus, clips = Bleu(4).compute_score(references, said, verbose=0)
    for n in range(4):
        assert found[f"bleu_{n + 1}"] == corpus[n]
        assert found.per_clip[f"bleu_{n + 1}"].tolist() == clips[n]
    for name, theirs in (("rouge_l", Rouge()), ("cider_d", Cider())):
        corpus, clips = theirs.compute_score(references, said)
        assert found[name] == pytest.approx(corpus, abs=1e-12)
        assert found.per_clip[name].tolist() == list(clips)


def test_bleu_of_resamples_is_bleu_of_the_resampled_set(candidates, references):
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer

    keys = list(candidates)
    weights = bootstrap_weights(len(keys), 30, seed=1)
    found = bleu([candidates[k] for k in keys], [references[k] for k in keys], weights)
    for place, row in enumerate(weights):
        scorer = BleuScorer(n=4)
        for key, times in zip(keys, row, strict=True):
            for _ in range(int(times)):
                scorer += (candidates[key], references[key])
        expected, _ = scorer.compute_score(option="closest")
        assert [found.draws[f"bleu_{n}"][place] for n in (1, 2, 3, 4)] == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_meteor_of_resamples_is_meteor_of_the_resampled_set(candidates, references, java):
    keys = list(candidates)
    with Meteor(java) as meteor:
        counts = meteor.counts([candidates[k] for k in keys], [references[k] for k in keys])
        per_clip, corpus = meteor.scores(counts)
        assert per_clip[0] == 1.0  # a reference, word for word
        weights = np.concatenate([np.ones((1, 4), np.float32), bootstrap_weights(4, 8, seed=1)])
        draws = meteor.resampled(counts, weights)
        assert draws[0] == corpus
        for row, draw in zip(weights, draws, strict=True):
            assert draw == pytest.approx(meteor.scores(np.repeat(counts, row.astype(int), axis=0))[1], rel=1e-12)


def test_the_ptb_tokenizer_is_that_of_pycocoevalcap(java):
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    texts = [
        "A dog's bark -- twice!", 'He says: "well-known", isn\'t it?', "3.5 seconds (about)", "rain; wind... thunder",
        "=1+1", "café été", "", "3 1/2 dogs on 10 3/4 roofs", "3\xa01/2 dogs", "rain\xa0falls",
        "a\tdog  barks", "\u2003rain",
    ]  # fmt: skip
    theirs = PTBTokenizer().tokenize({place: [{"caption": text}] for place, text in enumerate(texts)})
    assert list(tokenize(texts, "ptb", java=java).values()) == [theirs[place][0] for place in range(len(texts))]


def test_line_breaks_shift_no_caption_and_no_locale_spoils_accents(java, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    texts = [
        "a dog\nbarks",
        "a dog\u2028barks\r\n",
        "été à la mer",
        "犬が吠える",
        "лает собака",
        "\x85rain\x0bfalls\x0c",
    ]
    assert list(tokenize(texts, "ptb", java=java).values()) == [
        "a dog barks", "a dog barks", "été à la mer", "犬が吠える", "лает собака", "rain falls",
    ]  # fmt: skip


@pytest.mark.parametrize("blank", ["\xa0", "\u2003", "\u3000"])
def test_a_blank_inside_a_token_parts_no_word_in_any_score(blank):
    """The PTB token of "3 1/2" holds a no-break space: pycocoevalcap parts the words of ROUGE-L at " " alone."""
    from pycocoevalcap.rouge.rouge import Rouge

    said = [f"rain is falling on 3{blank}1/2 roofs", "a dog barks"]
    references = [["rain falls on a roof", "heavy rain is falling"], ["a dog barks twice", "a dog is barking"]]
    keys = range(len(said))
    given = [dict(zip(keys, references, strict=True)), {key: [said[key]] for key in keys}]
    assert rouge_l(said, references).per_clip["rouge_l"].mean() == pytest.approx(Rouge().compute_score(*given)[0])
    assert words_of(said[0]) == ["rain", "is", "falling", "on", f"3{blank}1/2", "roofs"]
    assert vocabulary(said, references).per_clip["words"].tolist() == [6, 3]
    assert _plain(f" 3{blank}1/2 |||\ta\nroof") == f"3{blank}1/2 a roof"  # METEOR's line


def test_mixed_fractions_score_as_in_pycocoevalcap(java):
    references = {"a": ["rain falls on a roof", "heavy rain is falling", "it rains hard"], "b": ["a dog barks twice"]}
    said = {"a": "rain is falling on 3 1/2 roofs", "b": "a dog barks"}
    references["b"].append("a dog is barking")
    found = score_captions(said, references, scores="rouge_l", draws=0, tools=Tools(java=java))
    assert found["rouge_l"] == pytest.approx(0.7290327089740005)


def test_diversity_in_closed_form():
    said = {"a": "a dog barks", "b": "a dog barks", "c": "A cat, a cat!"}
    found = score_captions(
        said, {key: ["a dog barks at a cat"] for key in said}, scores="diversity", tokenizer="words",
        training=["A cat a cat", "rain"],
    )  # fmt: skip
    assert found["vocabulary"] == 4
    assert found["vocabulary_ratio"] == 4 / 5
    assert found["distinct_1"] == 4 / 10
    assert found["distinct_2"] == 4 / 7
    assert found["distinct_captions"] == 2 / 3
    assert found["words"] == 10 / 3
    assert found["novelty"] == pytest.approx(2 / 3)
    assert found.per_clip["novelty"].tolist() == [1, 1, 0]
    assert math.isnan(found.corpus.set_index("score").loc["vocabulary", "ci_low"])


def test_self_bleu_against_the_naive_way():
    from pycocoevalcap.bleu.bleu import Bleu

    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcd"), size=rng.integers(1, 9))) for _ in range(25)]
    texts += [texts[0], "x y z w v", ""]
    found = self_bleu_4(texts).per_clip["self_bleu_4"]
    for place, text in enumerate(texts):
        others = texts[:place] + texts[place + 1 :]
        _, clips = Bleu(4).compute_score({0: others}, {0: [text]}, verbose=0)
        assert found[place] == pytest.approx(clips[3][0], abs=1e-12)
    assert found[0] > found[-2]


def test_intervals_and_paired_tests(counting_java, references):
    keys = [f"{key}{i}" for i in range(15) for key in references]
    many = {key: references[key[0]] for key in keys}
    good = {key: many[key][int(key[1:]) % 2] for key in keys}
    bad = dict.fromkeys(keys, "a man speaks")
    found = score_systems(
        {"good": good, "bad": bad}, many, scores=["overlap", "meteor", "words"], tokenizer="words", draws=1000,
        tools=tools(counting_java),
    )  # fmt: skip
    for row in found["good"].corpus.itertuples():
        assert row.ci_low <= row.value <= row.ci_high
        assert row.n == 60
    test = compare_scores(found["good"], found["bad"]).set_index("score")
    assert list(test.index) == [name for name in SCORES if name in {*SETS["overlap"], "meteor", "words"}]
    assert (test.loc["bleu_1":"cider_d", "better"] == "a").all()
    assert test.loc["words", "better"] == ""  # neither direction is better
    assert (test["p_holm"] >= test["p"]).all()
    back = compare_scores(found["bad"], found["good"], "cider_d").iloc[0]
    assert back["better"] == "b"
    assert back["difference"] == -test.loc["cider_d", "difference"]
    same = compare_scores(found["good"], found["good"], ["bleu_1", "rouge_l"])
    assert (same["p"] == 1).all()
    assert (same["better"] == "").all()


def test_a_system_scores_alone_as_beside_others_and_twice_the_same(counting_java, candidates, references):
    options = {"scores": ["default"], "tools": tools(counting_java), "draws": 50, "seed": 3}
    other = dict.fromkeys(references, "rain falls")
    together = score_systems({"x": candidates, "y": other}, references, **options)["x"]
    alone = score_captions(candidates, references, **options)
    again = score_captions(candidates, references, **options)
    assert together.to_json() == alone.to_json() == again.to_json()
    assert all((together.draws[name] == alone.draws[name]).all() for name in alone.draws)
    wider = score_captions(candidates, references, **(options | {"confidence": 0.5}))
    assert (wider.corpus["ci_high"] - wider.corpus["ci_low"]).sum() < (
        alone.corpus["ci_high"] - alone.corpus["ci_low"]
    ).sum()


def test_two_systems_need_not_list_the_clips_in_one_order(candidates, references):
    options = {"scores": "overlap", "tokenizer": "words", "draws": 20}
    turned = dict(reversed(candidates.items()))
    found = score_systems({"x": candidates, "y": turned}, references, **options)
    assert found["x"].to_json() == found["y"].to_json() == score_captions(candidates, references, **options).to_json()
    assert set(compare_scores(found["x"], found["y"])["difference"]) == {0}


def test_clips_that_all_systems_have(candidates, references):
    options = {"scores": "overlap", "tokenizer": "words", "draws": 20, "common": True}
    one, *rest = candidates
    fewer = {key: candidates[key] for key in reversed(rest)}
    found = score_systems({"x": fewer, "y": candidates}, references, **options)
    assert list(found["x"].per_clip.index) == list(found["y"].per_clip.index) == list(fewer)
    assert set(compare_scores(found["x"], found["y"])["difference"]) == {0}
    told = f"1 candidates that another system lacks were left out (first: {one!r})"
    assert (told in found["x"].notes, told in found["y"].notes) == (False, True)
    with pytest.raises(InputError, match="candidates of x, y: expected clips that all have, got none"):
        score_systems({"x": {one: "rain"}, "y": fewer}, references, **options)


def test_systems_may_have_references_of_their_own(candidates, references):
    options = {"scores": "overlap", "tokenizer": "words", "draws": 20}
    fewer = {key: said[:1] for key, said in references.items()}
    found = score_systems(dict.fromkeys("xy", candidates), {"x": references, "y": fewer}, **options)
    assert found["x"].to_json() == score_captions(candidates, references, **options).to_json()
    assert found["y"].to_json() == score_captions(candidates, fewer, **options).to_json()


def test_comparing_what_cannot_be_compared(candidates, references):
    def scored(said=candidates, **options):
        return score_captions(said, references, **({"scores": "overlap", "tokenizer": "words", "draws": 20} | options))

    base = scored()
    with pytest.raises(InputError, match="same clips"):
        compare_scores(base, scored({key: candidates[key] for key in "abc"}, common=True))
    for other in ({"draws": 30}, {"seed": 1}):
        with pytest.raises(InputError, match="other resamples of the clips"):
            compare_scores(base, scored(**other))
    with pytest.raises(InputError, match="other tokenizers or backends"):
        compare_scores(base, dataclasses.replace(base, tokenizer="another"))
    with pytest.raises(InputError, match="no score that both"):
        compare_scores(base, scored(draws=0))
    with pytest.raises(InputError, match="spice: was not asked for"):
        compare_scores(base, base, "spice")


def test_names():
    with pytest.raises(InputError, match="did you mean meteor"):
        score_captions({"a": "x"}, {"a": ["x"]}, scores="metoer")
    with pytest.raises(InputError, match="no caption score"):
        score_captions({"a": "x"}, {"a": ["x"]}, scores=[])
    with pytest.raises(InputError, match="tokenizer: expected one of ptb, words"):
        score_captions({"a": "x"}, {"a": ["x"]}, tokenizer="moses")


def tools(java):
    from gapkit.captioning.scores import Tools

    return Tools(java=java)
