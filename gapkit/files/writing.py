"""`save_embeddings` and `save_pairs`: whole files or none."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import replacing, write_bytes
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.files.provenance import KEY as PROVENANCE
from gapkit.files.provenance import packed
from gapkit.files.store import READERS, one_line

KEY = "embeddings"
"""Name of the one array in formats that need a name."""

TABLES = (".parquet", ".arrow", ".feather")
"""Suffixes of formats with one row a target row."""

Parts = Mapping[str, NDArray[Any]]


def save_embeddings(
    array: Any,
    path: str | Path,
    *,
    beside: Mapping[str, NDArray[Any]] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Write embeddings of one modality in the format of the suffix.

    Parameters
    ----------
    array : array-like of shape (n, d)
        Real numbers; the dtype is kept. Formats with names call it ``embeddings``.
    path : str or Path
        Ends in one of the suffixes that `load_embeddings` reads.
    beside : mapping of str to array of shape (n,), optional
        What lies beside the rows: ids, split, labels, fitted. ``.npy`` has no place for it and takes none.
    meta : mapping, optional
        Provenance, of which the entries about encoder and bridge are kept.

    Raises
    ------
    InputError
        Not a matrix of real numbers, or a suffix that is not written.
    GapkitError
        The file cannot be written; what was there before stays.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        # numpy has no bfloat16.
        array = array.float() if str(array.dtype) == "torch.bfloat16" else array
    array = np.asarray(array)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise InputError(f"{path}: expected a matrix (n, d) of real numbers to write, got {array.dtype} {array.shape}")
    if Path(path).suffix.lower() == ".npy":
        _write({"": array}, Path(path))
        return
    told = {key: value.astype(np.uint8) if value.dtype == np.bool_ else value for key, value in (beside or {}).items()}
    packed_meta = packed(meta or {})
    _write({KEY: array, **told, **({PROVENANCE: np.array(packed_meta)} if packed_meta else {})}, Path(path))


def save_pairs(pairs: PairedEmbeddings, path: str | Path) -> None:
    """Write paired embeddings, so that `load_pairs` gives the same arrays, texts and name back.

    Of `meta` the encoder and the bridge that moved the source are kept.

    Parameters
    ----------
    pairs : PairedEmbeddings
    path : str or Path
        Ends in one of the suffixes that `load_pairs` reads. ``.npy`` takes pairs that are one to one and carry
        no texts: an array of shape (2, n, d).

    Raises
    ------
    InputError
        A suffix that is not written, or pairs that do not fit into ``.npy``.
    GapkitError
        The file cannot be written; what was there before stays.
    """
    path = Path(path)
    texts: dict[str, NDArray[Any]] = pairs.per_item() | ({} if pairs.captions is None else {"captions": pairs.captions})
    told = {} if pairs.fitted is None else {"fitted": pairs.fitted.astype(np.uint8)}
    about: dict[str, NDArray[Any]] = {"name": np.array(pairs.name)}
    if packed_meta := packed(pairs.meta):
        about[PROVENANCE] = np.array(packed_meta)
    if path.suffix.lower() == ".npy":
        one_to_one = np.array_equal(pairs.owner, np.arange(pairs.n_targets))
        if texts or told or not one_to_one:
            raise InputError(f"{path}: .npy holds two matrices and nothing else; write .npz to keep owner and texts")
        _write({"": np.stack([pairs.source, pairs.target])}, path)
    elif path.suffix.lower() in TABLES:
        row = pairs.owner
        per_row = {k: v if k == "captions" else v[row] for k, v in texts.items()}
        per_row |= {key: value[row] for key, value in told.items()}
        _write({"owner": row, "source": pairs.source[row], "target": pairs.target, **per_row, **about}, path)
    else:
        sides: dict[str, NDArray[Any]] = {"source": pairs.source, "target": pairs.target, "owner": pairs.owner}
        _write({**sides, **texts, **told, **about}, path)


def _write(parts: Parts, path: Path) -> None:
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(
            f"{path}: is not written by its suffix ({path.suffix or 'none'}); expected {', '.join(READERS)}"
        )
    try:
        writer(parts, path)
    except ImportError as error:
        raise InputError(
            f'{path}: {path.suffix} files need the package {error.name}; pip install "gapkit[io]"'
        ) from None
    except RuntimeError as error:  # how C++ writers report a full disk
        raise GapkitError(f"{path}: could not be written ({one_line(error)})") from error


def _write_npy(parts: Parts, path: Path) -> None:
    with replacing(path) as temporary:
        np.save(temporary, parts[""], allow_pickle=False)


def _write_npz(parts: Parts, path: Path) -> None:
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **parts)


def _write_safetensors(parts: Parts, path: Path) -> None:
    from safetensors.numpy import save

    texts = {key: json.dumps(value.tolist()) for key, value in parts.items() if value.dtype.kind == "U"}
    tensors = {key: np.ascontiguousarray(value) for key, value in parts.items() if key not in texts}
    write_bytes(path, save(tensors, metadata=texts or None))


def _write_torch(parts: Parts, path: Path) -> None:
    import torch

    content = {
        key: value.tolist() if value.dtype.kind == "U" else torch.from_numpy(np.array(value))
        for key, value in parts.items()
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def _table(parts: Parts) -> Any:
    import pyarrow as pa

    columns, metadata = {}, {}
    for key, value in parts.items():
        if value.ndim == 2:
            flat = pa.array(np.ascontiguousarray(value).reshape(-1))
            columns[key] = pa.FixedSizeListArray.from_arrays(flat, value.shape[1])
        elif value.ndim == 1:
            columns[key] = pa.array(value.tolist() if value.dtype.kind == "U" else value)
        else:
            metadata[f"gapkit.{key}"] = str(value)
    return pa.table(columns).replace_schema_metadata(metadata or None)


def _write_parquet(parts: Parts, path: Path) -> None:
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        pq.write_table(_table(parts), temporary)


def _write_arrow(parts: Parts, path: Path) -> None:
    import pyarrow as pa

    table = _table(parts)
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as file,
    ):
        file.write_table(table)


def _write_hdf5(parts: Parts, path: Path) -> None:
    import h5py

    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        for key, value in parts.items():
            text = value.dtype.kind == "U"
            file.create_dataset(
                key, data=value.astype(object) if text else value, dtype=h5py.string_dtype() if text else None
            )


_WRITERS = {
    ".npy": _write_npy,
    ".npz": _write_npz,
    ".safetensors": _write_safetensors,
    ".pt": _write_torch,
    ".pth": _write_torch,
    ".parquet": _write_parquet,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
    ".h5": _write_hdf5,
    ".hdf5": _write_hdf5,
}
