"""`load_embeddings` and `load_pairs`: from files to values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files.captions import CaptionTable, read_captions
from gapkit.files.store import READERS, Store, open_store, reading

ALIASES = {
    "source": ("source", "audio", "image", "x"),
    "target": ("target", "text", "y"),
    "owner": ("owner",),
    "ids": ("ids", "id", "clip"),
    "captions": ("captions", "caption"),
    "split": ("split",),
    "name": ("name",),
}
"""Names under which a file may hold each part; the first is the one that gapkit writes."""


@dataclass
class _Parts:
    """What was found so far of one `PairedEmbeddings`."""

    source: NDArray[Any]
    target: NDArray[Any]
    owner: NDArray[Any] | None = None
    ids: NDArray[Any] | None = None
    captions: NDArray[Any] | None = None
    split: NDArray[Any] | None = None
    name: str = "pairs"
    meta: dict[str, Any] = field(default_factory=dict)


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
        Its `meta` holds ``files``, ``source_dtype`` and ``target_dtype``.

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
        _add_captions(parts, read_captions(Path(captions)))
    elif captions is not None:
        parts.captions = np.asarray(captions)
    if split is not None:
        parts.split = np.asarray(split)
    parts.name = name or parts.name
    parts.meta |= {"source_dtype": str(parts.source.dtype), "target_dtype": str(parts.target.dtype)}
    return PairedEmbeddings(**{f.name: getattr(parts, f.name) for f in dataclasses.fields(parts)})


def _from_two(source: str | Path, target: str | Path) -> _Parts:
    return _Parts(
        load_embeddings(source, side="source"),
        load_embeddings(target, side="target"),
        name=_split_key(source)[0].stem,
        meta={"files": [str(source), str(target)]},
    )


def _from_folder(folder: Path) -> _Parts:
    files: dict[str, Path] = {}
    for side in ("source", "target"):
        found = [p for p in sorted(folder.iterdir()) if p.stem in ALIASES[side] and p.suffix.lower() in READERS]
        if len(found) != 1:
            what = "several: " + ", ".join(p.name for p in found) if found else "none"
            raise InputError(
                f"{folder}: expected one file {' or '.join(f'{a}.*' for a in ALIASES[side])} in this folder, found {what}"
            )
        files[side] = found[0]
    parts = _from_two(files["source"], files["target"])
    parts.name = folder.resolve().name
    if (folder / "owner.npy").exists():
        parts.owner = _load_owner(folder / "owner.npy")
    if (folder / "captions.csv").exists():
        _add_captions(parts, read_captions(folder / "captions.csv"))
    return parts


def _from_file(path: Path) -> _Parts:
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
        return _Parts(both[0], both[1], name=path.stem, meta=meta)
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
                read[part] = _text(read[part])
    title = str(read.pop("name", path.stem))
    parts = _Parts(**read, name=title, meta=meta)  # type: ignore[arg-type]
    if store.per_target:
        _fold(parts, str(path))
    return parts


def _fold(parts: _Parts, where: str) -> None:
    """Bring a table with one row a target row to one source row a clip."""
    m = len(parts.target)
    if parts.owner is not None:
        owner = parts.owner
        if owner.dtype.kind not in "iu" or owner.min(initial=0) < 0 or owner.max(initial=0) >= m:
            raise InputError(
                f"{where}: column owner must hold whole numbers from 0 below the {m} rows, got {owner.dtype}"
            )
        rows, owner = np.unique(owner, return_inverse=True)
        if len(rows) != rows[-1] + 1:
            raise InputError(f"{where}: column owner skips {rows[-1] + 1 - len(rows)} clips; number them 0, 1, 2, …")
    elif parts.ids is not None:
        owner, _ = _number(parts.ids)
    else:
        return
    first = _first_rows(owner)
    for part in ("source", "ids", "split"):
        rows = getattr(parts, part)
        if rows is not None:
            setattr(parts, part, _per_clip(rows, owner, first, f"{where}: column {part}"))
    parts.owner = owner


def _add_captions(parts: _Parts, table: CaptionTable) -> None:
    """Put the columns of a captions csv in their places."""
    m, n = len(parts.target), len(parts.source)
    if len(table.captions) != m:
        raise InputError(f"{table.path}: has {len(table.captions)} rows for {m} target rows; expected one row each")
    parts.captions = table.captions
    if table.ids is not None:
        if parts.owner is None:
            parts.owner = _owner_by_ids(parts.ids, table, n)
        first = _first_rows(parts.owner)
        parts.ids = _per_clip(table.ids, parts.owner, first, f"{table.path}: column id")
    if table.split is not None:
        owner = np.arange(m) if parts.owner is None else parts.owner
        parts.split = _per_clip(table.split, owner, _first_rows(owner), f"{table.path}: column split")


def _owner_by_ids(known: NDArray[Any] | None, table: CaptionTable, n: int) -> NDArray[np.int64]:
    assert table.ids is not None
    owner, names = _number(table.ids)
    if known is None:
        if len(names) != n:
            raise InputError(f"{table.path}: column id names {len(names)} clips, but there are {n} source rows")
        return owner
    row_of = {str(clip): row for row, clip in enumerate(known)}
    strangers = [str(clip) for clip in names if str(clip) not in row_of]
    if strangers:
        raise InputError(f"{table.path}: {len(strangers)} ids are of no source row (first: {strangers[0]})")
    return np.array([row_of[str(clip)] for clip in names], dtype=np.int64)[owner]


def _number(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Labels as numbers in order of first appearance, and the labels in that order."""
    names, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse].astype(np.int64), names[order]


def _first_rows(owner: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(owner, return_index=True)[1]


def _per_clip(rows: NDArray[Any], owner: NDArray[Any], first: NDArray[np.int64], what: str) -> NDArray[Any]:
    """One entry a clip out of one a target row; rows of one clip must agree."""
    _, clip = np.unique(owner, return_inverse=True)
    kept = rows[first]
    same = (kept[clip] == rows) | ((kept[clip] != kept[clip]) & (rows != rows))  # NaN agrees with NaN
    if not same.all():
        row = int(np.flatnonzero(~same.reshape(len(rows), -1).all(axis=1))[0])
        raise InputError(
            f"{what}: row {row} differs from row {int(first[clip[row]])}, of the same clip; make them agree"
        )
    return kept


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


def _text(array: NDArray[Any]) -> NDArray[np.str_]:
    return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array.astype(np.str_)


def _listed(store: Store) -> str:
    return ", ".join(store.keys[:8]) + (", …" if len(store.keys) > 8 else "") or "none"
