"""Files as they may look: names of the sides, keys, folders, columns."""

import csv
import subprocess
import sys

import numpy as np
import pytest
import torch
from examples import assert_same, refused, with_texts

from gapkit.files import load_embeddings, load_pairs, save_embeddings, save_pairs


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
