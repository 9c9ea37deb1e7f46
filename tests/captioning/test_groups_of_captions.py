"""Captions of clips that share an origin are resampled together."""

import csv

import numpy as np
import pytest

from gapkit.captioning.files import read_item_groups
from gapkit.captioning.scores import compare_scores, score_captions, score_systems
from gapkit.errors import InputError

IDS = [f"c{row}" for row in range(24)]
WORDS = ["a", "dog", "barks", "while", "rain", "falls", "on", "the", "old", "tin", "roof", "and", "birds", "sing"]
SAID = {key: " ".join(WORDS[row % 5 : row % 5 + 4]) for row, key in enumerate(IDS)}
OTHER = {key: " ".join(WORDS[row % 3 : row % 3 + 5]) for row, key in enumerate(IDS)}
PEOPLE = {key: [" ".join(WORDS[row % 7 : row % 7 + 5]), "a dog barks"] for row, key in enumerate(IDS)}
OPTIONS = {"scores": ["bleu_2", "rouge_l"], "tokenizer": "words", "draws": 100}
GROUPS = {key: f"g{row // 4}" for row, key in enumerate(IDS)}


def test_clips_that_are_their_own_groups_change_nothing():
    plain, own = (
        score_captions(SAID, PEOPLE, groups=groups, **OPTIONS) for groups in (None, {key: key for key in IDS})
    )
    assert own.corpus.equals(plain.corpus)
    assert own.notes == plain.notes


def test_copies_of_clips_are_worth_no_more_than_one():
    copies = {f"{key}-{copy}": key for key in IDS for copy in range(4)}
    said, people = {name: SAID[key] for name, key in copies.items()}, {n: PEOPLE[key] for n, key in copies.items()}
    alone = score_captions(said, people, **OPTIONS)
    together = score_captions(said, people, groups=copies, **OPTIONS)
    once = score_captions(SAID, PEOPLE, **OPTIONS)
    for name in ("bleu_2", "rouge_l"):
        assert together[name] == pytest.approx(alone[name])
        assert together.draws[name].std() > 1.5 * alone.draws[name].std()
        assert together.draws[name].std() == pytest.approx(once.draws[name].std(), rel=0.3)
    assert any("96 items in 24 groups" in note for note in together.notes)


def test_systems_are_compared_on_the_same_groups():
    found = score_systems({"a": SAID, "b": OTHER}, PEOPLE, groups=GROUPS, **OPTIONS)
    test = compare_scores(*found.values())
    assert np.isfinite(test["low"]).all()
    with pytest.raises(InputError, match="the same groups"):
        compare_scores(found["a"], score_captions(OTHER, PEOPLE, **OPTIONS))


def test_clips_without_a_group_are_named():
    with pytest.raises(InputError, match=r"1 of 24 clips have no group \(first: c5\)"):
        score_captions(SAID, PEOPLE, groups={key: one for key, one in GROUPS.items() if key != "c5"}, **OPTIONS)


def test_two_groups_have_no_interval():
    scores = score_captions(SAID, PEOPLE, groups={key: str(row % 2) for row, key in enumerate(IDS)}, **OPTIONS)
    assert scores.corpus["ci_low"].isna().all()
    assert any("2 groups: an interval needs 3 or more" in note for note in scores.notes)


def test_groups_out_of_a_table(tmp_path):
    with (tmp_path / "g.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file_name", "Group"), *GROUPS.items()])
    assert read_item_groups(tmp_path / "g.csv") == GROUPS
    (tmp_path / "none.csv").write_text("id,caption\nc0,a dog\n")
    assert read_item_groups(tmp_path / "none.csv", asked=False) is None
    with pytest.raises(InputError, match="expected a column 'group'"):
        read_item_groups(tmp_path / "none.csv")
