"""``.h5`` / ``.hdf5``: datasets by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.store import Store, check_expansion, reading, text_array


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

    def read(key: str) -> NDArray[Any]:
        with reading(path, key), h5py.File(path, "r") as file:
            dataset = file[key]
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

    return Store(path, tuple(keys), read)
