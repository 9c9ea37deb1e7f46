"""Every format on every route: rows are joined by name, and what lies beside a matrix comes along."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from gapkit.errors import InputError
from gapkit.files import load_pairs, save_pairs

N, D = 12, 6
FORMATS = ["npz", "safetensors", "pt", "parquet", "h5", "arrow"]
ROUTES = ["one file", "two files", "keys of two files", "keys of one file", "folder"]
IDS = np.array([f"clip{i}.wav" for i in range(N)])
SPLIT = np.array(["train"] * 8 + ["test"] * 4)
LABELS = np.array(["dog", "rain", "bell"] * 4)
CAPTIONS = np.array([f"caption of {i}" for i in range(N)])


def clouds(seed=0):
    source = np.random.default_rng(seed).normal(size=(N, D)).astype(np.float32)
    return source, (source + 10).astype(np.float32)


def write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Arrays under their names, in the format of the suffix, without gapkit's own writers."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".npy":
        (array,) = (value for value in arrays.values() if value.ndim == 2)
        np.save(path, array)
    elif path.suffix == ".safetensors":
        from safetensors.numpy import save_file

        texts = {key: json.dumps(value.tolist()) for key, value in arrays.items() if value.dtype.kind == "U"}
        save_file({key: np.ascontiguousarray(v) for key, v in arrays.items() if key not in texts}, path, texts)
    elif path.suffix == ".pt":
        torch.save({k: v.tolist() if v.dtype.kind == "U" else torch.tensor(v.copy()) for k, v in arrays.items()}, path)
    elif path.suffix == ".h5":
        import h5py

        with h5py.File(path, "w") as file:
            for key, value in arrays.items():
                file[key] = value.astype(object) if value.dtype.kind == "U" else value
    else:
        table = pa.table({key: value.tolist() for key, value in arrays.items()})
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        else:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as file:
                file.write_table(table)
    return path


def opened(tmp_path, suffix, route, source, target):
    """Pairs of two sides, each a dict of arrays, written in a format and read on a route."""
    if route == "one file":
        arrays = {**target, **source}
        return load_pairs(write(tmp_path / f"pairs.{suffix}", arrays))
    first = write(tmp_path / "sides" / f"audio.{suffix}", source)
    second = write(tmp_path / "sides" / f"text.{suffix}", target)
    if route == "two files":
        return load_pairs(first, target=second)
    if route == "folder":
        return load_pairs(tmp_path / "sides")
    if route == "keys of one file":
        path = write(tmp_path / f"all.{suffix}", {**target, **source})
        return load_pairs(f"{path}:audio", target=f"{path}:text")
    return load_pairs(f"{first}:audio", target=f"{second}:text")


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


def write_table(path, columns):
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".json":
        path.write_text(json.dumps(records))
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, records)))
    else:
        with path.open("w", newline="") as handle:
            table = csv.writer(handle, delimiter="\t" if path.suffix == ".tsv" else ",")
            table.writerows([list(columns), *zip(*columns.values(), strict=True)])
    return path


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
