"""Captions beside two sides, from a table."""

import numpy as np
import pytest
from examples import refused

from gapkit.files import load_pairs


def sides(tmp_path, n, m):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "s.npy", rng.normal(size=(n, 3)))
    np.save(tmp_path / "t.npy", rng.normal(size=(m, 3)))
    return {"path": tmp_path / "s.npy", "target": tmp_path / "t.npy"}


def test_captions_without_ids(tmp_path):
    (tmp_path / "c.csv").write_text('caption,split\n"one, with comma",train\ntwo,test\n')
    pairs = load_pairs(**sides(tmp_path, 2, 2), captions=tmp_path / "c.csv")
    assert pairs.captions.tolist() == ["one, with comma", "two"]
    assert pairs.split.tolist() == ["train", "test"]
    assert pairs.ids is None


def test_ids_make_the_owner_in_order_of_first_appearance(tmp_path):
    (tmp_path / "c.csv").write_bytes("\ufeffid,caption,split\nz,a,u\nb,b,v\nz,c,u\n".encode())
    pairs = load_pairs(**sides(tmp_path, 2, 3), captions=tmp_path / "c.csv")
    assert pairs.owner.tolist() == [0, 1, 0]
    assert pairs.ids.tolist() == ["z", "b"]
    assert pairs.split.tolist() == ["u", "v"]


def test_ids_of_the_file_are_matched_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", source=np.eye(2), target=np.ones((3, 2)), ids=np.array(["b", "z"]))
    (tmp_path / "c.csv").write_text("id,caption\nz,a\nb,b\nz,c\n")
    pairs = load_pairs(tmp_path / "a.npz", captions=str(tmp_path / "c.csv"))
    assert pairs.owner.tolist() == [1, 0, 1]
    assert pairs.ids.tolist() == ["b", "z"]
    (tmp_path / "d.csv").write_text("id,caption\nz,a\nb,b\nq,c\n")
    refused(
        load_pairs, tmp_path / "a.npz", captions=tmp_path / "d.csv", match=r"lacks 1 of the 3 ids of .*\(first: 'q'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty; expected the columns caption"),
        (b"id,words\na,b\n", "no column 'caption' .there are 'id', 'words'"),
        (b"caption\n", "no rows"),
        (b"caption\na\n", "expected one caption for each of 3 target rows, got 1"),
        (b"id,caption\na,b\na,c\na,d\n", "names 1 items, but there are 2 source rows"),
        (b"id,caption,split\na,b,u\nb,c,u\na,d,v\n", "column split: row 2 differs from row 0"),
        (b"id,caption\na,b,c\n", "line 2: has 3 cells for the 2 columns of the header; quote captions"),
        (b"id,caption\na\n", "line 2: has 1 cell for the 2 columns"),
        (b"caption\n\xff\xfe\n", "is not UTF-8 at byte 8"),
        (b'caption\n"open\n', "line 2: cannot be read as a table"),
        (b"caption\n" + b"x" * 200_000 + b"\n", "line 2: cannot be read as a table"),
    ],
)
def test_a_csv_that_does_not_fit(tmp_path, text, message):
    (tmp_path / "c.csv").write_bytes(text)
    refused(load_pairs, **sides(tmp_path, 2, 3), captions=tmp_path / "c.csv", match=message)


def test_a_missing_csv(tmp_path):
    refused(load_pairs, **sides(tmp_path, 2, 2), captions=tmp_path / "no.csv", match="cannot be opened")


def test_ids_that_contradict_the_owner(tmp_path):
    (tmp_path / "c.csv").write_text("id,caption\na,1\nb,2\na,3\n")
    args = {**sides(tmp_path, 2, 3), "captions": tmp_path / "c.csv"}
    assert load_pairs(**args, owner=[1, 0, 1]).ids.tolist() == ["b", "a"]
    refused(load_pairs, **args, owner=[0, 1, 1], match="column ids: row 2 differs from row 1")


def test_a_csv_in_another_order_than_the_targets_of_a_file_with_owner_and_ids(tmp_path):
    """As `save_pairs` writes them: each caption goes to its own clip."""
    arrays = {"source": np.eye(3), "target": np.eye(3), "owner": np.arange(3)}
    np.savez(tmp_path / "a.npz", **arrays, ids=np.array([1, 2, 3]))
    (tmp_path / "c.csv").write_text("id,caption\n3,c\n1,a\n2,b\n")
    pairs = load_pairs(tmp_path / "a.npz", captions=tmp_path / "c.csv")
    assert pairs.captions.tolist() == ["a", "b", "c"]
    assert pairs.ids.tolist() == ["1", "2", "3"]
    (tmp_path / "c.csv").write_text("id,caption\n1,a\n2,b\n3,c\n")
    assert load_pairs(tmp_path / "a.npz", captions=tmp_path / "c.csv").captions.tolist() == ["a", "b", "c"]
    (tmp_path / "c.csv").write_text("id,caption\nx,a\ny,b\nz,c\n")
    refused(load_pairs, tmp_path / "a.npz", captions=tmp_path / "c.csv", match="have no id in common")


@pytest.mark.parametrize("owner", [[0, 1], [[0], [1], [1]], 1])
def test_an_owner_of_another_shape_beside_captions(tmp_path, owner):
    (tmp_path / "c.csv").write_text("id,caption,split\na,1,u\nb,2,u\nb,3,u\n")
    args = {**sides(tmp_path, 2, 3), "captions": tmp_path / "c.csv"}
    refused(load_pairs, **args, owner=owner, match=r"owner needs one integer a target row \(3\), got shape")
