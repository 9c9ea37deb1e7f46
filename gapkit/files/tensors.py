"""Tensor files: ``.safetensors``, and ``.pt`` / ``.pth`` without unpickling anything but tensors."""

from __future__ import annotations

import contextlib
import json
import pickletools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.names import in_number_order, is_part
from gapkit.files.store import Access, Array, Look, Ragged, Store, one_line, stacked, text_array

if TYPE_CHECKING:
    import torch

DEEPEST = 4
"""Dicts inside one another."""

FLOATS_OF_TORCH = {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
"""Types that numpy lacks, as safetensors and torch call them; they are read as float32."""


TENSORS = re.compile(
    r"collections OrderedDict"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|tensor_v3|parameter)"
    r"|torch\.nn\.parameter Parameter"
    r"|torch(\.storage)? \w+Storage"
    r"|torch (bfloat16|complex\d+|float\w+|int\d+|uint\d+|bool|Size)"
)
"""What the pickle of a dense tensor names; ``torch NAME`` are its dtypes."""


def open_safetensors(path: Path) -> Store:
    """Tensors by name; texts come as JSON out of the header's metadata."""
    from safetensors import safe_open

    # The library holds every offset against the length of the file before it maps it.
    with safe_open(path, framework="np") as handle:
        tensors = set(handle.keys())
        metadata = {key: text for key, text in (handle.metadata() or {}).items() if is_part(key) and key not in tensors}

    @contextlib.contextmanager
    def opened() -> Iterator[Access]:
        with safe_open(path, framework="np") as handle:
            yield Access(lambda key: look(handle, key), lambda key: read(handle, key))

    def look(handle: Any, key: str) -> Look:
        if key in metadata:
            return _look(_parsed(metadata[key]))
        tensor = handle.get_slice(key)
        dtype = tensor.get_dtype()
        if dtype in FLOATS_OF_TORCH or dtype.startswith("F8"):
            return Look("f", tuple(tensor.get_shape()), FLOATS_OF_TORCH.get(dtype, dtype.lower()))
        letter = {"F": "f", "I": "i", "U": "u", "B": "b", "C": "c"}.get(dtype[0], "")
        name = {"F": "float", "I": "int", "U": "uint", "C": "complex"}.get(dtype[0], "")
        return Look(letter, tuple(tensor.get_shape()), name + dtype[1:] if name else dtype.lower())

    def read(handle: Any, key: str) -> Array:
        if key in metadata:
            return _values(_parsed(metadata[key]), path, key)
        dtype = handle.get_slice(key).get_dtype()
        if dtype != "BF16" and not dtype.startswith("F8"):
            array: NDArray[Any] = handle.get_tensor(key)
            return array
        with safe_open(path, framework="pt") as torch_handle:
            wide: NDArray[Any] = torch_handle.get_tensor(key).float().numpy()
        return wide

    return Store(path, (*sorted(tensors, key=in_number_order), *metadata), opened)


def _parsed(text: str) -> Any:
    """JSON, or the text itself where a program wrote it plainly."""
    return json.loads(text) if text[:1] in ('"', "[") else text


def open_torch(path: Path) -> Store:
    """A tensor, a list of tensors, or a dict of tensors, texts and lists of them, mapped from disk."""
    import torch

    # torch refuses to map its older layout too, but its line has no remedy.
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: not a whole file of torch.save, or one from before torch 1.6; "
            "save it again: torch.save(tensor, path)"
        )
    with zipfile.ZipFile(path) as archive:
        # torch maps packed bytes as they lie: numbers that deflate makes no smaller come out as others.
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise InputError(f"{path}: is packed in a way that torch.save does not write; save it again")
        for info in archive.infolist():
            if info.filename.lower().endswith("/data.pkl"):
                _refuse_objects(archive.read(info), path)
    # Mapped storages cannot be grown by a tensor that claims more than is stored.
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    found = dict(_flat(content, path))
    if not found:
        raise InputError(f"{path}: holds a {type(content).__name__}; expected a tensor or a dict of tensors")
    access = Access(lambda key: _look(found[key]), lambda key: _values(found[key], path, key))
    return Store(path, tuple(found), lambda: contextlib.nullcontext(access))


def _flat(content: Any, path: Path, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Entries by key, those of an inner dict as ``outer/inner``; a list of dicts is a table of their common keys."""
    if isinstance(content, list | tuple) and content and all(isinstance(row, dict) for row in content):
        shared = [key for key in content[0] if all(key in row for row in content)]
        content = {key: [row[key] for row in content] for key in shared}
    if not isinstance(content, dict):
        if prefix or not isinstance(content, str | int | float | None):
            yield prefix, content
        return
    if depth > DEEPEST:
        raise InputError(f"{path}: holds dicts inside one another {depth} deep; save a dict of tensors")
    names = [str(key) for key in content if isinstance(key, str | int)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path}: has the key {twice!r} as a text and as a number; give each its own name")
    for key, value in content.items():
        if isinstance(key, str | int):
            yield from _flat(value, path, f"{prefix}/{key}" if prefix else str(key), depth + 1)


def _look(value: Any) -> Look:
    import torch

    if isinstance(value, torch.Tensor):
        name = str(value.dtype).removeprefix("torch.")
        kind = "f" if value.is_floating_point() else "c" if value.is_complex() else "b" if name == "bool" else "i"
        return Look(kind, tuple(value.shape), name)
    if isinstance(value, str):
        return Look("U", (), "text")
    if not isinstance(value, list | tuple) or not value:
        return Look("", (), type(value).__name__)
    first = _look(value[0]) if not isinstance(value[0], int) else Look("i", (), "int64")
    same = all(getattr(entry, "shape", None) == getattr(value[0], "shape", None) for entry in value)
    return Look(first.kind, (len(value), *(first.shape if same else (-1,) * len(first.shape))), first.dtype)


def _values(value: Any, path: Path, key: str) -> Array:
    """A tensor, a text, or a list of texts, whole numbers or tensors, as an array."""
    import torch

    if isinstance(value, torch.Tensor):
        return _to_numpy(value, path, key)
    if isinstance(value, str):
        return np.array(value, dtype=np.str_)
    if not isinstance(value, list | tuple):
        raise InputError(f"{path}: {key} is a {type(value).__name__}; expected a tensor or a list of texts")
    if value and all(type(entry) is int for entry in value):
        return np.array(value, dtype=np.int64)
    if value and all(isinstance(entry, list | tuple) for entry in value):
        texts = text_array([text for entry in value for text in entry], path, key)
        return Ragged(texts, np.array([len(entry) for entry in value], dtype=np.int64))
    if not value or not all(isinstance(entry, torch.Tensor) for entry in value):
        return text_array(value, path, key)
    rows = [_to_numpy(entry, path, f"{key}[{place}]" if key else f"entry {place}") for place, entry in enumerate(value)]
    return stacked(rows, path, key)


def _refuse_objects(pickled: bytes, path: Path) -> None:
    """Refuse a pickle that names anything but tensors.

    ``weights_only`` runs no code, but it calls ``bytearray`` with any number: 350 bytes took 10 GB.
    """
    for operation, argument, _ in pickletools.genops(pickled):
        if "GLOBAL" in operation.name and not (isinstance(argument, str) and TENSORS.fullmatch(argument)):
            what = argument.replace(" ", ".") if isinstance(argument, str) else "by a name that it computes"
            raise InputError(
                f"{path}: holds pickled Python objects ({one_line(what, 80)}), which are never loaded; "
                "save a tensor or a dict of tensors, dense ones: tensor.to_dense()"
            )


def _to_numpy(tensor: torch.Tensor, path: Path, key: str) -> NDArray[Any]:
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized:
        raise InputError(f"{path}: {key or 'the tensor'} is sparse or quantized; save tensor.to_dense() as float32")
    size = path.stat().st_size
    if tensor.numel() * tensor.element_size() > size:  # a stride of zero claims any shape
        raise InputError(
            f"{path}: {key or 'the tensor'} claims the shape {tuple(tensor.shape)}, more than the file holds"
        )
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16 or (tensor.dtype.itemsize == 1 and tensor.is_floating_point()):
        tensor = tensor.float()  # numpy has no such dtype
    array: NDArray[Any] = tensor.resolve_conj().resolve_neg().numpy()
    return array
