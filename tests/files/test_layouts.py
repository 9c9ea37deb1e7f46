"""Layouts as people keep embeddings: a vector a key, a file an item, shards, lists, more dimensions."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from gapkit.cli.main import main
from gapkit.errors import InputError
from gapkit.files import load_embeddings, load_pairs
from gapkit.files.reading import holds_both_sides

N, D = 14, 5
IDS = [f"clip{i:03d}" for i in range(N)]


@pytest.fixture
def sides():
    source = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
    return source, source + 1


ORDER = np.random.default_rng(1).permutation(N)


def by_key(path, rows, order, names=IDS):
    vectors = {names[i]: rows[i] for i in order}
    if path.suffix == ".npz":
        np.savez(path, **vectors)
    elif path.suffix == ".pt":
        torch.save({key: torch.tensor(row) for key, row in vectors.items()}, path)
    elif path.suffix == ".safetensors":
        from safetensors.numpy import save_file

        save_file(vectors, path)
    else:
        import h5py

        with h5py.File(path, "w") as file:
            for key, row in vectors.items():
                file[key] = row
    return path


def assert_paired(pairs, sides, ids=IDS):
    np.testing.assert_array_equal(pairs.source, sides[0])
    np.testing.assert_array_equal(pairs.target[np.argsort(pairs.owner)], sides[1])
    assert pairs.ids.tolist() == list(ids)
    assert pairs.meta["joined"].startswith(f"joined by id; {N} of {N}")


@pytest.mark.parametrize("suffix", ["npz", "pt", "safetensors", "h5"])
@pytest.mark.parametrize("shape", [(D,), (1, D)])
def test_a_vector_a_key(tmp_path, sides, suffix, shape):
    first = by_key(tmp_path / f"audio.{suffix}", sides[0].reshape(N, *shape), range(N))
    second = by_key(tmp_path / f"text.{suffix}", sides[1].reshape(N, *shape), ORDER)
    assert_paired(load_pairs(first, target=second), sides)


@pytest.mark.parametrize("suffix", ["npz", "pt", "safetensors", "h5"])
def test_one_item_alone(tmp_path, sides, suffix):
    first = by_key(tmp_path / f"a.{suffix}", sides[0], [0])
    pairs = load_pairs(first, target=by_key(tmp_path / f"t.{suffix}", sides[1], [0]))
    np.testing.assert_array_equal(pairs.target, pairs.source + 1)
    assert pairs.ids.tolist() == IDS[:1]
    with pytest.raises(InputError, match=r"has shape \(5,\), expected \(n, d\)"):
        load_embeddings(by_key(tmp_path / f"one.{suffix}", sides[0], [0], names=["audio"]))


@pytest.mark.parametrize("layout", ["h5", "safetensors", "folder"])
@pytest.mark.parametrize("name", ["{}", "clip{}", "{}_a"])
def test_names_without_an_order_of_their_own_follow_their_numbers(tmp_path, sides, layout, name):
    names = [name.format(i) for i in range(N)]
    first = tmp_path / f"a.{layout}"
    if layout == "folder":
        first.mkdir()
        for file, row in zip(names, sides[0], strict=True):
            np.save(first / f"{file}.npy", row)
    else:
        by_key(first, sides[0], ORDER, names=names)
    np.save(tmp_path / "t.npy", sides[1])
    pairs = load_pairs(first, target=tmp_path / "t.npy")
    np.testing.assert_array_equal(pairs.target, pairs.source + 1)
    assert pairs.ids.tolist() == names


def test_keys_that_are_whole_numbers(tmp_path, sides):
    for name, rows, order in zip(("a", "t"), sides, (range(N), ORDER), strict=True):
        by_key(tmp_path / f"{name}.pt", rows, order, names=list(range(N)))
    assert_paired(load_pairs(tmp_path / "a.pt", target=tmp_path / "t.pt"), sides, map(str, range(N)))
    torch.save({1: torch.ones(2), "1": torch.ones(2)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match="key '1' as a text and as a number"):
        load_embeddings(tmp_path / "a.pt")


def test_several_vectors_a_key_are_several_targets(tmp_path, sides):
    first = by_key(tmp_path / "audio.npz", sides[0], range(N))
    many = np.stack([sides[1], sides[1] + 1, sides[1] + 2], axis=1)
    pairs = load_pairs(first, target=by_key(tmp_path / "text.h5", many, ORDER))
    assert pairs.n_targets == 3 * N
    np.testing.assert_array_equal(pairs.target[::3], pairs.source[pairs.owner[::3]] + 1)
    with pytest.raises(InputError, match=r"choose one as text\.h5:KEY"):
        load_pairs(tmp_path / "text.h5", target=first)


@pytest.mark.parametrize("suffix", ["pt", "h5"])
def test_sides_as_groups_of_one_file(tmp_path, sides, suffix):
    path = tmp_path / f"all.{suffix}"
    if suffix == "pt":
        groups = zip(("audio", "text"), sides, strict=True)
        torch.save({side: {i: torch.tensor(row) for i, row in zip(IDS, x, strict=True)} for side, x in groups}, path)
    else:
        import h5py

        with h5py.File(path, "w") as file:
            for side, x in zip(("audio", "text"), sides, strict=True):
                for i in ORDER:
                    file[f"{side}/{IDS[i]}"] = x[i]
    assert_paired(load_pairs(path), sides)
    assert_paired(load_pairs(f"{path}:audio", target=f"{path}:text"), sides)


@pytest.mark.parametrize("suffix", ["npy", "pt"])
def test_a_file_an_item(tmp_path, sides, suffix):
    for side, rows in zip(("audio", "text"), sides, strict=True):
        (tmp_path / side).mkdir()
        for name, row in zip(IDS, rows, strict=True):
            if suffix == "npy":
                np.save(tmp_path / side / f"{name}.npy", row)
            else:
                torch.save(torch.tensor(row), tmp_path / side / f"{name}.pt")
    (tmp_path / "audio" / "notes.txt").write_text("left alone")
    assert_paired(load_pairs(tmp_path), sides)
    assert_paired(load_pairs(tmp_path / "audio", target=tmp_path / "text"), sides)
    assert holds_both_sides(tmp_path)
    assert not holds_both_sides(tmp_path / "audio")
    (tmp_path / "text" / f"{IDS[3]}.{suffix}").unlink()
    with pytest.raises(InputError, match=r"lacks 1 of the 14 ids of .*'clip003'"):
        load_pairs(tmp_path)
    assert len(load_pairs(tmp_path, join="inner")) == N - 1


def test_folders_of_items_are_called_by_their_way_where_names_repeat(tmp_path, sides):
    for side, rows in zip(("audio", "text"), sides, strict=True):
        for i, row in enumerate(rows):
            folder = tmp_path / side / ("day" if i % 2 else "night")
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{i // 2}.npy", row)
    pairs = load_pairs(tmp_path / "audio", target=tmp_path / "text")
    assert set(pairs.ids) == {f"{part}/{i}" for part in ("day", "night") for i in range(N // 2)}
    np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 1)


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        (("a/dog.npy", "b/dog.npy", "b/cat.npy"), {"a/dog", "b/dog", "b/cat"}),
        (("a/dog.npy", "dog.npy", "cat.npy"), {"a/dog", "dog", "cat"}),
        (("a/dog.npy", "cat.npy"), {"dog", "cat"}),
        (("dog.npy", "dog.pt", "cat.npy"), {"dog.npy", "dog.pt", "cat"}),
    ],
    ids=["two folders", "here and in a folder", "apart", "two formats"],
)
def test_two_items_of_one_stem_are_two_ids(tmp_path, sides, files, ids):
    for side, rows in zip(("audio", "text"), sides, strict=True):
        for name, row in zip(files, rows, strict=False):
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, row) if path.suffix == ".npy" else torch.save(torch.as_tensor(row), path)
    for pairs in (load_pairs(tmp_path / "audio", target=tmp_path / "text"), load_pairs(tmp_path)):
        assert set(pairs.ids) == ids
        assert len(pairs) == len(files)
        np.testing.assert_array_equal(pairs.target, pairs.source[pairs.owner] + 1)


def test_a_link_out_of_a_folder_of_items(tmp_path, sides):
    (tmp_path / "audio").mkdir()
    np.save(tmp_path / "secret.npy", sides[0][0])
    for name in IDS[:3]:
        np.save(tmp_path / "audio" / f"{name}.npy", sides[0][0])
    (tmp_path / "audio" / "clip009.npy").symlink_to(tmp_path / "secret.npy")
    with pytest.raises(InputError, match=r"clip009\.npy: is a link that leads out of"):
        load_embeddings(tmp_path / "audio")


@pytest.fixture
def clip_retrieval(tmp_path, sides):
    for folder in ("img_emb", "text_emb", "metadata"):
        (tmp_path / folder).mkdir()
    for shard in range(N):  # 10 sorts before 2
        part = slice(shard, shard + 1)
        doubled = [np.repeat(side[part], 2, axis=0) + np.array([[0.0], [0.5]]) for side in sides]
        np.save(tmp_path / "img_emb" / f"img_emb_{shard}.npy", doubled[0].astype("f2"))
        np.save(tmp_path / "text_emb" / f"text_emb_{shard}.npy", doubled[1].astype("f2"))
        rows = {"key": [f"{shard}a", f"{shard}b"], "caption": [f"c {shard}", f"d {shard}"]}
        pq.write_table(pa.table(rows), tmp_path / "metadata" / f"metadata_{shard}.parquet")
    return tmp_path


@pytest.mark.parametrize("two", [False, True])
def test_clip_retrieval(clip_retrieval, sides, two):
    target = clip_retrieval / "text_emb" if two else None
    pairs = load_pairs(clip_retrieval / "img_emb" if two else clip_retrieval, target=target)
    np.testing.assert_array_equal(pairs.source[::2], sides[0].astype("f2").astype("f4"))
    np.testing.assert_array_equal(pairs.target[::2], sides[1].astype("f2").astype("f4"))
    assert pairs.captions[::2].tolist() == [f"c {i}" for i in range(N)]
    assert pairs.ids[1::2].tolist() == [f"{i}b" for i in range(N)]
    assert pairs.meta["source_dtype"] == "float16"


def test_a_shard_that_is_missing(clip_retrieval):
    (clip_retrieval / "img_emb" / "img_emb_4.npy").unlink()
    with pytest.raises(InputError, match=r"shard 4 is missing between img_emb_0\.npy and img_emb_13\.npy"):
        load_pairs(clip_retrieval)


def test_a_shard_of_another_encoder(clip_retrieval):
    np.save(clip_retrieval / "img_emb" / "img_emb_4.npy", np.ones((2, D + 1)))
    with pytest.raises(InputError, match=r"img_emb_4\.npy: has rows of shape \(6,\), expected \(5,\)"):
        load_pairs(clip_retrieval)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_shards_of_a_table(tmp_path, sides, suffix):
    for shard, part in enumerate(np.array_split(np.arange(N), 3)):
        table = pa.table({
            "id": [IDS[i] for i in part], "audio": sides[0][part].tolist(), "text": sides[1][part].tolist(),
        })  # fmt: skip
        path = tmp_path / f"data-{shard:05d}-of-00003.{suffix}"
        if suffix == "parquet":
            pq.write_table(table, path)
        else:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as file:
                file.write_table(table)
    if suffix == "arrow":
        files = [{"filename": path.name} for path in sorted(tmp_path.iterdir())]
        (tmp_path / "state.json").write_text(json.dumps({"_data_files": files}))
    assert_paired(load_pairs(tmp_path), sides)


@pytest.mark.parametrize("state", ["{", "[]", '{"_data_files": [{"filename": "../a.arrow"}]}', '{"_data_files": []}'])
def test_a_folder_of_datasets_that_names_other_files(tmp_path, state):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "state.json").write_text(state)
    with pytest.raises(InputError, match=r"state\.json"):
        load_pairs(tmp_path / "set")


@pytest.mark.parametrize("suffix", ["npy", "npz", "pt", "h5", "parquet"])
def test_k_targets_an_item(tmp_path, sides, suffix):
    many = np.stack([sides[1], sides[1] + 1, sides[1] + 2], axis=1)
    np.savez(tmp_path / "audio.npz", audio=sides[0][:, None], ids=np.array(IDS))
    path = tmp_path / f"text.{suffix}"
    if suffix == "npy":
        np.save(path, many)
    elif suffix == "npz":
        np.savez(path, text=many, ids=np.array(IDS))
    elif suffix == "pt":
        torch.save([torch.tensor(rows) for rows in many], path)
    elif suffix == "h5":
        import h5py

        with h5py.File(path, "w") as file:
            file["text"] = many
    else:
        lists = [[f"{i} {k}" for k in range(3)] for i in range(N)]
        pq.write_table(pa.table({"id": IDS, "text": many.tolist(), "caption": lists}), path)
    pairs = load_pairs(tmp_path / "audio.npz", target=path)
    assert pairs.owner.tolist() == np.repeat(np.arange(N), 3).tolist()
    np.testing.assert_array_equal(pairs.target, many.reshape(-1, D))
    if suffix == "parquet":
        assert pairs.captions.tolist() == [f"{i} {k}" for i in range(N) for k in range(3)]
    with pytest.raises(InputError, match=r"array\.mean\(axis=1\)|vectors an item, expected one"):
        load_pairs(path, target=tmp_path / "audio.npz")


def test_lists_of_tensors(tmp_path, sides):
    torch.save(
        {"audio": [torch.tensor(row)[None] for row in sides[0]], "text": list(torch.tensor(sides[1]))},
        tmp_path / "a.pt",
    )
    np.testing.assert_array_equal(load_pairs(tmp_path / "a.pt").target, sides[1])
    rows = [{"id": i, "audio": torch.tensor(a), "text": torch.tensor(t)} for i, a, t in zip(IDS, *sides, strict=True)]
    torch.save(rows, tmp_path / "b.pt")
    assert_paired(load_pairs(tmp_path / "b.pt"), sides)
    torch.save([torch.ones(2), torch.ones(3)], tmp_path / "c.pt")
    with pytest.raises(InputError, match="vectors of one length"):
        load_embeddings(tmp_path / "c.pt")


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_the_dtype_is_that_of_the_file(tmp_path, sides, suffix):
    from safetensors.torch import save_file

    tensors = {"audio": torch.tensor(sides[0]).bfloat16(), "text": torch.tensor(sides[1]).half()}
    path = tmp_path / f"a.{suffix}"
    torch.save(tensors, path) if suffix == "pt" else save_file(tensors, path)
    meta = load_pairs(path).meta
    assert (meta["source_dtype"], meta["target_dtype"]) == ("bfloat16", "float16")


@pytest.mark.parametrize("source", ["image_embeds", "img_emb", "Audio Embeddings", "audio-features", "IMAGE"])
@pytest.mark.parametrize("target", ["text_embeds", "Text_Features", "text_embedding"])
def test_usual_names(tmp_path, sides, source, target):
    np.savez(tmp_path / "a.npz", **{source: sides[0], target: sides[1], "text": np.array(IDS)})
    pairs = load_pairs(tmp_path / "a.npz")
    np.testing.assert_array_equal(pairs.target, sides[1])
    assert pairs.captions.tolist() == IDS


def test_a_matrix_is_no_id(tmp_path, sides):
    np.savez(tmp_path / "a.npz", audio=sides[0], text=sides[1], clip=sides[0])
    assert load_pairs(tmp_path / "a.npz").ids is None
    np.savez(tmp_path / "a.npz", audio=sides[0], text=sides[1], ids=sides[0])
    with pytest.raises(InputError, match=r"a\.npz:ids: holds shape \(14, 5\) of float32"):
        load_pairs(tmp_path / "a.npz")


def test_names_that_name_different_items(tmp_path, sides):
    rows = {"id": np.arange(N), "image_id": np.arange(N) // 2, "audio": sides[0], "text": sides[1]}
    np.savez(tmp_path / "a.npz", **rows)
    with pytest.raises(InputError, match="id names 14 items and image_id 7; rename the one meant to 'ids'"):
        load_pairs(tmp_path / "a.npz")


def test_texts_read_as_embeddings_name_the_matrix_beside_them(tmp_path, sides):
    np.savez(tmp_path / "a.npz", audio=sides[0], text=np.array(IDS), other=sides[1])
    with pytest.raises(InputError, match=r"a\.npz:text: holds <U7, expected real numbers; choose .*a\.npz:other"):
        load_pairs(f"{tmp_path}/a.npz:audio", target=f"{tmp_path}/a.npz:text")


def test_the_command_says_how_rows_were_joined(tmp_path, sides, capsys):
    np.savez(tmp_path / "a.npz", audio=sides[0], ids=np.array(IDS))
    np.savez(tmp_path / "t.npz", text=sides[1][ORDER][:-2], ids=np.array(IDS)[ORDER][:-2])
    command = [
        "metrics",
        f"{tmp_path}/a.npz",
        "--target",
        f"{tmp_path}/t.npz",
        "--metrics",
        "cosine",
        "--resamples",
        "0",
    ]
    for arguments, code, said in (
        (command, 2, "--join inner"),
        ([*command, "--join", "inner"], 0, "12 items, 12 targets, joined by id; 12 of 14 source items"),
        ([*command, "--join", "inner", "--quiet"], 0, ""),
        ([*command, "--join", "outer"], 2, "join: expected 'all' or 'inner', got 'outer'"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert (ended.value.code or 0) == code
        err = capsys.readouterr().err
        assert said in err if said else err == ""
