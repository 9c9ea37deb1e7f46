"""Tensor files: ``.safetensors``, and ``.pt`` / ``.pth`` without unpickling anything but tensors."""

from __future__ import annotations

import json
import pickletools
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.provenance import KEY
from gapkit.files.store import Store, one_line, reading, text_array

if TYPE_CHECKING:
    import torch

TEXT_KEYS = ("ids", "captions", "split", "name", KEY)
"""What safetensors cannot hold as tensors: JSON in the metadata of its header."""


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
        tensors = list(handle.keys())
        metadata = handle.metadata() or {}
    texts = {key: json.loads(metadata[key]) for key in TEXT_KEYS if key in metadata and key not in tensors}

    def read(key: str) -> NDArray[Any]:
        with reading(path, key):
            if key in texts:
                return _texts(texts[key], path, key)
            with safe_open(path, framework="np") as handle:
                dtype = handle.get_slice(key).get_dtype()
                if dtype != "BF16" and not dtype.startswith("F8"):
                    array: NDArray[Any] = handle.get_tensor(key)
                    return array
            with safe_open(path, framework="pt") as handle:  # numpy has no such dtype
                wide: NDArray[Any] = handle.get_tensor(key).float().numpy()
        return wide

    return Store(path, (*tensors, *texts), read)


def open_torch(path: Path) -> Store:
    """One tensor, or a dict of tensors, texts and lists of texts, mapped from disk."""
    import torch

    # Only the zip layout can be mapped; the older one takes the memory that its header asks for.
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: not a whole file of torch.save, or one from before torch 1.6; "
            "save it again: torch.save(tensor, path)"
        )
    with zipfile.ZipFile(path) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise InputError(f"{path}: is packed in a way that torch.save does not write; save it again")
        for info in archive.infolist():
            if info.filename.lower().endswith("/data.pkl"):
                _refuse_objects(archive.read(info), path)
    # Mapped storages cannot be grown by a tensor that claims more than is stored.
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if isinstance(content, torch.Tensor):
        content = {"": content}
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: holds a {type(content).__name__}; expected a tensor or a dict of tensors")

    def read(key: str) -> NDArray[Any]:
        value = content[key]
        with reading(path, key):
            if isinstance(value, torch.Tensor):
                return _to_numpy(value, path, key)
            return _texts(value, path, key)

    return Store(path, tuple(str(key) for key in content if isinstance(key, str)), read)


def _texts(value: Any, path: Path, key: str) -> NDArray[Any]:
    if isinstance(value, str):
        return np.array(value, dtype=np.str_)
    if not isinstance(value, list | tuple):
        raise InputError(f"{path}: {key} is a {type(value).__name__}; expected a tensor or a list of texts")
    return text_array(value, path, key)


def _refuse_objects(pickled: bytes, path: Path) -> None:
    """Refuse a pickle that names anything but tensors: torch also calls what takes the memory that it is told to."""
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
