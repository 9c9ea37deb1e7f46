"""``.parquet``: a table with one row for each target row, embeddings in list columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.store import Store, check_expansion, reading


def open_parquet(path: Path) -> Store:
    """Columns by name: list columns as matrices, all others as vectors."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        keys = tuple(file.schema_arrow.names)
        name = (file.schema_arrow.metadata or {}).get(b"gapkit.name")
        for group in range(file.metadata.num_row_groups):
            for column in range(file.metadata.num_columns):
                chunk = file.metadata.row_group(group).column(column)
                check_expansion(path, chunk.path_in_schema, 4 * chunk.num_values, path.stat().st_size)

    def read(key: str) -> NDArray[Any]:
        if key == "name" and name is not None:
            return np.array(name.decode("utf-8", errors="replace"))
        with reading(path, key), pq.ParquetFile(path) as file:
            column = file.read(columns=[key]).column(key)
        return _column(column, path, key)

    return Store(path, keys if name is None or "name" in keys else (*keys, "name"), read, per_target=True)


def _column(column: Any, path: Path, key: str) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise InputError(
            f"{path}: column {key} has {column.null_count} empty cells of {len(column)}; drop or fill them"
        )
    kind = column.type
    with reading(path, key):
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            widths = set(pc.list_value_length(column).unique().to_pylist())
            if len(widths) > 1:
                raise InputError(
                    f"{path}: column {key} has rows of {min(widths)} to {max(widths)} numbers; expected one length"
                )
            values = pc.list_flatten(column)
            if values.null_count:
                raise InputError(f"{path}: column {key} has {values.null_count} empty numbers; drop or fill these rows")
            return np.asarray(values.to_numpy()).reshape(len(column), -1)
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
            kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return np.array(column.to_pylist(), dtype=np.str_)
        return np.asarray(column.to_numpy())
