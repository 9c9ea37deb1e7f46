import csv
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.files import load_embeddings, load_pairs, save_embeddings, save_pairs

NAMED = ["npz", "safetensors", "pt", "pth", "parquet", "arrow", "feather", "h5", "hdf5"]
FORMATS = ["npy", *NAMED]
PARTS = ("source", "target", "owner", "ids", "captions", "split", "labels")


def example(n=5, m=8, seed=0, **texts):
    rng = np.random.default_rng(seed)
    owner = rng.permutation([*range(n), *rng.integers(0, n, m - n)])
    return PairedEmbeddings(rng.normal(size=(n, 4)), rng.normal(size=(m, 4)), owner=owner, name="ein Name", **texts)


def with_texts():
    return example(
        labels=["x", "y", "x", "x", "z"],
        ids=["a", "b", "c", "dé", "e"],
        captions=[f"caption {i}, “quoted” 音" for i in range(8)],
        split=["train", "train", "test", "val", "test"],
    )


def assert_same(a, b):
    for part in PARTS:
        left, right = getattr(a, part), getattr(b, part)
        if left is None:
            assert right is None, part
        else:
            assert left.dtype.kind == right.dtype.kind
            assert left.tobytes() == right.astype(left.dtype).tobytes(), part
    assert a.name == b.name
    assert a.content_hash() == b.content_hash()


def refused(call, *args, match=None, **kwargs):
    with pytest.raises(InputError, match=match) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()
    return str(caught.value)


# Round trips


@pytest.mark.parametrize("suffix", NAMED)
@pytest.mark.parametrize("pairs", [with_texts(), example(), example(3, 3)], ids=["texts", "owner", "one to one"])
def test_pairs_come_back_bit_equal(tmp_path, suffix, pairs):
    path = tmp_path / "sub" / f"pairs.{suffix}"
    save_pairs(pairs, path)
    back = load_pairs(path)
    assert_same(pairs, back)
    assert back.meta == {
        "files": [str(path)], "source_dtype": "float32", "target_dtype": "float32", "opened": {"path": str(path)},
        "joined": "joined by id; 5 of 5" if pairs.ids is not None else "joined by owner",
    }  # fmt: skip
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(NAMED),
    seed=st.integers(0, 1000),
    n=st.integers(1, 6),
    captions=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
def test_any_owner_and_any_text_come_back(tmp_path, suffix, seed, n, captions):
    pairs = example(n, n + seed % 5, seed, captions=[captions + str(i) for i in range(n + seed % 5)])
    save_pairs(pairs, tmp_path / f"p.{suffix}")
    assert_same(pairs, load_pairs(tmp_path / f"p.{suffix}"))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64"])
def test_embeddings_keep_bits_and_dtype(tmp_path, suffix, dtype):
    array = (np.random.default_rng(0).normal(size=(6, 3)) * 100).astype(dtype)
    path = tmp_path / f"a.{suffix}"
    save_embeddings(array, path)
    back = load_embeddings(path)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_special_numbers_come_back(tmp_path, suffix):
    array = np.array([[np.nan, np.inf], [-np.inf, -0.0]], dtype=np.float32)
    save_embeddings(array, tmp_path / f"a.{suffix}")
    assert np.asarray(load_embeddings(tmp_path / f"a.{suffix}")).tobytes() == array.tobytes()


def test_a_tensor_can_be_saved(tmp_path):
    tensor = torch.eye(3, requires_grad=True)
    save_embeddings(tensor, tmp_path / "a.npy")
    assert np.array_equal(load_embeddings(tmp_path / "a.npy"), np.eye(3))


def test_a_tensor_in_bfloat16_can_be_saved(tmp_path):
    rows = torch.tensor([[1.5, -2.0], [0.25, 3.0]], dtype=torch.bfloat16)
    save_embeddings(rows, tmp_path / "a.npy")
    np.testing.assert_array_equal(load_embeddings(tmp_path / "a.npy"), rows.float().numpy())


@pytest.mark.parametrize("value", [torch.eye(3, dtype=torch.bfloat16), torch.eye(3).to(torch.float8_e4m3fn)])
def test_tensors_of_dtypes_that_numpy_lacks_become_float32(tmp_path, value):
    torch.save(value, tmp_path / "a.pt")
    assert np.array_equal(load_embeddings(tmp_path / "a.pt"), np.eye(3))


def test_bfloat16_safetensors(tmp_path):
    from safetensors.torch import save_file

    save_file({"source": torch.eye(3, dtype=torch.bfloat16), "target": torch.eye(3)}, tmp_path / "a.safetensors")
    pairs = load_pairs(tmp_path / "a.safetensors")
    assert np.array_equal(pairs.source, np.eye(3))


# What a file may look like


def test_float32_npy_is_mapped_and_other_dtypes_are_read(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(4, dtype=np.float32))
    mapped = load_embeddings(tmp_path / "a.npy")
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.save(tmp_path / "b.npy", np.eye(4, dtype=np.float16))
    assert not isinstance(load_embeddings(tmp_path / "b.npy"), np.memmap)
    both = np.stack([np.eye(4, dtype=np.float32)] * 2)
    np.save(tmp_path / "c.npy", both)
    pairs = load_pairs(tmp_path / "c.npy")
    assert isinstance(pairs.source.base, np.memmap) or isinstance(pairs.source, np.memmap)


def test_npy_with_both_sides(tmp_path):
    both = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float16)
    np.save(tmp_path / "both.npy", both)
    pairs = load_pairs(tmp_path / "both.npy")
    assert np.array_equal(pairs.source, both[0])
    assert np.array_equal(pairs.target, both[1])
    assert pairs.name == "both"
    assert pairs.meta["source_dtype"] == "float16"


def test_pairs_one_to_one_go_into_npy_and_others_do_not(tmp_path):
    pairs = PairedEmbeddings(np.eye(3), 2 * np.eye(3), name="p")
    save_pairs(pairs, tmp_path / "p.npy")
    assert_same(pairs, load_pairs(tmp_path / "p.npy"))
    refused(save_pairs, with_texts(), tmp_path / "q.npy", match="write .npz to keep owner and texts")
    refused(save_pairs, example(), tmp_path / "q.npy", match="write .npz")
    assert not (tmp_path / "q.npy").exists()


@pytest.mark.parametrize("names", [("source", "target"), ("audio", "text"), ("image", "text"), ("x", "y")])
def test_names_of_the_sides(tmp_path, names):
    arrays = {names[0]: np.eye(3), names[1]: 2 * np.eye(3), "other": np.ones(1)}
    np.savez(tmp_path / "a.npz", **arrays)
    torch.save({key: torch.from_numpy(value) for key, value in arrays.items()}, tmp_path / "a.pt")
    for path in (tmp_path / "a.npz", tmp_path / "a.pt"):
        pairs = load_pairs(path)
        assert np.array_equal(pairs.target, 2 * pairs.source)


def test_the_canonical_name_wins_and_two_others_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", source=np.eye(3), audio=np.ones((3, 3)), text=np.eye(3))
    assert np.array_equal(load_pairs(tmp_path / "a.npz").source, np.eye(3))
    np.savez(tmp_path / "b.npz", image=np.eye(3), audio=np.eye(3), text=np.eye(3))
    refused(load_pairs, tmp_path / "b.npz", match="both audio and image")


def test_two_files_and_keys(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(3))
    np.savez(tmp_path / "b.npz", first=np.eye(3), second=2 * np.eye(3))
    target = f"{tmp_path}/b.npz:second"
    pairs = load_pairs(tmp_path / "a.npy", target=target)
    assert np.array_equal(pairs.target, 2 * np.eye(3))
    assert pairs.meta["files"] == [str(tmp_path / "a.npy"), target]
    assert pairs.name == "a"
    message = refused(load_pairs, tmp_path / "a.npy", target=tmp_path / "b.npz", match="choose one as b.npz:KEY")
    assert "first, second" in message
    refused(load_embeddings, f"{tmp_path}/b.npz:third", match="nothing named 'third'; names here: first, second")


def test_sides_are_found_by_name_in_two_files(tmp_path):
    save_pairs(with_texts(), tmp_path / "a.npz")
    pairs = load_pairs(tmp_path / "a.npz", target=tmp_path / "a.npz", owner=f"{tmp_path}/a.npz")
    for part in ("source", "target", "owner"):
        assert np.array_equal(getattr(pairs, part), getattr(with_texts(), part))
    assert pairs.captions.tolist() == with_texts().captions.tolist()


def test_a_colon_in_a_folder_is_no_key(tmp_path):
    folder = tmp_path / "run.npz:1"
    folder.mkdir()
    np.save(folder / "a.npy", np.eye(2))
    assert load_embeddings(folder / "a.npy").shape == (2, 2)
    np.savez(folder / "b.npz", k=np.eye(2))
    assert load_embeddings(f"{folder}/b.npz:k").shape == (2, 2)


def test_a_folder(tmp_path):
    pairs = with_texts()
    np.save(tmp_path / "source.npy", pairs.source)
    save_embeddings(pairs.target, tmp_path / "text.safetensors")
    np.save(tmp_path / "owner.npy", pairs.owner)
    np.save(tmp_path / "labels.npy", pairs.labels)
    with (tmp_path / "captions.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "caption", "split"])
        for caption, i in zip(pairs.captions, pairs.owner, strict=True):
            writer.writerow([pairs.ids[i], caption, pairs.split[i]])
    back = load_pairs(tmp_path, name=pairs.name)
    assert_same(pairs, back)
    assert load_pairs(tmp_path).name == tmp_path.name
    np.save(tmp_path / "audio.npy", pairs.source)
    (tmp_path / "source.npy").rename(tmp_path / "image.npy")
    refused(load_pairs, tmp_path, match="holds both audio and image")


def test_arguments_win_over_the_file(tmp_path):
    save_pairs(with_texts(), tmp_path / "a.npz")
    owner = [0, 1, 2, 3, 4, 0, 0, 0]
    pairs = load_pairs(tmp_path / "a.npz", owner=owner, captions=list("abcdefgh"), split=["x"] * 5, name="other")
    assert pairs.owner.tolist() == owner
    assert pairs.captions.tolist() == list("abcdefgh")
    assert pairs.splits == {"x": 5}
    assert pairs.name == "other"


def test_parquet_by_clip_label(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = {"clip": ["b", "a", "b"], "audio": [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]], "text": [[5.0, 6.0]] * 3}
    pq.write_table(pa.table({**rows, "caption": ["p", "q", "r"], "split": ["t", "u", "t"]}), tmp_path / "a.parquet")
    pairs = load_pairs(tmp_path / "a.parquet")
    assert pairs.owner.tolist() == [0, 1, 0]
    assert pairs.ids.tolist() == ["b", "a"]
    assert pairs.source.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert pairs.split.tolist() == ["t", "u"]
    assert load_embeddings(f"{tmp_path}/a.parquet:text").shape == (3, 2)
    rows["audio"][2] = [1.0, 9.0]
    pq.write_table(pa.table(rows), tmp_path / "b.parquet")
    refused(
        load_pairs, tmp_path / "b.parquet", match="1 of 2 ids stand at several rows that differ .*'b' at rows 0 and 2"
    )


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1.0, 2.0], [3.0]], "rows of 1 to 2 numbers"),
        ([[1.0, 2.0], None], "1 empty cells of 2"),
        ([[1.0, 2.0], [3.0, None]], "1 empty numbers"),
        (["a", "b"], "expected real numbers"),
        ([1.0, 2.0], r"shape \(2,\), expected \(n, d\)"),
    ],
)
def test_parquet_columns_that_are_no_embeddings(tmp_path, column, message):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": column}), tmp_path / "a.parquet")
    refused(load_embeddings, tmp_path / "a.parquet", match=message)


# Captions


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


# Writing


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_folder_that_cannot_be_made_is_a_failure_of_the_machine(tmp_path, suffix):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GapkitError, match="could not be written") as caught:
        save_embeddings(np.eye(3), tmp_path / "file" / f"a.{suffix}")
    assert not isinstance(caught.value, InputError)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """A limit on the size of files stands in for the disk; in a process of its own, for it cannot be lifted again."""
    script = textwrap.dedent(
        """
        import pathlib, resource, sys
        import numpy as np
        from gapkit.errors import GapkitError, InputError
        from gapkit.files import load_embeddings, save_embeddings
        import h5py, pyarrow.parquet, torch
        folder = pathlib.Path(sys.argv[1])
        suffixes = sys.argv[2:]
        for suffix in suffixes:
            save_embeddings(np.eye(2), folder / f"a.{suffix}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        for suffix in suffixes:
            try:
                save_embeddings(np.random.default_rng(0).normal(size=(300, 100)), folder / f"a.{suffix}")
            except InputError:
                raise
            except GapkitError as error:
                assert "could not be written" in str(error) and "\\n" not in str(error), error
            else:
                raise SystemExit(f"{suffix} was written")
            assert np.array_equal(load_embeddings(folder / f"a.{suffix}"), np.eye(2)), suffix
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *FORMATS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"a.{suffix}" for suffix in FORMATS)


@pytest.mark.parametrize("array", [np.eye(3) * 1j, np.zeros(3), np.full((2, 2), "a")])
def test_only_matrices_of_real_numbers_are_written(tmp_path, array):
    refused(save_embeddings, array, tmp_path / "a.npy", match="expected a matrix")


def test_reading_files_imports_nothing_heavy(tmp_path):
    np.savez(tmp_path / "a.npz", source=np.eye(2), target=np.eye(2))
    script = (
        "import sys; from gapkit.files import load_pairs; load_pairs(sys.argv[1]); "
        "print({'torch', 'pandas', 'pyarrow', 'h5py', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.npz")], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_clip_features_of_coco(shared_data):
    pairs = load_pairs(shared_data / "clip-coco500" / "features_clip.npy")
    assert pairs.source.shape == pairs.target.shape == (500, 512)
    assert float((pairs.source * pairs.target).sum(1).mean()) == pytest.approx(0.310, abs=5e-4)
