"""The checkpoint of a training: tensors in one file, sealed by a digest of every byte of them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gapkit.atomic import write_bytes

FORMAT = "2"
"""Version of the file. The first had another one for bridges than for decoders, and none of the two said so."""


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], fingerprint: str) -> None:
    """Write the state of a training, whole or not at all.

    Parameters
    ----------
    path : Path
    tensors : mapping of str to Tensor
        On any device.
    fingerprint : str
        Stands for all that the training depends on.
    """
    content = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
    known = {"format": FORMAT, "fingerprint": fingerprint, "digest": digest_of(content)}
    write_bytes(path, save(content, metadata=known))


def read_checkpoint(path: Path, fingerprint: str) -> dict[str, Tensor] | None:
    """The state that `write_checkpoint` wrote; None where the file is missing, broken or of another training.

    Warns
    -----
    RuntimeWarning
        The file is that of another version of gapkit: its training begins anew.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            known = handle.metadata() or {}
            if "fingerprint" in known and known.get("format") != FORMAT:
                warnings.warn(
                    f"{path}: expected a checkpoint of format {FORMAT}, got one of format {known.get('format', 1)}, of "
                    "another version of gapkit; the training begins anew",
                    RuntimeWarning,
                    stacklevel=2,
                )
                return None
            if known.get("fingerprint") != fingerprint:
                return None
            tensors: dict[str, Tensor] = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return None
    return tensors if known.get("digest") == digest_of(tensors) else None


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """32 hex digits that stand for names, types, shapes and every byte."""
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(tensors):
        tensor = tensors[key]
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
