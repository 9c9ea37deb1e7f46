"""Columns of Arrow tables as arrays: numbers, texts, and lists of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.store import MAX_EXPANSION, Array, Look, Ragged, text_array

OF_THE_WHOLE = "gapkit."
"""Prefix of the metadata keys that hold texts of the whole table: its name, its provenance."""

DEEPEST = 2
"""Lists inside one another: several vectors an item."""


def texts_of_schema(schema: Any) -> dict[str, str]:
    """Texts of the whole table by name, but those that a column has the name of."""
    texts = {
        key.decode(errors="replace"): value.decode(errors="replace") for key, value in (schema.metadata or {}).items()
    }
    named = {key.removeprefix(OF_THE_WHOLE): text for key, text in texts.items() if key.startswith(OF_THE_WHOLE)}
    return {key: text for key, text in named.items() if key not in schema.names}


def look_of(kind: Any, rows: int) -> Look:
    """Type and shape of a column of `rows` rows."""
    inner, shape = kind, [rows]
    while is_list(inner):
        shape.append(getattr(inner, "list_size", -1))
        inner = inner.value_type
    letter = "U" if is_text(inner) else np.dtype(inner.to_pandas_dtype()).kind if width_of(inner) else ""
    return Look(letter, tuple(shape), str(np.dtype(inner.to_pandas_dtype())) if letter not in ("", "U") else str(inner))


def array_of(column: Any, path: Path, key: str) -> Array:
    """A column as an array: lists of numbers as a matrix; lists of vectors, or of texts, as `Ragged`.

    Raises
    ------
    InputError
        No rows, empty cells, vectors of several lengths.
    """
    if not len(column):
        raise InputError(f"{path}: column {key}: expected at least one row, got none")
    if column.null_count:
        raise InputError(
            f"{path}: column {key} has {column.null_count} empty cells of {len(column)}; drop or fill them"
        )
    kind = column.type
    if is_list(kind) and is_list(kind.value_type):
        counts, inside = _lengths(column), _flat(column)
        if inside.null_count:
            raise InputError(f"{path}: column {key} has {inside.null_count} empty vectors; drop or fill these rows")
        return Ragged(_matrix(inside, path, key), counts)
    if is_list(kind) and is_text(kind.value_type):
        texts = [text for entry in texts_of(column, path, key) for text in entry]
        return Ragged(text_array(texts, path, f"column {key}"), _lengths(column))
    if is_list(kind):
        return _matrix(column, path, key)
    if is_text(kind):
        return text_array(texts_of(column, path, key), path, f"column {key}")
    return np.asarray(column.to_numpy())


def _matrix(column: Any, path: Path, key: str) -> NDArray[Any]:
    widths = set(_lengths(column).tolist())
    if len(widths) > 1:
        raise InputError(
            f"{path}: column {key} has rows of {min(widths)} to {max(widths)} numbers; expected one length"
        )
    values = _flat(column)
    if values.null_count:
        raise InputError(f"{path}: column {key} has {values.null_count} empty numbers; drop or fill these rows")
    return np.asarray(values.to_numpy()).reshape(len(column), -1)


def _lengths(column: Any) -> NDArray[np.int64]:
    import pyarrow.compute as pc

    return np.asarray(pc.list_value_length(column).to_numpy(), dtype=np.int64)


def _flat(column: Any) -> Any:
    import pyarrow.compute as pc

    return pc.list_flatten(column)


def texts_of(column: Any, path: Path, key: str) -> list[Any]:
    """Entries of a column of texts or of lists of texts, None where a cell is empty.

    Raises
    ------
    InputError
        A dictionary repeats a text so often that all of them would take far more memory than the file.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if is_list(column.type):
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


def is_list(kind: Any) -> bool:
    """Tell whether a column holds lists."""
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def is_text(kind: Any) -> bool:
    """Tell whether a column holds texts, or a dictionary of texts."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def width_of(kind: Any) -> int:
    """Bytes of a number or a time; 0 for everything else."""
    from pyarrow import types

    return max(1, int(kind.bit_width) // 8) if types.is_primitive(kind) else 0


def innermost(kind: Any) -> Any:
    """Type inside of lists, a number or a text; None for everything else."""
    from pyarrow import types

    depth = 0
    while is_list(kind):
        kind, depth = kind.value_type, depth + 1
    kind = kind.value_type if types.is_dictionary(kind) else kind
    allowed = (is_text(kind) and depth < DEEPEST) or (width_of(kind) and depth <= DEEPEST)
    return kind if allowed else None


def fixed_length(kind: Any) -> int:
    """Values in each row of lists of fixed length; 1 for others."""
    length = 1
    while is_list(kind):
        length, kind = length * max(1, getattr(kind, "list_size", 1)), kind.value_type
    return length
