"""`Side`: embeddings of one modality with all that lies beside them, whatever the route."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.folders import open_folder
from gapkit.files.grouping import differing, distinct, first_rows, number, per_item, places_of
from gapkit.files.matrices import Matrix, find_matrix
from gapkit.files.names import ALIASES, IDS_OF, OF_ITEMS, OF_THE_WHOLE, is_list, named, plain
from gapkit.files.provenance import unpacked
from gapkit.files.store import READERS, Ragged, Store, inside, one_line, open_store, reading, text_array, whole_floats
from gapkit.statistics import cells_of

BESIDE_OF_A_FOLDER = ("metadata", "captions")
"""Folders and tables of a folder whose columns belong to both sides."""


@dataclass(kw_only=True)
class Side:
    """Embeddings of one modality and what is known of their items and targets.

    Parameters
    ----------
    where : str
        What error messages call it.
    count : int
        Items, n.
    rows : array or None
        Of a source (n, d), one row an item; of a target (m, d). None for a table without embeddings.
    items : dict of str to array
        `OF_ITEMS` parts that are known, each (n,).
    owner : array of shape (m,) of int, or None
        Item of each target; None: target j belongs to item j.
    captions : array of shape (m,) or None
    dtype : str
        Of the file.
    name : str or None
        Name of the pairs in the file.
    provenance : dict
        What the file tells of the encoder and of the bridge that moved the rows.
    """

    where: str
    count: int
    rows: NDArray[Any] | None = None
    items: dict[str, NDArray[Any]] = field(default_factory=dict)
    owner: NDArray[np.int64] | None = None
    captions: NDArray[Any] | None = None
    dtype: str = ""
    name: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> NDArray[Any] | None:
        """Name of each item."""
        return self.items.get("ids")


def open_any(path: Path, *, items: Collection[str] = ()) -> Store:
    """Open a file or a folder."""
    return open_folder(path, items=items) if path.is_dir() else open_store(path)


def split_key(path: str | Path) -> tuple[Path, str | None]:
    """``file:key`` as both; a colon inside a path that exists, or without a known suffix before it, is no key."""
    whole, (before, colon, key) = Path(path), str(path).rpartition(":")
    if colon and key and not whole.exists() and (Path(before).suffix.lower() in READERS or Path(before).is_dir()):
        return Path(before), key
    return whole, None


def read_side(
    store: Store,
    key: str | None,
    side: str,
    *,
    items: Collection[str] = (),
    beside: Store | None = None,
    both: bool = False,
) -> Side:
    """One side of a file or folder: its matrix, and all that lies beside it.

    Parameters
    ----------
    store : Store
    key : str or None
        Name of the matrix; None: by the usual names of `side`.
    side : {"source", "target"}
    items : collection of str
        Names of the items of the other side.
    beside : Store or None
        Another store that tells of the same rows.
    both : bool
        The store is to hold both sides.

    Raises
    ------
    InputError
        What cannot be read, or parts that do not fit each other.
    """
    matrix = find_matrix(store, key, side, items=items, both=both)
    # In one store the target side tells of captions.
    wanted = [*OF_ITEMS, "owner", *OF_THE_WHOLE, *(["captions"] if side == "target" or not both or store.inner else [])]
    stores = [matrix.store, *([store] if matrix.store is not store else []), *([beside] if beside else [])]
    stores += [inner for name in BESIDE_OF_A_FOLDER if (inner := inside(store, name)) is not None]
    found = _parts(stores, matrix, side, wanted)
    made = _Parts(matrix, side, found, table=matrix.store.per_target and matrix.counts is None)
    return made.side()


def _parts(stores: list[Store], matrix: Matrix, side: str, wanted: list[str]) -> dict[str, Any]:
    """Arrays by part; the first store that has a part gives it."""
    found: dict[str, Any] = {} if matrix.names is None else {"ids": np.array(matrix.names)}
    for store in stores:
        used = set(matrix.keys) if store is matrix.store else set()
        keys = [key for key in store.keys if key not in used and "/" not in key]
        for part in wanted:
            if part not in found and (values := read_part(store, part, side, keys)) is not None:
                found[part] = values
    return found


def read_part(store: Store, part: str, side: str, keys: Collection[str] | None = None) -> Any:
    """Array of a part, by one of its names; None where the store has none.

    Raises
    ------
    InputError
        Names of items in two arrays that name different items, or an array of another shape.
    """
    names = (*(IDS_OF[side] if part == "ids" else ()), *ALIASES[part])
    hits = named(store.keys if keys is None else keys, names)
    if not hits:
        return None
    looks = store.looks(hits)
    whole = [key for key in hits if part == "ids" and whole_floats(store, key, looks.get(key))]
    sure = plain(hits[0]) == part and part not in OF_THE_WHOLE
    if part in OF_THE_WHOLE:
        hits = [key for key in hits if key in looks and looks[key].shape in ((), (1,))]
    elif part == "captions":
        hits = [key for key in hits if key in looks and looks[key].kind in "US" and len(looks[key].shape) in (1, 2)]
    elif part == "groups":
        hits = [key for key in hits if key in whole or (key in looks and looks[key].kind in "USiu")]
    else:
        hits = [key for key in hits if key in whole or is_list(looks.get(key))]
    if not hits or (sure and plain(hits[0]) != part):
        if not sure:
            return None
        hits = named(store.keys if keys is None else keys, (part,))
    if part == "groups":
        return read_groups(store, hits[0])
    array = store.read(hits[0])
    where = f"{store.path}:{hits[0]}"
    if part == "name":
        return _title(array)
    if part == "provenance":
        return unpacked(store.array(hits[0]))
    if part == "fitted":
        return _marks(array, where)
    if part == "owner" and not isinstance(array, Ragged) and array.dtype.kind not in "US":
        return array
    values, shape = (array.values, "lists") if isinstance(array, Ragged) else (array, f"shape {array.shape}")
    if part != "captions" and (isinstance(array, Ragged) or array.ndim != 1):
        raise InputError(f"{where}: holds {shape} of {values.dtype}; expected one text or whole number a row")
    if hits[0] in whole:
        values = values.astype(np.int64)
    with reading(store.path, hits[0]):
        texts = text_array(values, store.path, hits[0])
    if part == "ids" and not sure:
        _check_same_items(store, hits, texts)
    return Ragged(texts, array.counts) if isinstance(array, Ragged) else texts


def _marks(array: Any, where: str) -> NDArray[np.bool_]:
    """True or false of each row.

    Raises
    ------
    InputError
    """
    if isinstance(array, Ragged) or array.dtype.kind not in "biu" or not np.isin(array, (0, 1)).all():
        raise InputError(
            f"{where}: expected 0 or 1 of each item, whether a bridge was fitted on it; "
            "call the array something else if it is another thing"
        )
    marks: NDArray[np.bool_] = array.astype(np.bool_)
    return marks


def read_groups(store: Store, key: str) -> NDArray[np.str_]:
    """Groups of each entry of an array of labels, or of lists of labels, one text an entry.

    Raises
    ------
    InputError
        Labels that are neither texts nor whole numbers.
    """
    array = store.read(key)
    try:
        if isinstance(array, Ragged):
            ends = np.cumsum(array.counts)
            spans = zip(ends - array.counts, ends, strict=True)
            return cells_of([array.values[start:end].tolist() for start, end in spans])
        if whole_floats(store, key, store.look(key)):
            array = array.astype(np.int64)
        if array.ndim == 1 and array.dtype.kind in "USiu":
            return text_array(array, store.path, key)
        return cells_of(array)
    except InputError as error:
        raise InputError(f"{store.path}:{key}: {error}") from None


def _check_same_items(store: Store, keys: list[str], texts: NDArray[Any]) -> None:
    """Refuse two lists of names of which one names fewer items: either may be meant."""
    for key in keys[1:]:
        other = store.array(key)
        if len(other) == len(texts) and len(np.unique(other)) != len(np.unique(texts)):
            raise InputError(
                f"{store.path}: {keys[0]} names {len(np.unique(texts))} items and {key} {len(np.unique(other))}; "
                "rename the one meant to 'ids'"
            )


def _title(name: Any) -> str:
    """A name out of a file, fit for a heading and a terminal."""
    try:
        return one_line(np.asarray(name).astype(np.str_).ravel()[0])
    except (ValueError, IndexError, SystemError):  # nothing there, or numbers that are no character
        return "pairs"


@dataclass
class _Parts:
    """Parts of one side on their way to one entry an item and one a target."""

    matrix: Matrix
    role: str
    found: dict[str, Any]
    table: bool

    def side(self) -> Side:
        rows, where = self.matrix.rows, self.matrix.where
        entries = len(rows) if self.matrix.counts is None else len(self.matrix.counts)
        parts = {part: self.found[part] for part in OF_ITEMS if part in self.found}
        side = Side(
            where=where, count=entries, rows=rows, dtype=self.matrix.dtype, name=self.found.get("name"),
            provenance=self.found.get("provenance", {}),
        )  # fmt: skip
        side.captions = self._captions(side, entries)
        if self.matrix.counts is not None:
            side.owner = np.repeat(np.arange(entries), self.matrix.counts)
        owner = self.found.get("owner")
        if owner is not None and owner.dtype.kind in "US":
            owner = self._by_name(owner, parts)
        if owner is not None:
            self._take_owner(side, owner)
        self._take_items(side, parts)
        return one_an_id(side, source=self.role == "source")

    def _captions(self, side: Side, entries: int) -> NDArray[Any] | None:
        captions = self.found.get("captions")
        if isinstance(captions, np.ndarray) and captions.ndim == 2:
            captions = Ragged(captions.ravel(), np.full(len(captions), captions.shape[1], dtype=np.int64))
        if captions is None:
            return None
        if not isinstance(captions, Ragged):
            m = len(self.matrix.rows) if self.role == "target" else captions.size
            if captions.shape != (m,):
                raise InputError(
                    f"{side.where}: captions needs one entry a target row ({m}), got shape {captions.shape}"
                )
            return np.asarray(captions)
        told = captions.counts if self.matrix.counts is None else self.matrix.counts
        if len(captions.counts) != entries or not np.array_equal(told, captions.counts):
            raise InputError(
                f"{side.where}: {len(captions.counts)} lists of {len(captions.values)} captions for {entries} items "
                f"with {len(self.matrix.rows)} rows; expected one caption a target row"
            )
        if self.role == "source":
            side.owner = np.repeat(np.arange(entries), captions.counts)
        elif self.matrix.counts is None and (captions.counts != 1).any():
            raise InputError(
                f"{side.where}: one target row an item and up to {captions.counts.max()} captions; "
                "expected one caption a target row"
            )
        return captions.values

    def _by_name(self, owner: NDArray[Any], parts: dict[str, Any]) -> NDArray[Any] | None:
        """Owner by the names of the items; names alone are the ids of the target rows."""
        known = parts.get("ids")
        if known is None or len(known) == len(owner):
            parts["ids"] = owner if known is None else known
            if known is None:
                return None
        return places_of(owner, known, f"{self.matrix.where}: owner")

    def _take_owner(self, side: Side, owner: NDArray[Any]) -> None:
        m = len(self.matrix.rows) if self.role == "target" or self.table else owner.size
        if owner.shape != (m,) or owner.dtype.kind not in "iu":
            raise InputError(
                f"{side.where}: owner needs one integer a target row ({m}), got shape {owner.shape} of {owner.dtype}"
            )
        if m == 0 or owner.min() < 0 or (self.table and owner.max() >= m):
            raise InputError(f"{side.where}: column owner must hold whole numbers from 0 below the {m} rows")
        owner = owner.astype(np.int64)
        if self.table and (lacking := owner.max() + 1 - len(np.unique(owner))):
            raise InputError(f"{side.where}: column owner skips {lacking} clips; number them 0, 1, 2, …")
        side.owner = owner
        if self.role == "target" or self.table:
            side.count = int(owner.max()) + 1
        if self.role == "source" and self.table:
            assert side.rows is not None
            side.rows = per_item(side.rows, owner, f"{side.where}: column source")

    def _take_items(self, side: Side, parts: dict[str, Any]) -> None:
        """Put texts that stand once an item, or once a target row, in their places."""
        for part, values in parts.items():
            what = f"{side.where}: column {part}"
            if self.table and side.owner is not None and len(values) == len(side.owner):
                side.items[part] = per_item(values, side.owner, what)
            elif len(values) == side.count or (
                side.owner is not None and self.role == "target" and side.count < len(values) < len(side.owner)
            ):
                side.count, side.items[part] = len(values), values
            elif side.owner is not None and len(values) == len(side.owner):
                side.items[part] = per_item(values, side.owner, what)
            elif part == "ids" and side.owner is None and self.role == "source" and distinct(values) == side.count:
                side.owner, side.items[part] = number(values)  # a name a target row
            elif not self._is_of_the_source(len(values)):
                raise InputError(
                    f"{side.where}: {part} has {len(values)} entries for {side.count} rows; expected one a row"
                )

    def _is_of_the_source(self, length: int) -> bool:
        store = self.matrix.store
        if self.role == "source":
            return False
        looks = store.looks(key for key in named(store.keys, ALIASES["source"]) if key not in self.matrix.keys)
        return any(look.shape[:1] == (length,) for look in looks.values())


def one_an_id(side: Side, *, source: bool) -> Side:
    """Bring items of one id to one item; rows of a `source` must agree where they have one id.

    Raises
    ------
    InputError
        An id that stands at different rows of a source.
    """
    if side.ids is None or distinct(side.ids) == side.count:
        return side
    groups, names = number(side.ids)
    if source and side.rows is not None:
        odd = differing(side.rows, groups)
        if len(odd):
            twice = list(dict.fromkeys(str(side.ids[row]) for row in odd))
            first = int(np.flatnonzero(side.ids == twice[0])[0])
            raise InputError(
                f"{side.where}: {len(twice)} of {len(names)} ids stand at several rows that differ (first: "
                f"{', '.join(map(repr, twice[:3]))}; {twice[0]!r} at rows {first} and {int(odd[0])}); "
                "give each item an id of its own"
            )
        side.rows = side.rows[first_rows(groups)]
    side.items = {
        part: names if part == "ids" else per_item(values, groups, f"{side.where}: column {part}")
        for part, values in side.items.items()
    }
    side.owner = groups if side.owner is None else groups[side.owner]
    side.count = len(names)
    return side
