import dataclasses

import numpy as np
import pytest

from gapkit.checks import inspect_pairs
from gapkit.datasets import dataset_names, load_dataset
from gapkit.embeddings import PairedEmbeddings
from gapkit.files import load_pairs

N = 120


def clouds(n=N, d=16, seed=0, targets=1):
    """Pairs with a wide gap between their sides."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, d))
    gap = 4 * np.eye(d)[0]
    x = z + 0.5 * rng.normal(size=(n, d)) + gap
    y = np.repeat(z, targets, axis=0) + 0.5 * rng.normal(size=(n * targets, d)) - gap
    return tuple(v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))


def pairing(pairs):
    return [p.message for p in inspect_pairs(pairs).problems if p.kind == "pairing"]


AS_TEXT = np.argsort([str(i) for i in range(N)])

WRONG = {
    "shifted": (np.roll(np.arange(N), 1), "the target comes 1 item too late"),
    "shifted back": (np.roll(np.arange(N), -1), "the target comes 1 item too early"),
    "shifted by three": (np.roll(np.arange(N), 3), "the target comes 3 items too late"),
    "reversed": (np.arange(N)[::-1], "one side is in reverse order"),
    "sorted as text": (AS_TEXT, "the target is sorted by the row numbers as text, the source is not"),
    "the source sorted as text": (
        np.argsort(AS_TEXT),
        "the source is sorted by the row numbers as text, the target is not",
    ),
    "shuffled": (np.random.default_rng(5).permutation(N), ""),
    "shifted far": (np.roll(np.arange(N), 40), ""),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_order_is_told_and_named_where_it_is_known(name, seed):
    order, words = WRONG[name]
    x, y = clouds(seed=seed)
    (message,) = pairing(PairedEmbeddings(x, y[order]))
    assert message.startswith("pairs are no nearer than unrelated rows (p = ")
    assert "are both sides in one order?" in message
    assert message.endswith(f"It looks as if {words}" if words else "in one order?")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_order_inside_a_split(name):
    """Each split is tested by itself: that its items are nearer to each other than to other splits is no pairing."""
    order, _ = WRONG[name]
    x, y = clouds()
    away = np.zeros((2 * N, 16))
    away[:N, 1] = 3
    pairs = PairedEmbeddings(
        np.concatenate([x, x]) + away,
        np.concatenate([y[order], y[order]]) + away,
        split=["train"] * N + ["test"] * N,
    )
    assert len(pairing(pairs)) == 1


@pytest.mark.parametrize("n", [2, 3, 5, 7, 8, 20, N])
@pytest.mark.parametrize("seed", range(5))
def test_true_pairs_give_no_warning(n, seed):
    x, y = clouds(n, seed=seed)
    assert pairing(PairedEmbeddings(x, y)) == []


@pytest.mark.parametrize("n", range(2, 8))
def test_few_items_give_no_warning_in_any_order(n):
    x, y = clouds(n)
    found = inspect_pairs(PairedEmbeddings(x, np.roll(y, 1, axis=0)))
    assert found.pairing is None
    assert found.problems == ()


def test_a_gap_of_any_size_changes_nothing():
    x, y = clouds()
    order = WRONG["shuffled"][0]
    for gap in (0.0, 10.0):
        moved = y + gap * np.eye(16)[1]
        assert pairing(PairedEmbeddings(x, moved)) == []
        assert len(pairing(PairedEmbeddings(x, moved[order]))) == 1


def test_p_of_unrelated_rows_is_uniform():
    """An exact test: a share of about a tenth lies below a tenth."""
    rng = np.random.default_rng(1)
    found = [inspect_pairs(PairedEmbeddings(rng.normal(size=(12, 4)), rng.normal(size=(12, 4)))) for _ in range(200)]
    p = np.asarray([f.pairing.p for f in found if f.pairing is not None])
    assert len(p) == 200
    assert 0.04 < (p <= 0.1).mean() < 0.17
    assert 0.4 < (p <= 0.5).mean() < 0.6


@pytest.mark.parametrize("layout", ["round by round", "item by item"])
def test_several_targets_of_an_item_in_the_other_layout(layout):
    x, y = clouds(40, targets=3)
    by_item, by_round = np.repeat(np.arange(40), 3), np.tile(np.arange(40), 3)
    rows = np.argsort(by_round, kind="stable")
    if layout == "round by round":
        y, given, right = y[np.argsort(rows)], by_item, by_round
    else:
        given, right = by_round, by_item
    (message,) = pairing(PairedEmbeddings(x, y, owner=given))
    assert f"the targets go {layout}" in message
    assert pairing(PairedEmbeddings(x, y, owner=right)) == []


def test_ids_and_captions_by_which_one_side_was_sorted():
    x, y = clouds()
    rng = np.random.default_rng(2)
    ids = [f"clip{k:03}" for k in rng.permutation(N)]
    captions = [f"caption {k:03}" for k in rng.permutation(N)]
    by_id, by_caption = np.argsort(ids), np.argsort(captions)
    (message,) = pairing(PairedEmbeddings(x, y[by_id], ids=ids))
    assert message.endswith("the target is sorted by the ids, the source is not")
    (message,) = pairing(PairedEmbeddings(x[by_caption], y, captions=captions))
    assert message.endswith("the source is sorted by the captions, the target is not")
    # Captions that were sorted together with their embeddings: nothing tells the order that they had.
    (message,) = pairing(PairedEmbeddings(x, y[by_caption], ids=ids, captions=np.sort(captions)))
    assert message.endswith("The captions stand in alphabetical order and the ids do not")


def test_a_shift_among_items_of_one_kind():
    """Neighbours are alike, so that shifted pairs are nearer than chance: the better order tells them apart."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(rng.normal(size=(12, 16)), 10, axis=0)
    z = kinds + 0.5 * rng.normal(size=kinds.shape)
    x, y = (z + 0.2 * rng.normal(size=z.shape) for _ in range(2))
    (message,) = pairing(PairedEmbeddings(x, np.roll(y, 1, axis=0)))
    assert message.startswith("pairs would be nearer in another order, the target comes 1 item too late")
    assert pairing(PairedEmbeddings(x, y)) == []


def test_pairs_of_two_embedding_spaces():
    x, y = clouds()
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(16, 16)))
    (message,) = pairing(PairedEmbeddings(x, y @ turn))
    assert "two embedding spaces" in message
    assert "one order" not in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x, "the same rows: give"),
        (lambda x: 2 * x, "the same rows but for their lengths"),
        (lambda x: x * np.linspace(1, 3, len(x))[:, None], "the same rows but for their lengths"),
        (lambda x: x[::-1], "the same rows in another order"),
    ],
)
@pytest.mark.parametrize("n", [2, 3, N])
def test_both_sides_are_the_same_rows(change, words, n):
    x, _ = clouds(n)
    (message,) = pairing(PairedEmbeddings(x, change(x)))
    assert message.startswith(f"both sides are {words}")
    assert inspect_pairs(PairedEmbeddings(x, change(x))).pairing is None


def test_the_test_looks_at_a_sample_and_follows_the_seed():
    x, y = clouds(2500, d=4)
    pairs = PairedEmbeddings(x, y[np.random.default_rng(0).permutation(2500)])
    first, again, other = (inspect_pairs(pairs, seed=seed).pairing for seed in (0, 0, 1))
    assert first == again
    assert first.items == 1000
    assert first.p != other.p


def test_broken_rows_take_no_part():
    x, y = clouds()
    x[[3, 50]], y[[7, 90]] = np.nan, 0
    assert inspect_pairs(PairedEmbeddings(x, y)).pairing.items == N - 4
    assert pairing(PairedEmbeddings(x, y)) == []
    assert len(pairing(PairedEmbeddings(x, np.roll(y, 1, axis=0)))) == 1


@pytest.mark.parametrize("name", dataset_names())
def test_bundled_pairs_and_small_parts_of_them_give_no_warning(name):
    pairs = load_dataset(name)
    assert pairing(pairs) == []
    whole = dataclasses.replace(pairs, split=None)
    for n in (4, 8, 12, 30, 100):
        part = whole.take(np.random.default_rng(n).choice(len(pairs), n, replace=False))
        assert pairing(part) == []
    one_each = part.target[np.unique(part.owner, return_index=True)[1]]
    assert len(pairing(PairedEmbeddings(part.source, np.roll(one_each, 1, axis=0)))) == 1


@pytest.mark.parametrize("n", [8, 20, 500])
def test_pairs_of_clip(shared_data, n):
    pairs = load_pairs(shared_data / "clip-coco500" / "features_clip.npy")
    part = pairs.take(np.random.default_rng(n).choice(500, n, replace=False))
    assert pairing(part) == []
    assert len(pairing(PairedEmbeddings(part.source, part.target[::-1]))) == 1
