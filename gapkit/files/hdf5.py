"""``.h5`` / ``.hdf5``: datasets by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.names import in_number_order
from gapkit.files.store import Access, Look, Store, check_expansion, text_array


def open_hdf5(path: Path) -> Store:
    """Datasets of the file, those in groups as ``group/name``."""
    import h5py

    keys: list[str] = []

    def note(key: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            keys.append(key)

    # visititems follows hard links only: a link into another file is never opened.
    with h5py.File(path, "r") as file:
        file.visititems(note)

    @contextlib.contextmanager
    def opened() -> Iterator[Access]:
        with h5py.File(path, "r") as file:
            yield Access(lambda key: _look(file[key]), lambda key: _read(file[key], path, key))

    return Store(path, tuple(sorted(keys, key=in_number_order)), opened)


def _look(dataset: Any) -> Look:
    import h5py

    text = h5py.check_string_dtype(dataset.dtype) is not None
    return Look("U" if text else dataset.dtype.kind, tuple(dataset.shape or ()), str(dataset.dtype))


def _read(dataset: Any, path: Path, key: str) -> NDArray[Any]:
    import h5py

    # h5py reads both out of files beside this one, wherever they lie.
    if dataset.is_virtual or dataset.external:
        raise InputError(f"{path}: {key} keeps its numbers in another file; copy them into this one")
    # Space that was never written takes nothing on disk, and h5py asks for all of it in memory.
    check_expansion(path, key, dataset.nbytes, dataset.id.get_storage_size())
    if h5py.check_string_dtype(dataset.dtype) is not None:
        texts = np.asarray(dataset.asstr()[()], dtype=object)
        return text_array(texts.ravel().tolist(), path, key).reshape(texts.shape)
    if dataset.dtype.hasobject:
        raise InputError(f"{path}: {key} holds {dataset.dtype} of varying length; expected an array of numbers")
    return np.asarray(dataset[()])
