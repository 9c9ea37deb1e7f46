"""`Store`: the named arrays of one file, whatever its format, each read when asked for."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import GapkitError, InputError, printable

MAX_EXPANSION = 1032
"""How many times larger than its file an array may be: what deflate reaches at best."""

READERS = {
    ".npy": "gapkit.files.npy:open_npy",
    ".npz": "gapkit.files.npy:open_npz",
    ".safetensors": "gapkit.files.tensors:open_safetensors",
    ".pt": "gapkit.files.tensors:open_torch",
    ".pth": "gapkit.files.tensors:open_torch",
    ".parquet": "gapkit.files.parquet:open_parquet",
    ".h5": "gapkit.files.hdf5:open_hdf5",
    ".hdf5": "gapkit.files.hdf5:open_hdf5",
}
"""Function that opens each suffix, as ``module:function``: a format costs nothing until it is used."""


@dataclass(frozen=True)
class Store:
    """What is in one file.

    Parameters
    ----------
    path : Path
    keys : tuple of str
        Names of the arrays; ``("",)`` where the file holds one array without a name.
    read : callable
        ``read(key)`` gives that array.
    per_target : bool
        True: every array has one entry for each target row, the source too (a table).
    """

    path: Path
    keys: tuple[str, ...]
    read: Callable[[str], NDArray[Any]]
    per_target: bool = False


def open_store(path: Path) -> Store:
    """Open a file by its suffix.

    Raises
    ------
    InputError
        No such file, a folder, an empty file, a suffix that is not read here, a broken file, or a format whose
        packages are not installed.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, expected a file; name the file inside it")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise InputError(f"{path}: is not read by its suffix ({suffix or 'none'}); expected {', '.join(READERS)}")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path") from None
    if size == 0:
        raise InputError(f"{path}: is empty (0 bytes); write it again")
    module, function = READERS[suffix].split(":")
    with reading(path):
        store: Store = getattr(importlib.import_module(module), function)(path)
    return store


@contextlib.contextmanager
def reading(path: Path, what: str = "") -> Iterator[None]:
    """Turn whatever a reader raises over broken bytes into one `InputError` line.

    Parsers of foreign bytes fail in many ways (zip, JSON, struct, pickle, C++); all mean the same to the user.
    """
    try:
        yield
    except GapkitError:
        raise
    except ImportError as error:
        raise InputError(
            f'{path}: {path.suffix} files need the package {error.name}; pip install "gapkit[io]"'
        ) from None
    except MemoryError:
        raise GapkitError(
            f"{path}: {what or 'its content'} does not fit into memory; use .npy, which is mapped"
        ) from None
    except Exception as error:
        reason = one_line(error)
        raise InputError(
            f"{path}: {what + ': ' if what else ''}not a whole {path.suffix} file ({reason}); write it again"
        ) from None


def text_array(values: Sequence[str] | NDArray[Any], path: object, what: str) -> NDArray[np.str_]:
    """Texts as an array, each as wide as the longest of them.

    Raises
    ------
    InputError
        One text so much longer than the others that the array would be far larger than its texts, or characters that
        are none.
    """
    if isinstance(values, np.ndarray):
        array = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values.astype(np.str_)
    else:
        if not all(isinstance(value, str) for value in values):
            raise InputError(f"{path}: {what} holds other things than texts; write each entry as a text")
        longest = max(map(len, values), default=0)
        whole = sum(map(len, values)) + len(values)
        # numpy makes every entry as wide as the longest: 89 GB for 320 KB of captions.
        if len(values) * longest > MAX_EXPANSION * whole:
            raise InputError(
                f"{path}: {what} has a text of {longest:,} characters among {len(values):,} short ones, which takes "
                f"{4 * longest * len(values):,} bytes of memory; shorten it"
            )
        array = np.array(values, dtype=np.str_).reshape(len(values))
    codes = np.ascontiguousarray(array).view(np.uint32) if array.dtype.itemsize and array.size else np.zeros(1, "u4")
    # Half a surrogate pair can be stored as if it were a character, and written nowhere.
    if codes.max() > 0x10FFFF or ((codes >= 0xD800) & (codes <= 0xDFFF)).any():
        raise InputError(f"{path}: {what} holds characters that Unicode does not have; write its texts as UTF-8")
    return array


def one_line(error: object, limit: int = 160) -> str:
    """The first words of an error or a text from a file, on one line and fit for a terminal."""
    text = " ".join(printable(str(error)).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def check_expansion(path: Path, what: str, claimed: int, stored: int) -> None:
    """Refuse an array whose claimed size in bytes cannot come out of the bytes stored for it.

    Raises
    ------
    InputError
    """
    if claimed > stored * MAX_EXPANSION:
        raise InputError(
            f"{path}: {what or 'the array'} claims {claimed:,} bytes but {stored:,} are stored for it; write it again"
        )
