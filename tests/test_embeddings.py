import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.memory_map import file_of


def labelled(owner, split=None):
    """Pairs whose numbers tell where they come from: source row i holds i, target row j holds its owner and j."""
    owner = np.asarray(owner)
    n, m = owner.max() + 1, len(owner)
    source = np.stack([np.arange(n), np.zeros(n)], axis=1)
    target = np.stack([owner, np.arange(m)], axis=1)
    ids = [f"clip{i}" for i in range(n)]
    captions = [f"clip{i} caption{j}" for j, i in enumerate(owner)]
    return PairedEmbeddings(source, target, owner=owner, ids=ids, captions=captions, split=split)


def assert_consistent(pairs):
    """Every target row still sits with its own clip."""
    np.testing.assert_array_equal(pairs.source[pairs.owner, 0], pairs.target[:, 0])
    for j, i in enumerate(pairs.owner):
        assert pairs.ids[i] == f"clip{int(pairs.source[i, 0])}"
        assert pairs.captions[j] == f"{pairs.ids[i]} caption{int(pairs.target[j, 1])}"


@st.composite
def owners(draw):
    n = draw(st.integers(1, 6))
    rest = draw(st.lists(st.integers(0, n - 1), max_size=12))
    return draw(st.permutations([*range(n), *rest]))


@given(owners(), st.randoms(use_true_random=False))
def test_take_keeps_every_target_with_its_clip_in_the_order_asked_for(owner, random):
    pairs = labelled(owner)
    clips = random.sample(range(len(pairs)), random.randint(1, len(pairs)))
    taken = pairs.take(np.array(clips))
    assert_consistent(taken)
    assert taken.source[:, 0].tolist() == clips
    assert taken.n_targets == sum(owner.count(clip) for clip in clips)
    assert (np.diff(taken.owner) >= 0).all()


@given(owners())
def test_take_of_all_in_order_only_groups_the_target_rows(owner):
    pairs = labelled(owner)
    taken = pairs.take(np.arange(len(pairs)))
    np.testing.assert_array_equal(taken.source, pairs.source)
    np.testing.assert_array_equal(taken.target, pairs.target[np.argsort(pairs.owner, kind="stable")])


def test_a_part_of_a_file_stays_in_the_file(tmp_path):
    for name, rows in (("source", 90), ("target", 180)):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(rows).standard_normal((rows, 4), dtype=np.float32))
    source, target = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("source", "target"))
    split = np.repeat(["train", "val", "test"], 30)
    pairs = PairedEmbeddings(source, target, owner=np.repeat(np.arange(90), 2), split=split)
    test = pairs.subset("test")
    assert np.shares_memory(test.source, pairs.source)
    assert np.shares_memory(test.target, pairs.target)
    assert file_of(test.target) is file_of(pairs.target)
    np.testing.assert_array_equal(test.source, source[60:])
    np.testing.assert_array_equal(test.target, target[120:])
    # Scattered clips are read in pieces, and are what they were.
    order = np.random.default_rng(0).permutation(90)
    taken = pairs.take(order)
    assert file_of(taken.target) is None
    np.testing.assert_array_equal(taken.source, np.array(source)[order])
    np.testing.assert_array_equal(taken.target, np.array(target).reshape(90, 2, 4)[order].reshape(180, 4))
    np.testing.assert_array_equal(pairs.take(np.array([-2, -1])).source, source[-2:])


@given(owners(), st.data())
def test_subsets_part_the_clips(owner, data):
    n = max(owner) + 1
    split = data.draw(st.lists(st.sampled_from(["train", "val", "test"]), min_size=n, max_size=n))
    pairs = labelled(owner, split)
    parts = [pairs.subset(name) for name in pairs.splits]
    for part in parts:
        assert_consistent(part)
    assert sorted(x for part in parts for x in part.source[:, 0]) == list(range(n))
    assert sorted(x for part in parts for x in part.target[:, 1]) == list(range(len(owner)))
    assert pairs.splits == {name: split.count(name) for name in dict.fromkeys(split)}


@given(owners())
def test_expanded_has_the_source_of_each_target_row(owner):
    pairs = labelled(owner)
    source, target = pairs.expanded()
    assert source.shape == target.shape == pairs.target.shape
    np.testing.assert_array_equal(source[:, 0], target[:, 0])


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.uint32, np.dtype(">f4")])
def test_every_real_dtype_becomes_native_float32(dtype):
    pairs = PairedEmbeddings(np.eye(3, dtype=dtype), np.eye(3, dtype=dtype))
    assert pairs.source.dtype == np.float32
    assert pairs.source.dtype.isnative
    np.testing.assert_array_equal(pairs.target, np.eye(3))


def test_float32_is_not_copied():
    x = np.eye(3, dtype=np.float32)
    assert np.shares_memory(PairedEmbeddings(x, x).source, x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": np.eye(3)[0]}, "source must have shape"),
        ({"source": np.empty((0, 3))}, "source must have shape"),
        ({"target": np.empty((3, 0))}, "target must have shape"),
        ({"target": np.eye(3) * 1j}, "real numbers"),
        ({"target": np.eye(3, dtype=bool)}, "real numbers"),
        ({"target": np.full((3, 3), "a")}, "real numbers"),
        ({"target": np.ones((3, 2))}, "3 dimensions and target 2"),
        ({"target": np.ones((4, 3))}, "give `owner`"),
        ({"owner": [0, 1]}, "one integer a target row"),
        ({"owner": [0.0, 1.0, 2.0]}, "one integer a target row"),
        ({"owner": [0, 1, 3]}, r"0\.\.2"),
        ({"owner": [-1, 1, 2]}, r"0\.\.2"),
        ({"owner": [0, 0, 1]}, "1 of 3 source rows have no target row"),
        ({"ids": ["a"]}, "ids needs one entry a clip"),
        ({"captions": ["a"] * 4}, "captions needs one entry a target row"),
        ({"split": [["a"] * 3]}, "split needs one entry a clip"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_one_line(change, message):
    with pytest.raises(InputError, match=message) as caught:
        PairedEmbeddings(**{"source": np.eye(3), "target": np.eye(3), **change})
    assert "\n" not in str(caught.value)


def test_an_unknown_split_names_those_there_are():
    with pytest.raises(InputError, match=r"no item in split 'dev'.*train \(2\), test \(1\)"):
        labelled([0, 1, 2], ["train", "train", "test"]).subset("dev")
    with pytest.raises(InputError, match="splits here: none"):
        labelled([0, 1]).subset("test")


def test_the_hash_sees_data_owner_and_split_and_nothing_else():
    pairs = labelled([0, 1, 1], ["a", "b"])
    seen = {pairs.content_hash()}
    for change in (
        {"source": pairs.source[::-1]},
        {"target": pairs.target + 1},
        {"owner": np.array([1, 0, 1])},
        {"split": np.array(["a", "a"])},
    ):
        seen.add(dataclasses.replace(pairs, **change).content_hash())
    assert len(seen) == 5
    assert dataclasses.replace(pairs, name="other", meta={"a": 1}).content_hash() == pairs.content_hash()
    assert dataclasses.replace(pairs, source=np.asfortranarray(pairs.source)).content_hash() == pairs.content_hash()
