"""``.parquet``: a table with one row for each target row, embeddings in list columns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.errors import InputError
from gapkit.files.arrow_columns import array_of, fixed_length, innermost, look_of, texts_of_schema, width_of
from gapkit.files.parquet_footer import claims_of, largest_page
from gapkit.files.store import Access, Array, Look, Store, check_expansion


def open_parquet(path: Path) -> Store:
    """Columns by name: list columns as matrices, all others as vectors."""
    with open_table(path) as file:
        keys = tuple(file.schema_arrow.names)
        texts = texts_of_schema(file.schema_arrow)

    def look(key: str) -> Look:
        if key in texts:
            return Look("U", (), "text")
        with open_table(path) as file:
            return look_of(file.schema_arrow.field(key).type, file.metadata.num_rows)

    def read(key: str) -> Array:
        if key in texts:
            return np.array(texts[key])
        return array_of(read_columns(path, [key])[key], path, key)

    access = Access(look, read)
    return Store(path, (*keys, *texts), lambda: contextlib.nullcontext(access), per_target=True)


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
            inner = innermost(kind)
            if inner is None:
                raise InputError(f"{path}: column {key} holds {kind}; expected numbers, lists of numbers or texts")
            width = width_of(inner) or 4
            most = file.metadata.num_rows * fixed_length(kind)
            check_expansion(path, key, width * max(most, claims.values.get(key, 0)), size)
            page = max((largest_page(path, *place, width) for place in claims.pages.get(key, [])), default=0)
            check_expansion(path, f"a page of {key}", page, size)
        table = file.read(columns=keys)
    return {key: table.column(key) for key in keys}
