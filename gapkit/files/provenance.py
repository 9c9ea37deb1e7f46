"""Where embeddings come from, in their file or beside it: the encoder, and the bridge that moved them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import write_text
from gapkit.errors import InputError
from gapkit.records import read_json, sealed, unsealed

KEY = "gapkit_provenance"
"""Name of it in a file: no other program's."""
KEPT = ("encoder", "gapkit", "moved")
"""Entries of `PairedEmbeddings.meta` that a file keeps; the others tell of the file itself."""
BESIDE = ".fitted.json"
"""End of the name of what lies beside a bare matrix."""


def packed(meta: Mapping[str, Any]) -> str:
    """JSON of the entries of `meta` that a file keeps; empty where there are none."""
    kept = {key: meta[key] for key in KEPT if key in meta}
    return json.dumps(kept, sort_keys=True, default=str) if kept else ""


def unpacked(text: NDArray[Any] | None) -> dict[str, Any]:
    """Undo `packed`; empty for a text of another program."""
    if text is None or text.ndim or text.dtype.kind != "U":
        return {}
    try:
        return _kept(json.loads(str(text)))
    except (ValueError, RecursionError):
        return {}


def write_beside(path: Path, fitted: NDArray[np.bool_], meta: Mapping[str, Any]) -> None:
    """Say beside a matrix which of its rows were fitted on, and where they come from.

    Parameters
    ----------
    path : Path
        The matrix, already written: its digest tells which file is meant.
    fitted : array of shape (n,) of bool
    meta : mapping
        Of which `KEPT` are written.
    """
    content = {
        "content": _digest(path),
        "fitted": np.flatnonzero(fitted).tolist(),
        "rows": len(fitted),
        "provenance": json.loads(packed(meta) or "{}"),
    }
    write_text(_beside(path), json.dumps(sealed(content)) + "\n")


def read_beside(path: Path) -> tuple[NDArray[np.bool_], dict[str, Any]] | None:
    """Read what `write_beside` wrote of this very file; None where nothing lies there, or that of an earlier file.

    Raises
    ------
    InputError
        It was changed since.
    """
    beside = _beside(path)
    if not beside.is_file() or not path.is_file():
        return None
    try:
        content = unsealed(read_json(beside), required=True)
        if content["content"] != _digest(path):
            return None
        fitted = np.zeros(int(content["rows"]), dtype=np.bool_)
        fitted[np.asarray(content["fitted"], dtype=np.int64)] = True
        return fitted, _kept(content["provenance"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise InputError(
            f"{beside}: not readable as what `gapkit transform` wrote ({error}); move the rows again, or remove it"
        ) from None


def _beside(path: Path) -> Path:
    return path.with_name(path.name + BESIDE)


def _kept(content: Any) -> dict[str, Any]:
    return {key: content[key] for key in KEPT if key in content} if isinstance(content, dict) else {}


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
