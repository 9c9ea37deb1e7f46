"""An owner beside two sides: an array, or a table of ids."""

import numpy as np
import pytest
from examples import CAPTIONS, FORMATS, IDS, N, clouds, write, write_table

from gapkit.errors import InputError
from gapkit.files import load_pairs


@pytest.mark.parametrize("suffix", ["npy", *FORMATS])
@pytest.mark.parametrize("way", ["numbers", "ids", "pairs"])
def test_an_owner_of_its_own(tmp_path, suffix, way):
    source, target = clouds()
    order = np.random.default_rng(2).permutation(N)
    np.savez(tmp_path / "audio.npz", audio=source, ids=IDS)
    np.save(tmp_path / "text.npy", target[order])
    arrays = {"numbers": {"owner": order}, "ids": {"clip": IDS[order]}, "pairs": {"owner": order, "z": target}}[way]
    if suffix == "npy":
        np.save(tmp_path / "owner.npy", IDS[order] if way == "ids" else order)
    else:
        write(tmp_path / f"owner.{suffix}", arrays)
    pairs = load_pairs(tmp_path / "audio.npz", target=tmp_path / "text.npy", owner=tmp_path / f"owner.{suffix}")
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 10)


OWNERS = {
    "id": lambda order: {"id": IDS[order].tolist()},
    "ID and captions": lambda order: {"ID": IDS[order].tolist(), "Caption": CAPTIONS[order].tolist()},
    "owner": lambda order: {"Owner": order.tolist()},
    "owner of ids": lambda order: {"owner": IDS[order].tolist()},
}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl"])
@pytest.mark.parametrize("columns", OWNERS)
def test_an_owner_in_a_table(tmp_path, suffix, columns):
    source, target = clouds()
    order = np.random.default_rng(2).permutation(N)
    np.savez(tmp_path / "audio.npz", audio=source, ids=IDS)
    np.save(tmp_path / "text.npy", target[order])
    path = write_table(tmp_path / f"owner.{suffix}", OWNERS[columns](order))
    pairs = load_pairs(tmp_path / "audio.npz", target=tmp_path / "text.npy", owner=path)
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 10)
    assert pairs.ids.tolist() == IDS.tolist()


def test_an_owner_that_contradicts_the_ids_is_told(tmp_path):
    source, target = clouds()
    order = np.roll(np.arange(N), 1)
    np.savez(tmp_path / "audio.npz", audio=source, ids=IDS)
    np.savez(tmp_path / "text.npz", text=target, ids=IDS)
    said = {}
    for name, owner in (("same", np.arange(N)), ("other", order)):
        pairs = load_pairs(tmp_path / "audio.npz", target=tmp_path / "text.npz", owner=owner)
        assert pairs.owner.tolist() == owner.tolist()
        said[name] = pairs.meta["joined"]
    assert said["same"] == "joined by owner"
    assert said["other"].startswith(
        "joined by owner; ids of 12 of 12 target rows name another item (first: row 0 is 'clip0.wav', owner gives it "
        "to 'clip11.wav')"
    )


def test_an_owner_in_a_table_with_several_captions_a_row(tmp_path):
    source, target = clouds()
    np.savez(tmp_path / "audio.npz", audio=source, ids=IDS)
    np.save(tmp_path / "text.npy", np.repeat(target[::-1], 2, axis=0))
    columns = {"file_name": IDS[::-1].tolist(), "caption_1": ["a"] * N, "caption_2": ["b"] * N}
    path = write_table(tmp_path / "owner.csv", columns)
    pairs = load_pairs(tmp_path / "audio.npz", target=tmp_path / "text.npy", owner=path)
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 10)


@pytest.mark.parametrize("suffix", ["csv", "json", "npy"])
def test_ids_that_number_the_rows_of_a_source_without_ids(tmp_path, suffix):
    source, target = clouds()
    order = np.random.default_rng(2).permutation(N)
    np.save(tmp_path / "audio.npy", source)
    np.save(tmp_path / "text.npy", target[order])
    path = tmp_path / f"owner.{suffix}"
    if suffix == "npy":
        np.save(path, order.astype(str))
    else:
        write_table(path, {"id": order.tolist()})
    pairs = load_pairs(tmp_path / "audio.npy", target=tmp_path / "text.npy", owner=path)
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 10)
    assert pairs.meta["joined"] == "joined by owner"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,caption\na,x\nb\n", "line 3: has 1 cell for the 2 columns of the header; expected an id or owner"),
        ("id\na\n \n", "line 3: has no id; expected an id or owner of each target row"),
        ("caption\nx\n", "line 2: has no id; expected an id or owner of each target row"),
        ("id\n", "is empty; expected an id or owner of each target row"),
    ],
)
def test_an_owner_in_a_table_that_would_shift(tmp_path, text, message):
    (tmp_path / "owner.csv").write_text(text)
    for name, rows in zip(("a", "t"), clouds(), strict=True):
        np.save(tmp_path / f"{name}.npy", rows)
    with pytest.raises(InputError, match=message):
        load_pairs(tmp_path / "a.npy", target=tmp_path / "t.npy", owner=tmp_path / "owner.csv")
