"""NumPy's own files: ``.npy``, memory-mapped where possible, and ``.npz``."""

from __future__ import annotations

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.store import Access, Look, Store, check_expansion

MAX_HEADER = 10_000
"""Bytes that numpy writes at most. numpy asks for the 3 GB that a header claims before it looks at its own limit."""

_LENGTHS = {(1, 0): (2, npy_format.read_array_header_1_0), (2, 0): (4, npy_format.read_array_header_2_0)}
"""Bytes of the length of a header, and what reads it, by version."""


def open_npy(path: Path) -> Store:
    """One array without a name; native float32 stays on disk as a read-only memory map."""
    with path.open("rb") as handle:
        shape, dtype = _header(handle, path, "the array")

    def read(_key: str) -> NDArray[Any]:
        # The map is refused where the shape is larger than the file; read plainly, numpy takes the memory first.
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array if dtype == np.float32 and dtype.isnative else np.array(array)

    access = Access(lambda _key: Look(dtype.kind, shape, str(dtype)), read)
    return Store(path, ("",), lambda: contextlib.nullcontext(access))


def open_npz(path: Path) -> Store:
    """The named arrays of a zip of ``.npy`` files."""
    with zipfile.ZipFile(path) as archive:
        infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    # Members that share bytes unfold again and again. zipfile of Python 3.11 reads a member inside another.
    if sum(info.compress_size for info in infos.values()) > path.stat().st_size:
        raise InputError(f"{path}: its parts claim more bytes than the file has; write it again")

    @contextlib.contextmanager
    def opened() -> Iterator[Access]:
        with zipfile.ZipFile(path) as archive:
            yield Access(
                lambda key: _look(archive, infos[key], path, key), lambda key: _member(archive, infos[key], path, key)
            )

    return Store(path, tuple(infos), opened)


def _look(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, key: str) -> Look:
    with archive.open(info) as member:
        shape, dtype = _header(member, path, key)
    return Look(dtype.kind, shape, str(dtype))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, key: str) -> NDArray[Any]:
    # LZMA takes the 4 GB of a dictionary that 500 bytes claim.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{path}: {key} is packed in a way that numpy does not write; use numpy.savez")
    with archive.open(info) as member:
        shape, dtype = _header(member, path, key)
        header = member.tell()
    # numpy makes room for the shape before it reads: 100 GB for a member of 64 bytes.
    claimed = math.prod(shape) * dtype.itemsize
    if header + claimed != info.file_size:
        raise InputError(
            f"{path}: {key} is cut off: shape {shape} of {dtype} takes {claimed:,} bytes, "
            f"{info.file_size - header:,} are there"
        )
    check_expansion(path, key, claimed, info.compress_size)
    with archive.open(info) as member:
        array: NDArray[Any] = npy_format.read_array(member, allow_pickle=False)
        member.read(1)  # the end is where zipfile compares the checksum
    return array


def _header(handle: IO[bytes], path: Path, what: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy_format.read_magic(handle)
    if version not in _LENGTHS:
        raise InputError(f"{path}: {what} has npy version {version}, of structured arrays; save a plain float32 array")
    size, read = _LENGTHS[version]
    length = handle.read(size)
    if int.from_bytes(length, "little") > MAX_HEADER:
        raise InputError(f"{path}: {what} has a header of {int.from_bytes(length, 'little'):,} bytes; write it again")
    shape, _, dtype = read(io.BytesIO(length + handle.read(int.from_bytes(length, "little"))))
    if dtype.hasobject:
        raise InputError(
            f"{path}: {what} holds Python objects (a pickle), which are never loaded; "
            "save it as numbers or text: array.astype(numpy.float32), array.astype(str)"
        )
    return shape, dtype
