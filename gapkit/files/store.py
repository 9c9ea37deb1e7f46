"""`Store`: the named arrays of one file, whatever its format, each read when asked for."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
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
    ".arrow": "gapkit.files.arrow:open_arrow",
    ".feather": "gapkit.files.arrow:open_arrow",
    ".h5": "gapkit.files.hdf5:open_hdf5",
    ".hdf5": "gapkit.files.hdf5:open_hdf5",
}
"""Function that opens each suffix, as ``module:function``: a format costs nothing until it is used."""


@dataclass(frozen=True)
class Look:
    """Type and shape of an array, seen without reading it.

    Parameters
    ----------
    kind : str
        Letter of numpy: ``f``, ``i`` and ``u`` are numbers, ``U`` and ``S`` texts.
    shape : tuple of int
        -1 for a length that is not known before reading.
    dtype : str
        As the file says it: ``bfloat16`` where it is read as float32.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Ragged:
    """Several entries an item: `values` (m, ...), one item after another, and `counts` (n,) of each item."""

    values: NDArray[Any]
    counts: NDArray[np.int64]


Array = NDArray[Any] | Ragged


@dataclass(frozen=True)
class Access:
    """An open file: ``look(key)`` and ``read(key)`` of each of its arrays."""

    look: Callable[[str], Look]
    read: Callable[[str], Array]


@dataclass(frozen=True)
class Store:
    """Content of one file, or of several that belong together.

    Parameters
    ----------
    path : Path
    keys : tuple of str
        Names of the arrays; ``("",)`` where there is one array without a name.
    opened : callable
        ``with opened() as access``: the file stays open for as many arrays as are wanted.
    per_target : bool
        True: every array has one entry for each target row, the source too (a table).
    inner : mapping of str to Store
        Stores inside this one: the folders of a folder, and its files that hold several arrays.
    """

    path: Path
    keys: tuple[str, ...]
    opened: Callable[[], AbstractContextManager[Access]]
    per_target: bool = False
    inner: Mapping[str, Store] = field(default_factory=dict)

    def read(self, key: str) -> Array:
        """One array.

        Raises
        ------
        InputError
            Broken bytes, or a size that the file cannot hold.
        """
        with reading(self.path, key), self.opened() as access:
            return access.read(key)

    def array(self, key: str) -> NDArray[Any]:
        """One array that is not `Ragged`."""
        array = self.read(key)
        if isinstance(array, Ragged):
            raise InputError(f"{self.path}: {key} holds lists of several entries; expected one entry a row")
        return array

    def look(self, key: str) -> Look:
        """Type and shape of one array."""
        with reading(self.path, key), self.opened() as access:
            return access.look(key)

    def looks(self, keys: Iterable[str] | None = None) -> dict[str, Look]:
        """Type and shape of the arrays, by default of all; those that cannot be looked at are left out."""
        found = {}
        with reading(self.path), self.opened() as access:
            for key in self.keys if keys is None else keys:
                with contextlib.suppress(InputError), reading(self.path, key):
                    found[key] = access.look(key)
        return found


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
        if not path.exists():
            raise InputError(f"{path}: no such file; check the path, or give --dataset for a bundled set")
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


def inside(store: Store, name: str) -> Store | None:
    """The arrays below a name: a folder of a folder, a group of HDF5, a dict inside of a dict; None without any."""
    if name in store.inner:
        return store.inner[name]
    prefix = f"{name}/"
    keys = tuple(key.removeprefix(prefix) for key in store.keys if key.startswith(prefix))

    @contextlib.contextmanager
    def opened() -> Iterator[Access]:
        with store.opened() as access:
            yield Access(lambda key: access.look(prefix + key), lambda key: access.read(prefix + key))

    return Store(store.path, keys, opened, store.per_target) if keys else None


def whole_floats(store: Store, key: str, look: Look | None) -> bool:
    """Tell whether a vector of floats holds whole numbers: pandas keeps ids so where one was missing."""
    if look is None or look.kind != "f" or len(look.shape) != 1:
        return False
    values = store.array(key)
    return bool((np.abs(values) < 2**53).all() and (values == np.round(values)).all())


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


def stacked(rows: Sequence[NDArray[Any]], path: object, what: str) -> Array:
    """Vectors (d,) or (1, d) as a matrix; several rows an item, (k, d), as `Ragged`.

    Raises
    ------
    InputError
        Entries of other shapes, or vectors of several lengths.
    """
    shapes = {row.shape[-1:] for row in rows}
    if len(shapes) > 1 or any(row.ndim not in (1, 2) for row in rows):
        found = sorted({row.shape for row in rows}, key=str)[:3]
        raise InputError(
            f"{path}: {what + ': ' if what else ''}expected vectors of one length, got the shapes "
            f"{', '.join(map(str, found))}; write each as (d,)"
        )
    counts = np.array([1 if row.ndim == 1 else len(row) for row in rows], dtype=np.int64)
    values = np.concatenate([np.atleast_2d(row) for row in rows])
    return values if (counts == 1).all() else Ragged(values, counts)


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
