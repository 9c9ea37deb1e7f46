"""Names of items in another form, and under other column names."""

import numpy as np
import pytest
from examples import CAPTIONS, FORMATS, IDS, N, clouds, opened, write_table

from gapkit.errors import InputError
from gapkit.files import load_pairs

NAMES = {
    "path": [f" a\\clip{i} " for i in range(N)],
    "file name": [f"b/clip{i}" for i in range(N)],
    "file name without suffix": [f"b\\clip{i}.flac" for i in range(N)],
}


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("route", ["two files", "folder", "table", "table of nameless rows", "owner"])
@pytest.mark.parametrize("join", ["all", "inner"])
def test_names_in_another_form(tmp_path, form, route, join):
    source, target = clouds()
    order = np.random.default_rng(2).permutation(N)
    theirs = np.array(NAMES[form])[order]
    ours = np.array([f"a/clip{i}" for i in range(N)])
    (tmp_path / "sides").mkdir()
    first, second, other = tmp_path / "sides" / "audio.npz", tmp_path / "sides" / "text.npz", {}
    np.savez(first, audio=source, ids=ours)
    if route in ("two files", "folder"):
        np.savez(second, text=target[order], ids=theirs, captions=CAPTIONS[order])
    else:
        np.savez(
            second, text=target if route == "table" else target[order], **({"ids": ours} if route == "table" else {})
        )
        key = "owner" if route == "owner" else "captions"
        other = {key: write_table(tmp_path / "t.csv", {"path": theirs.tolist(), "caption": CAPTIONS[order].tolist()})}
    given = {"path": first.parent} if route == "folder" else {"path": first, "target": second}
    pairs = load_pairs(**given, **other, join=join)
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 10)
    assert pairs.ids.tolist() == ours.tolist()
    assert f"joined by {form}; 12 of 12" in pairs.meta["joined"]
    if route != "owner":
        assert pairs.captions[np.argsort(pairs.owner)].tolist() == CAPTIONS.tolist()


def test_forms_of_names_that_keep_no_items_apart_join_nothing(tmp_path):
    source, target = clouds()
    np.savez(tmp_path / "a.npz", audio=source, ids=np.array([f"{'xy'[i % 2]}/{i // 2}" for i in range(N)]))
    np.savez(tmp_path / "t.npz", text=target[:6], ids=np.array(list(map(str, range(6)))))
    with pytest.raises(InputError, match=r"have no id in common .first: 'x/0' and '0'"):
        load_pairs(tmp_path / "a.npz", target=tmp_path / "t.npz")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["id", "ids"])
def test_whole_numbers_kept_as_floats_are_ids(tmp_path, suffix, name):
    source, target = clouds()
    order = np.random.default_rng(2).permutation(N)
    first = {"audio": source, name: np.arange(N).astype(float)}
    pairs = opened(tmp_path, suffix, "two files", first, {"text": target[order], name: order})
    np.testing.assert_array_equal(pairs.target[np.argsort(pairs.owner)], target)
    assert pairs.ids.tolist() == [str(i) for i in range(N)]


@pytest.mark.parametrize("name", ["fname", "filepath", "ytid", "Image Name", "wav", "img_id", "video_id", "sample_id"])
@pytest.mark.parametrize("suffix", ["parquet", "npz"])
def test_published_names_of_ids_are_known_beside_embeddings(tmp_path, suffix, name):
    source, target = clouds()
    pairs = opened(
        tmp_path, suffix, "two files", {"audio": source, "ids": IDS}, {"text": target[::-1], name: IDS[::-1]}
    )
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 10)
    assert pairs.meta["joined"] == "joined by id; 12 of 12"


@pytest.mark.parametrize("name", ["clip", "Key", "sample_id", "uid"])
def test_names_of_ids_beside_embeddings_are_known_in_tables(tmp_path, name):
    source, target = clouds()
    np.savez(tmp_path / "p.npz", audio=source, text=target, ids=IDS)
    write_table(tmp_path / "c.csv", {name: IDS[::-1].tolist(), "caption": CAPTIONS[::-1].tolist()})
    assert load_pairs(tmp_path / "p.npz", captions=tmp_path / "c.csv").captions.tolist() == CAPTIONS.tolist()
