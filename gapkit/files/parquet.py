"""``.parquet``: a table with one row for each target row, embeddings in list columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.parquet_footer import claims_of, largest_page
from gapkit.files.provenance import KEY
from gapkit.files.store import MAX_EXPANSION, Store, check_expansion, reading, text_array

TEXTS = ("name", KEY)
"""What gapkit writes of the whole table, in its metadata."""


def open_parquet(path: Path) -> Store:
    """Columns by name: list columns as matrices, all others as vectors."""
    with open_table(path) as file:
        keys = tuple(file.schema_arrow.names)
        metadata = file.schema_arrow.metadata or {}
        texts = {key: metadata[f"gapkit.{key}".encode()] for key in TEXTS if f"gapkit.{key}".encode() in metadata}

    def read(key: str) -> NDArray[Any]:
        if key in texts:
            return np.array(texts[key].decode("utf-8", errors="replace"))
        with reading(path, key):
            return _column(read_columns(path, [key])[key], path, key)

    return Store(path, tuple(dict.fromkeys((*keys, *texts))), read, per_target=True)


def open_table(path: Path) -> Any:
    """The parquet file, open, no part of its footer larger than the whole.

    A dictionary lets a few bytes stand for a long text again and again: texts are read as they are stored.
    """
    import pyarrow.parquet as pq

    size = path.stat().st_size
    limits = {"thrift_string_size_limit": size, "thrift_container_size_limit": size}
    with pq.ParquetFile(path, **limits) as file:
        if len(set(file.schema_arrow.names)) < len(file.schema_arrow.names):
            raise InputError(f"{path}: has two columns of one name; rename one of them")
        leaves = [file.schema.column(place) for place in range(len(file.schema))]
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    return pq.ParquetFile(path, read_dictionary=texts, **limits)


def read_columns(path: Path, keys: Iterable[str]) -> dict[str, Any]:
    """Some columns of a table of numbers and texts, or lists of them, their sizes checked before they are read.

    Raises
    ------
    InputError
        Columns of other things, or larger than what the file stores can unfold to.
    """
    import pyarrow as pa

    keys = list(keys)
    size = path.stat().st_size
    claims = claims_of(path)
    with open_table(path) as file:
        schema = file.schema_arrow
        if claims.rows != (told := file.metadata.num_rows):
            raise InputError(f"{path}: claims {told:,} rows, and {claims.rows:,} in its groups; write it again")
        leaves = [file.schema.column(place).path for place in range(len(file.schema))]
        if any(paths != leaves for paths in claims.paths):
            raise InputError(f"{path}: its groups hold other columns than it says; write it again")
        for key in keys:
            kind = schema.field(key).type
            inner = kind.value_type if _is_list(kind, pa) or pa.types.is_dictionary(kind) else kind
            if not (_is_text(inner, pa) or _width(inner, pa)):
                raise InputError(f"{path}: column {key} holds {kind}; expected numbers, lists of numbers or texts")
            width = _width(inner, pa) or 4
            rows = file.metadata.num_rows
            most = rows * (kind.list_size if pa.types.is_fixed_size_list(kind) else 1)
            check_expansion(path, key, width * max(most, claims.values.get(key, 0)), size)
            page = max((largest_page(path, *place, width) for place in claims.pages.get(key, [])), default=0)
            check_expansion(path, f"a page of {key}", page, size)
        table = file.read(columns=keys)
    return {key: table.column(key) for key in keys}


def _column(column: Any, path: Path, key: str) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(column):
        raise InputError(f"{path}: column {key}: expected at least one row, got none")
    if column.null_count:
        raise InputError(
            f"{path}: column {key} has {column.null_count} empty cells of {len(column)}; drop or fill them"
        )
    kind = column.type
    if _is_list(kind, pa) and _is_text(kind.value_type, pa):
        raise InputError(f"{path}: column {key} holds {kind}; expected numbers, lists of numbers or texts")
    if _is_list(kind, pa):
        widths = set(pc.list_value_length(column).unique().to_pylist())
        if len(widths) > 1:
            raise InputError(
                f"{path}: column {key} has rows of {min(widths)} to {max(widths)} numbers; expected one length"
            )
        values = pc.list_flatten(column)
        if values.null_count:
            raise InputError(f"{path}: column {key} has {values.null_count} empty numbers; drop or fill these rows")
        return np.asarray(values.to_numpy()).reshape(len(column), -1)
    if _is_text(kind, pa):
        return text_array(texts_of(column, path, key), path, f"column {key}")
    return np.asarray(column.to_numpy())


def texts_of(column: Any, path: Path, key: str) -> list[Any]:
    """Entries of a column of texts or of lists of texts, None where a cell is empty.

    Raises
    ------
    InputError
        A dictionary repeats a text so often that all of them would take far more memory than the file.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if _is_list(column.type, pa):
        inside = iter(texts_of(pc.list_flatten(column), path, key))
        lengths = pc.list_value_length(column).to_pylist()
        return [None if length is None else [next(inside) for _ in range(length)] for length in lengths]
    if not pa.types.is_dictionary(column.type):  # numbers
        return list(column.to_pylist())
    found: list[Any] = []
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        # The same word is the same object: nothing is copied.
        found += [None if place is None else words[place] for place in chunk.indices.to_pylist()]
    longest = max((len(text) for text in found if text is not None), default=0)
    if longest * len(found) > MAX_EXPANSION * path.stat().st_size:
        raise InputError(
            f"{path}: column {key} unfolds to {longest * len(found):,} characters, more than its file can hold; "
            "write it again"
        )
    return found


def _is_list(kind: Any, pa: Any) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_text(kind: Any, pa: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _width(kind: Any, pa: Any) -> int:
    """Bytes of a number or a time; 0 for everything else."""
    return max(1, int(kind.bit_width) // 8) if pa.types.is_primitive(kind) else 0
