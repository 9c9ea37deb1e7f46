"""`load_embeddings` and `load_pairs`: from files to values."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files.captions import read_captions
from gapkit.files.clips import Parts, add_captions, fold
from gapkit.files.provenance import KEY, read_beside, unpacked
from gapkit.files.store import READERS, Store, one_line, open_store, reading, text_array

ALIASES = {
    "source": ("source", "audio", "image", "x"),
    "target": ("target", "text", "y"),
    "owner": ("owner",),
    "ids": ("ids", "id", "clip"),
    "captions": ("captions", "caption"),
    "split": ("split",),
    "name": ("name",),
    "fitted": ("fitted",),
    "provenance": (KEY,),
}
"""Names under which a file may hold each part; the first is the one that gapkit writes."""


def load_embeddings(path: str | Path, *, side: str | None = None) -> NDArray[Any]:
    """Embeddings of one modality out of a file.

    Parameters
    ----------
    path : str or Path
        A file, or ``file:key`` for one of its named arrays or columns.
    side : {"source", "target"}, optional
        Which side to take, by its usual names, where the file holds several arrays and no key is given.

    Returns
    -------
    array of shape (n, d)
        Real numbers in the dtype of the file. A float32 ``.npy`` is a read-only memory map.

    Raises
    ------
    InputError
        No such file or key, a broken or pickled file, not a matrix of real numbers.
    """
    file, key = _split_key(path)
    store = open_store(file)
    if key is None:
        key = _only_matrix(store, side)
    elif key not in store.keys:
        raise InputError(f"{file}: holds nothing named {key!r}; names here: {_listed(store)}")
    return _matrix(store.read(key), f"{file}:{key}" if key else str(file))


def load_pairs(
    path: str | Path,
    *,
    target: str | Path | None = None,
    owner: Any = None,
    captions: Any = None,
    split: Any = None,
    name: str | None = None,
) -> PairedEmbeddings:
    """Paired embeddings out of one file, two files or a folder.

    Parameters
    ----------
    path : str or Path
        A file with both sides, a ``.npy`` of shape (2, n, d), a folder with ``source.*`` and ``target.*``, or,
        where `target` is given, ``file[:key]`` of the source side.
    target : str or Path, optional
        ``file[:key]`` of the target side.
    owner : array of shape (m,) of int, or str or Path, optional
        Source row of each target row, or ``file[:key]`` of it.
    captions : sequence of str of length m, or str or Path, optional
        Text of each target row, or a csv with the column ``caption`` and, if it has them, ``id`` (rows with
        the same id describe one clip) and ``split``.
    split : sequence of str of length n, optional
        Part that each clip belongs to.
    name : str, optional
        What tables call these embeddings; left out, the name in the file or that of the file.

    Returns
    -------
    PairedEmbeddings
        Its `meta` holds ``files``, ``source_dtype``, ``target_dtype`` and ``opened``: the paths of this call by
        argument, as they were given, so that it can be made again.

    Raises
    ------
    InputError
        What cannot be read, or parts that do not fit each other.
    """
    if target is not None:
        parts = _from_two(path, target)
    elif Path(path).is_dir():
        parts = _from_folder(Path(path))
    else:
        parts = _from_file(Path(path))
    if owner is not None:
        parts.owner = _load_owner(owner)
    if isinstance(captions, str | Path):
        add_captions(parts, read_captions(Path(captions)))
    elif captions is not None:
        parts.captions = np.asarray(captions)
    if split is not None:
        parts.split = np.asarray(split)
    parts.name = name or parts.name
    parts.meta |= {"source_dtype": str(parts.source.dtype), "target_dtype": str(parts.target.dtype)}
    given = {"path": path, "target": target, "owner": owner, "captions": captions}
    parts.meta["opened"] = {key: str(value) for key, value in given.items() if isinstance(value, str | Path)}
    return PairedEmbeddings(**{f.name: getattr(parts, f.name) for f in dataclasses.fields(parts)})


def _from_two(source: str | Path, target: str | Path) -> Parts:
    file = _split_key(source)[0]
    fitted, told = said_by_bridge(file)
    return Parts(
        load_embeddings(source, side="source"),
        load_embeddings(target, side="target"),
        name=file.stem,
        meta={"files": [str(source), str(target)], **told},
        fitted=fitted,
    )


def said_by_bridge(file: Path) -> tuple[NDArray[Any] | None, dict[str, Any]]:
    """Which rows of a file of moved sources were fitted on, and its provenance; None and empty where it tells neither.

    Whole pairs hold both; what tells them of a bare matrix lies beside it.

    Raises
    ------
    InputError
        A broken file.
    """
    if beside := read_beside(file):
        return beside
    store = open_store(file)
    found = {key: store.read(key) for key in ("fitted", KEY) if key in store.keys}
    return found.get("fitted"), unpacked(found.get(KEY))


def holds_pairs(path: str | Path) -> bool:
    """Whether a file or folder holds both sides, rather than a matrix.

    Raises
    ------
    InputError
        No such file, or a broken one.
    """
    file, key = _split_key(path)
    if key is not None or file.is_dir():
        return key is None
    store = open_store(file)
    if store.keys == ("",):
        return store.read("").ndim == 3
    return all(_find(store, side) is not None for side in ("source", "target"))


def _from_folder(folder: Path) -> Parts:
    files: dict[str, Path] = {}
    for side in ("source", "target"):
        found = [p for p in sorted(folder.iterdir()) if p.stem in ALIASES[side] and p.suffix.lower() in READERS]
        if len(found) != 1:
            what = "several: " + ", ".join(p.name for p in found) if found else "none"
            raise InputError(
                f"{folder}: expected one file {' or '.join(f'{a}.*' for a in ALIASES[side])} here, found {what}"
            )
        files[side] = found[0]
    parts = _from_two(files["source"], files["target"])
    parts.name = folder.resolve().name
    if (folder / "owner.npy").exists():
        parts.owner = _load_owner(folder / "owner.npy")
    if (folder / "captions.csv").exists():
        add_captions(parts, read_captions(folder / "captions.csv"))
    return parts


def _from_file(path: Path) -> Parts:
    store = open_store(path)
    meta: dict[str, Any] = {"files": [str(path)]}
    if store.keys == ("",):
        both = store.read("")
        if both.ndim != 3 or len(both) != 2:
            raise InputError(
                f"{path}: holds one array of shape {both.shape}; expected both sides, shape (2, n, d), "
                "or give the target side as a second file"
            )
        _matrix(both[0], str(path))
        return Parts(both[0], both[1], name=path.stem, meta=meta)
    found = {part: _find(store, part) for part in ALIASES}
    for side in ("source", "target"):
        if found[side] is None:
            raise InputError(
                f"{path}: no {side} embeddings, named {' or '.join(ALIASES[side])}; names here: {_listed(store)}; "
                "rename one or give two sides as file:key"
            )
    read = {part: store.read(key) for part, key in found.items() if key is not None}
    for side in ("source", "target"):
        read[side] = _matrix(read[side], f"{path}:{found[side]}")
    for part in ("ids", "captions", "split"):
        if part in read:
            with reading(path, part):
                read[part] = text_array(read[part], path, part)
    title = _title(read.pop("name", path.stem))
    meta |= unpacked(read.pop("provenance", None))
    parts = Parts(**read, name=title, meta=meta)
    if store.per_target:
        fold(parts, str(path))
    return parts


def _load_owner(owner: Any) -> NDArray[Any]:
    if not isinstance(owner, str | Path):
        return np.asarray(owner)
    file, key = _split_key(owner)
    store = open_store(file)
    if key is None:
        key = "" if store.keys == ("",) else "owner"
    if key not in store.keys:
        raise InputError(f"{file}: holds nothing named {key!r}; names here: {_listed(store)}")
    return store.read(key)


def _split_key(path: str | Path) -> tuple[Path, str | None]:
    """``file:key`` as both; a colon inside a path that exists, or without a known suffix before it, is no key."""
    whole, (before, colon, key) = Path(path), str(path).rpartition(":")
    if colon and key and Path(before).suffix.lower() in READERS and not whole.exists():
        return Path(before), key
    return whole, None


def _find(store: Store, part: str) -> str | None:
    hits = [alias for alias in ALIASES[part] if alias in store.keys]
    if len(hits) > 1 and hits[0] != part:
        raise InputError(f"{store.path}: holds both {hits[0]} and {hits[1]}; rename the one meant to {part!r}")
    return hits[0] if hits else None


def _only_matrix(store: Store, side: str | None) -> str:
    if len(store.keys) == 1:
        return store.keys[0]
    key = _find(store, side) if side else None
    if key is None:
        raise InputError(
            f"{store.path}: holds several arrays; choose one as {store.path.name}:KEY from {_listed(store)}"
        )
    return key


def _matrix(array: NDArray[Any], what: str) -> NDArray[Any]:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{what}: holds {array.dtype}, expected real numbers; save embeddings as float32")
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{what}: has shape {array.shape}, expected (n, d): one embedding a row, at least one")
    return array


def _title(name: Any) -> str:
    """A name out of a file, fit for a heading and a terminal."""
    try:
        return one_line(np.asarray(name).astype(np.str_).ravel()[0])
    except (ValueError, IndexError, SystemError):  # nothing there, or numbers that are no character
        return "pairs"


def _listed(store: Store) -> str:
    return ", ".join(store.keys[:8]) + (", …" if len(store.keys) > 8 else "") or "none"
