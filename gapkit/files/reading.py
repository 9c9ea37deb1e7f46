"""`load_embeddings` and `load_pairs`: from files to values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files.companions import described, groups_of, named_by, owner_of, table_in, table_of
from gapkit.files.joining import Join, Joined, add_groups, add_table, check_join, join_sides
from gapkit.files.matrices import find_matrix, named_store
from gapkit.files.names import SIDES, side_key
from gapkit.files.provenance import read_beside
from gapkit.files.sides import Side, open_any, read_side, split_key
from gapkit.files.store import READERS, Store, inside


def load_embeddings(path: str | Path, *, side: str | None = None) -> NDArray[Any]:
    """Embeddings of one modality out of a file or a folder.

    Parameters
    ----------
    path : str or Path
        A file, or ``file:key`` for one of its named arrays or columns; or a folder with one file an item, or shards.
    side : {"source", "target"}, optional
        Which side to take, by its usual names, where the file holds several arrays and no key is given. A table that
        repeats the source for each target gives one source row an item.

    Returns
    -------
    array of shape (n, d)
        Real numbers in the dtype of the file. A float32 ``.npy`` is a read-only memory map. Of a target with k rows
        an item, (n, k, d), all rows.

    Raises
    ------
    InputError
        No such file or key, a broken or pickled file, not a matrix of real numbers.
    """
    file, key = split_key(path)
    store = open_any(file)
    if side == "source" and store.per_target:
        rows = read_side(store, key, side).rows
        assert rows is not None
        return rows
    return find_matrix(store, key, side).rows


def load_pairs(
    path: str | Path,
    *,
    target: str | Path | None = None,
    owner: Any = None,
    captions: Any = None,
    split: Any = None,
    groups: Any = None,
    name: str | None = None,
    join: Join = "all",
) -> PairedEmbeddings:
    """Paired embeddings out of one file, two files or a folder.

    Rows are joined by the names of their items where both sides have some, whatever their order, and by position
    otherwise. What lies beside a matrix (ids, owner, split, labels, groups, captions) comes along, on either side.

    Parameters
    ----------
    path : str or Path
        A file with both sides, a ``.npy`` of shape (2, n, d), a folder with both sides, or, where `target` is given,
        ``file[:key]`` or a folder of the source side.
    target : str or Path, optional
        ``file[:key]`` or a folder of the target side. Of a file with both sides its target is taken: the rows of
        `path` take the place of its source.
    owner : array of shape (m,), or str or Path, optional
        Source row of each target row (whole numbers), or the id of its item (texts); or ``file[:key]`` of them.
    captions : sequence of str of length m, or str or Path, optional
        Text of each target row, or a table of captions that may have the ids, splits and labels of their items.
    split : sequence of str of length n, optional
        Part that each clip belongs to.
    groups : sequence of length n of str or of lists of str, or str or Path, optional
        Origins of each clip; or a table or ``file[:key]`` of them, by ids where both have some and row by row
        otherwise; or the name of an array or column of `path`. They take the place of groups in the files.
    name : str, optional
        What tables call these embeddings; left out, the name in the file or that of the file.
    join : {"all", "inner"}
        ``"all"``: an id that one side lacks is an error. ``"inner"``: the items are taken that both sides have.

    Returns
    -------
    PairedEmbeddings
        Its `meta` holds ``files``, ``source_dtype``, ``target_dtype``, ``joined`` (how, in words) and ``opened``: the
        paths of this call by argument, as they were given, so that it can be made again.

    Raises
    ------
    InputError
        What cannot be read, or parts that do not fit each other.
    """
    check_join(join)
    source, other = _two(path, target) if target is not None else _one(Path(path))
    if beside := read_beside(split_key(path)[0]):
        source.items["fitted"], source.provenance = beside
    if split is not None:
        source.items["split"] = _texts(split, "split", source.count, "clip", source.where)
        other.items.pop("split", None)
    given = {"path": path, "target": target, "owner": owner, "captions": captions, "groups": groups}
    rows = None if owner is None else owner_of(owner)
    if rows is not None and source.ids is None and set(rows.ravel().tolist()) == set(map(str, range(source.count))):
        rows = rows.astype(np.int64)  # ids that number the rows of a source without ids
    if rows is not None and rows.dtype.kind in "US":
        other, rows = named_by(other, rows), None
    if captions is None and target is None:
        captions = table_in(Path(path))
    table = table_of(captions) if isinstance(captions, str | Path) else None
    by_place = ""
    if table is not None and rows is None and other.ids is None and other.owner is None:
        by_place = f"target rows described by {table.where} row by row"
        other, table = described(other, table), None
    assert other.rows is not None
    if captions is not None and not isinstance(captions, str | Path):
        other.captions = _texts(captions, "captions", len(other.rows), "target row", other.where)
        source.captions = None
    made = join_sides(source, other, join=join, owner=rows)
    if target is None and other.owner is not None and made.items.get("ids") is None:
        made.said = ["joined by owner"]
    if by_place:
        made.said.append(by_place)
    if table is not None:
        add_table(made, table, join=join)
    if groups is not None:
        add_groups(made, groups_of(groups, Path(path)))
    title = name or (source.name if target is None else None) or _stem(path)
    meta: dict[str, Any] = {
        "files": [str(path), *([str(target)] if target is not None else [])],
        "source_dtype": source.dtype,
        "target_dtype": other.dtype,
        "joined": "; ".join(made.said),
        **source.provenance,
    }
    meta["opened"] = {key: str(value) for key, value in given.items() if isinstance(value, str | Path)}
    if join != "all":
        meta["opened"]["join"] = join
    del source, other  # their texts are of no more use
    return _pairs(made, title, meta)


def load_side(path: str | Path, *, side: Literal["source", "target"] = "source") -> Side:
    """Embeddings of one modality, and all that lies beside them.

    Parameters
    ----------
    path : str or Path
        A file, ``file:key``, or a folder.
    side : {"source", "target"}
        Which side to take of a file that holds both.

    Returns
    -------
    Side
        Rows in the dtype of the file, ids, split, labels, the marks of fitted items and where they come from.

    Raises
    ------
    InputError
        What cannot be read, or parts that do not fit each other.
    """
    file, key = split_key(path)
    found = read_side(open_any(file), key, side)
    if beside := read_beside(file):
        found.items["fitted"], found.provenance = beside
    return found


def holds_both_sides(path: str | Path) -> bool:
    """Tell whether a file or folder holds pairs rather than one side."""
    path = Path(path)
    if not path.is_dir() and not (path.is_file() and path.suffix.lower() in READERS):
        return False
    store = open_any(path)
    if store.keys == ("",):
        return len(store.look("").shape) == 3
    looks = store.looks()
    return all(
        side_key(looks, store.keys, side, str(path)) is not None or named_store(store, side) is not None
        for side in SIDES
    )


def _pairs(made: Joined, name: str, meta: dict[str, Any]) -> PairedEmbeddings:
    texts: dict[str, Any] = {"owner": made.owner, "captions": made.captions, **made.items}
    return PairedEmbeddings(made.source, made.target, name=name, meta=meta, **texts)


def _two(source: str | Path, target: str | Path) -> tuple[Side, Side]:
    (file, key), (other, other_key) = split_key(source), split_key(target)
    beside = _beside(file, other)
    side = read_side(open_any(file), key, "source", beside=beside)
    items = () if side.ids is None else side.ids.tolist()
    return side, read_side(open_any(other, items=items), other_key, "target", items=items, beside=beside)


def _beside(source: Path, target: Path) -> Store | None:
    """The folder ``metadata`` beside two folders of shards, as clip-retrieval writes them."""
    if not (source.is_dir() and target.is_dir()) or source.resolve().parent != target.resolve().parent:
        return None
    shared = source.resolve().parent / "metadata"
    return open_any(shared) if shared.is_dir() else None


def _one(path: Path) -> tuple[Side, Side]:
    file, key = split_key(path)
    store = open_any(file)
    if key is not None:
        within = inside(store, key)
        if within is None:
            raise InputError(f"{path}: names one side; give the other one as a second file (--target)")
        store = within
    if store.keys == ("",):
        return _both(store, path)
    source = read_side(store, None, "source", both=True)
    items = () if source.ids is None else source.ids.tolist()
    return source, read_side(store, None, "target", items=items, both=True)


def _both(store: Store, path: Path) -> tuple[Side, Side]:
    look = store.look("")
    if len(look.shape) != 3 or look.shape[0] != 2:
        raise InputError(
            f"{path}: holds one array of shape {look.shape}; expected both sides, shape (2, n, d), "
            "or give the target side as a second file"
        )
    both = store.array("")
    if both.dtype.kind not in "fiu" or 0 in both.shape:
        raise InputError(f"{path}: holds {both.dtype} {both.shape}, expected real numbers; save embeddings as float32")
    where = str(path)
    source, target = (Side(where=where, count=len(rows), rows=rows, dtype=look.dtype) for rows in both)
    return source, target


def _texts(values: Any, part: str, length: int, unit: str, where: str) -> NDArray[np.str_]:
    array = np.asarray(values).astype(np.str_)
    if array.shape != (length,):
        raise InputError(f"{where}: {part} needs one entry a {unit} ({length}), got shape {array.shape}")
    return array


def _stem(path: str | Path) -> str:
    file = split_key(path)[0]
    return file.resolve().name if file.is_dir() else file.stem
