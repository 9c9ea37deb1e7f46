import numpy as np
import pytest

from gapkit.checks import inspect_pairs
from gapkit.embeddings import PairedEmbeddings


def clouds(n=60, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 8))
    x, y = (z + 0.5 * rng.normal(size=z.shape) for _ in range(2))
    return tuple(v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))


def told(pairs):
    return [p.message.split(";")[0] for p in inspect_pairs(pairs).problems if p.kind in ("copies", "names")]


def captions(n=60):
    return [f"caption {k}" for k in range(n)]


IDS = [f"clip{k}" for k in range(60)]


def test_a_copied_pair_is_told_once_with_its_caption():
    x, y = clouds()
    texts = captions()
    for copy, first in ((10, 5), (20, 5), (30, 7), (40, 7)):
        x[copy], y[copy], texts[copy] = x[first], y[first], texts[first]
    head = "pairs: 4 of 60 items repeat an earlier item in source and target"
    assert told(PairedEmbeddings(x, y, captions=texts)) == [f"{head} (first: 10 is 5, 20 is 5, 30 is 7)"]
    named = PairedEmbeddings(x, y, captions=texts, ids=IDS)
    assert told(named) == [f"{head} (first: clip10 is clip5, clip20 is clip5, clip30 is clip7)"]
    found = inspect_pairs(named)
    assert found.copied_pairs == found.source.duplicates == found.target.duplicates == found.repeated_captions == 4


@pytest.mark.parametrize("side", ["source", "target"])
def test_copies_of_one_side_alone(side):
    sides = dict(zip(("source", "target"), clouds(), strict=True))
    sides[side][[10, 20]] = sides[side][5]
    assert told(PairedEmbeddings(**sides)) == [f"{side}: 2 of 60 rows repeat an earlier row (first: 10 is 5, 20 is 5)"]


def test_pairs_and_sides_are_counted_apart():
    x, y = clouds()
    x[10], y[10] = x[5], y[5]
    x[20], y[30] = x[6], y[7]
    assert told(PairedEmbeddings(x, y)) == [
        "pairs: 1 of 60 items repeat an earlier item in source and target (first: 10 is 5)",
        "source: 1 of 60 rows repeat an earlier row (first: 20 is 6)",
        "target: 1 of 60 rows repeat an earlier row (first: 30 is 7)",
    ]


def test_the_same_rows_crossed_are_no_copied_pair():
    """Source 10 is source 5 and target 10 is target 6: a copy on each side, of no pair."""
    x, y = clouds()
    x[10], y[10] = x[5], y[6]
    assert [message.split(":")[0] for message in told(PairedEmbeddings(x, y))] == ["source", "target"]


@pytest.mark.parametrize(("copied", "words"), [((0, 1), "pairs: 1 of 30"), ((0,), "source: 1 of 30")])
def test_an_item_of_several_targets_is_a_copy_where_all_of_them_are(copied, words):
    x, y = clouds()
    owner = np.repeat(np.arange(30), 2)
    x = x[:30]
    x[9] = x[4]
    for k in copied:
        y[18 + k] = y[8 + k]
    messages = told(PairedEmbeddings(x, y, owner=owner))
    assert messages[0].startswith(words)
    assert len(messages) == 3 - len(copied)


def test_a_caption_that_repeats_without_its_row():
    x, y = clouds()
    texts = captions()
    texts[9] = texts[4] = texts[1]
    y[9] = y[1]
    assert told(PairedEmbeddings(x, y, captions=texts)) == [
        "target: 1 of 60 rows repeat an earlier row (first: 9 is 1)",
        "captions: 1 repeat an earlier caption (first: 4 is 1)",
    ]


def test_ids_that_stand_twice():
    x, y = clouds(6)
    assert told(PairedEmbeddings(x, y, ids=list("aabcdb"))) == ["ids: 2 of 6 repeat an earlier id (first: a, b)"]


def test_long_ids_are_shortened():
    x, y = clouds()
    x[3] = x[1]
    ids = [f"{'folder/' * 20}{k}.wav" for k in range(60)]
    (message,) = told(PairedEmbeddings(x, y, ids=ids))
    assert message.endswith("(first: …lder/folder/folder/folder/3.wav is …lder/folder/folder/folder/1.wav)")


def test_broken_rows_are_no_copies():
    x, y = clouds()
    x[[3, 4]], y[[3, 4]] = np.nan, 0
    assert told(PairedEmbeddings(x, y)) == []
