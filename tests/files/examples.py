"""Small pairs, written as other programs write them, and the check of a refusal."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import load_pairs

N, D = 12, 6
FORMATS = ["npz", "safetensors", "pt", "parquet", "h5", "arrow"]
IDS = np.array([f"clip{i}.wav" for i in range(N)])
SPLIT = np.array(["train"] * 8 + ["test"] * 4)
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
    for part in ("source", "target", "owner", "ids", "captions", "split", "labels"):
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
