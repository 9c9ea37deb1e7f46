"""Every format on every route: rows are joined by name, and what lies beside a matrix comes along."""

import csv

import numpy as np
import pytest
import torch
from examples import CAPTIONS, FORMATS, IDS, SPLIT, D, N, clouds, opened, write, write_table

from gapkit.errors import InputError
from gapkit.files import load_pairs, save_pairs

ROUTES = ["one file", "two files", "keys of two files", "keys of one file", "folder"]
LABELS = np.array(["dog", "rain", "bell"] * 4)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("route", ROUTES)
def test_what_lies_beside_a_matrix_comes_along(tmp_path, suffix, route):
    source, target = clouds()
    beside = {"Clip_ID": IDS, "Split": SPLIT, "label": LABELS}
    pairs = opened(
        tmp_path, suffix, route, {"audio": source, **beside}, {"text": target, "id": IDS, "caption": CAPTIONS}
    )
    np.testing.assert_array_equal(pairs.source, source)
    np.testing.assert_array_equal(pairs.target[np.argsort(pairs.owner)], target)
    assert pairs.ids.tolist() == IDS.tolist()
    assert pairs.split.tolist() == SPLIT.tolist()
    assert pairs.labels.tolist() == LABELS.tolist()
    assert pairs.captions.tolist() == CAPTIONS.tolist()
    assert pairs.meta["joined"] == "joined by id; 12 of 12"


SEPARATE = ["two files", "keys of two files", "folder"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("route", SEPARATE)
@pytest.mark.parametrize("targets", [1, 3])
def test_another_order_is_put_right(tmp_path, suffix, route, targets):
    source, target = clouds()
    many = np.repeat(target, targets, axis=0) + np.arange(N * targets, dtype=np.float32)[:, None]
    texts = np.array([f"{i} {j}" for i in range(N) for j in range(targets)])
    order = np.random.default_rng(1).permutation(N * targets)
    pairs = opened(
        tmp_path, suffix, route,
        {"audio": source, "ids": IDS, "split": SPLIT},
        {"text": many[order], "ids": np.repeat(IDS, targets)[order], "captions": texts[order]},
    )  # fmt: skip
    np.testing.assert_array_equal(pairs.source, source)
    assert pairs.split.tolist() == SPLIT.tolist()
    assert pairs.captions.tolist() != texts.tolist() or targets == 1
    for row, text in enumerate(pairs.captions):
        item, which = map(int, text.split())
        assert pairs.owner[row] == item
        np.testing.assert_array_equal(pairs.target[row], many[item * targets + which])


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("route", SEPARATE)
@pytest.mark.parametrize("short", ["source", "target"])
def test_an_id_that_one_side_lacks(tmp_path, suffix, route, short):
    source, target = clouds()
    keep = np.arange(N) % 4 != 1  # 1, 5 and 9 are not there
    sides = {
        "source": {"audio": source, "ids": IDS, "split": SPLIT},
        "target": {"text": target[::-1], "ids": IDS[::-1], "caption": CAPTIONS[::-1]},
    }
    chosen = keep if short == "source" else keep[::-1]
    sides[short] = {key: values[chosen] for key, values in sides[short].items()}
    said = r"lacks 3 of the 12 ids of .*first: 'clip(1|9).wav', 'clip5.wav', 'clip(9|1).wav'.*--join inner"
    with pytest.raises(InputError, match=said):
        opened(tmp_path, suffix, route, sides["source"], sides["target"])
    paths = tmp_path / "sides"
    given = {"path": paths} if route == "folder" else {
        "path": paths / f"audio.{suffix}", "target": paths / f"text.{suffix}",
    }  # fmt: skip
    pairs = load_pairs(**given, join="inner")
    assert sorted(pairs.ids) == sorted(IDS[keep])
    for row, owner in enumerate(pairs.owner):
        item = IDS.tolist().index(pairs.ids[owner])
        np.testing.assert_array_equal(pairs.source[owner], source[item])
        np.testing.assert_array_equal(pairs.target[row], target[item])
        assert pairs.captions[row] == CAPTIONS[item]
        assert pairs.split[owner] == SPLIT[item]
    assert "9 of" in pairs.meta["joined"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("route", ROUTES)
def test_an_id_that_stands_twice_on_the_source_side(tmp_path, suffix, route):
    source, target = clouds()
    ids = IDS.copy()
    ids[4] = ids[2]
    with pytest.raises(InputError, match=r"1 of 11 ids .*first: 'clip2.wav'; 'clip2.wav' at rows 2 and 4"):
        opened(tmp_path, suffix, route, {"audio": source, "ids": ids}, {"text": target, "ids": ids})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_source_row_a_caption(tmp_path, suffix, route):
    source, target = clouds()
    ids = np.repeat(IDS[: N // 2], 2)
    arrays = {"ids": ids, "split": np.repeat(SPLIT[: N // 2], 2)}
    pairs = opened(
        tmp_path, suffix, route, {"audio": np.repeat(source[: N // 2], 2, axis=0), **arrays}, {"text": target, **arrays}
    )
    np.testing.assert_array_equal(pairs.source, source[: N // 2])
    assert pairs.owner.tolist() == np.repeat(np.arange(N // 2), 2).tolist()
    assert pairs.ids.tolist() == IDS[: N // 2].tolist()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("part", ["split", "labels", "captions"])
def test_sides_that_disagree(tmp_path, suffix, part):
    source, target = clouds()
    ours = np.array([f"value {i}" for i in range(N)])
    theirs = ours.copy()
    theirs[5] = "another"
    with pytest.raises(InputError, match=rf"{part} of 1 of 12 differ .*'value 5' and 'another'"):
        opened(
            tmp_path, suffix, "two files",
            {"audio": source, "ids": IDS, part: ours}, {"text": target, "ids": IDS, part: theirs},
        )  # fmt: skip


@pytest.mark.parametrize("suffix", ["npy", *FORMATS])
def test_rows_without_names_are_joined_by_position_and_that_is_said(tmp_path, suffix):
    source, target = clouds()
    pairs = opened(tmp_path, suffix, "two files", {"audio": source}, {"text": target})
    np.testing.assert_array_equal(pairs.target, target)
    assert pairs.meta["joined"] == "joined by position: neither side has ids"


@pytest.mark.parametrize("suffix", ["npy", *FORMATS])
def test_moved_rows_take_the_place_of_the_source(tmp_path, suffix):
    source, target = clouds()
    owner = np.repeat(np.arange(N), 2)
    pairs = {"source": source, "target": np.repeat(target, 2, axis=0), "owner": owner, "split": SPLIT, "ids": IDS}
    np.savez(tmp_path / "pairs.npz", **pairs)
    moved = write(tmp_path / f"moved.{suffix}", {"embeddings": source * 3})
    found = load_pairs(moved, target=tmp_path / "pairs.npz")
    np.testing.assert_array_equal(found.source, source * 3)
    assert found.owner.tolist() == owner.tolist()
    assert found.splits == {"train": 8, "test": 4}
    assert found.ids.tolist() == IDS.tolist()
    for rows in (5, N + 1, 2 * N):
        many = np.random.default_rng(0).normal(size=(rows, D))
        with pytest.raises(InputError, match=r"one for each item|names 12 items"):
            load_pairs(write(tmp_path / f"bad.{suffix}", {"embeddings": many}), target=tmp_path / "pairs.npz")


@pytest.mark.parametrize("suffix", ["h5", "pt"])
def test_what_lies_in_the_group_of_a_matrix_comes_along(tmp_path, suffix):
    source, target = clouds()
    order = np.random.default_rng(2).permutation(N)
    groups = {
        "audio": {"emb": source, "ids": IDS, "split": SPLIT},
        "text": {"emb": target[order], "ids": IDS[order], "captions": CAPTIONS[order]},
    }
    path = tmp_path / f"all.{suffix}"
    if suffix == "pt":
        torch.save(
            {k: {n: v.tolist() if v.dtype.kind == "U" else torch.tensor(v) for n, v in g.items()}
             for k, g in groups.items()}, path,
        )  # fmt: skip
    else:
        write(path, {f"{group}/{name}": values for group, inner in groups.items() for name, values in inner.items()})
    pairs = load_pairs(f"{path}:audio/emb", target=f"{path}:text/emb")
    np.testing.assert_array_equal(pairs.target[np.argsort(pairs.owner)], target)
    assert (pairs.split.tolist(), pairs.captions[np.argsort(pairs.owner)].tolist()) == (
        SPLIT.tolist(),
        CAPTIONS.tolist(),
    )


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_table_of_captions_is_joined_by_name(tmp_path, suffix, route):
    source, target = clouds()
    order = np.random.default_rng(3).permutation(N)
    with (tmp_path / "table.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(
            [("id", "caption", "split"), *zip(IDS[order], CAPTIONS[order], SPLIT[order], strict=True)]
        )
    sides = {"audio": source, "ids": IDS}, {"text": target, "ids": IDS}
    opened(tmp_path, suffix, route, *sides)
    path = {"one file": tmp_path / f"pairs.{suffix}", "folder": tmp_path / "sides"}.get(route)
    given = {"path": path} if path else {
        "path": tmp_path / "sides" / f"audio.{suffix}", "target": tmp_path / "sides" / f"text.{suffix}",
    }  # fmt: skip
    if route == "keys of one file":
        given = {"path": f"{tmp_path}/all.{suffix}:audio", "target": f"{tmp_path}/all.{suffix}:text"}
    pairs = load_pairs(**given, captions=tmp_path / "table.csv")
    assert pairs.captions.tolist() == CAPTIONS.tolist()
    assert pairs.split.tolist() == SPLIT.tolist()


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_read_is_written_and_read_again(tmp_path, suffix):
    source, target = clouds()
    beside = {"ids": IDS, "split": SPLIT, "labels": LABELS, "captions": CAPTIONS}
    pairs = opened(tmp_path, suffix, "one file", {"audio": source, **beside}, {"text": target})
    save_pairs(pairs, tmp_path / f"again.{suffix}")
    back = load_pairs(tmp_path / f"again.{suffix}")
    assert back.content_hash() == pairs.content_hash()
    for part in beside:
        assert getattr(back, part).tolist() == getattr(pairs, part).tolist()


def test_rows_that_a_table_describes_by_their_places_are_said(tmp_path):
    source, target = clouds()
    np.savez(tmp_path / "a.npz", audio=source, ids=IDS)
    np.save(tmp_path / "t.npy", target)
    write_table(tmp_path / "c.csv", {"id": IDS.tolist(), "caption": CAPTIONS.tolist()})
    pairs = load_pairs(tmp_path / "a.npz", target=tmp_path / "t.npy", captions=tmp_path / "c.csv")
    assert pairs.meta["joined"] == f"joined by id; 12 of 12; target rows described by {tmp_path}/c.csv row by row"


def test_a_map_stays_a_map_where_nothing_is_reordered(tmp_path):
    source, target = clouds()
    np.save(tmp_path / "a.npy", source)
    np.save(tmp_path / "t.npy", target)
    pairs = load_pairs(tmp_path / "a.npy", target=tmp_path / "t.npy", owner=IDS)
    for side in (pairs.source, pairs.target):
        assert isinstance(side, np.memmap) or isinstance(side.base, np.memmap)
