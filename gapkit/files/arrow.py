"""``.arrow`` and ``.feather``: tables in Arrow's own layout, as file or stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.errors import InputError
from gapkit.files.arrow_columns import array_of, innermost, look_of, texts_of_schema
from gapkit.files.store import Access, Array, Look, Store, check_expansion

MAGIC = b"ARROW1\0\0"
"""First bytes of the layout with a footer; a stream has none."""

BATCH, DICTIONARY = 3, 2
"""Types of the messages that hold numbers."""


def open_arrow(path: Path) -> Store:
    """Columns by name: list columns as matrices, all others as vectors."""
    with _reader(path) as reader:
        schema = reader.schema
    texts = texts_of_schema(schema)
    if len(set(schema.names)) < len(schema.names):
        raise InputError(f"{path}: has two columns of one name; rename one of them")

    @contextlib.contextmanager
    def opened() -> Iterator[Access]:
        yield Access(look, read)

    def look(key: str) -> Look:
        if key in texts:
            return Look("U", (), "text")
        return look_of(schema.field(key).type, -1)

    def read(key: str) -> Array:
        if key in texts:
            return np.array(texts[key])
        kind = schema.field(key).type
        if innermost(kind) is None:
            raise InputError(f"{path}: column {key} holds {kind}; expected numbers, lists of numbers or texts")
        _check_sizes(path)
        with _reader(path, schema.names.index(key)) as reader:
            table = reader.read_all()
        table.validate(full=True)
        return array_of(table.column(0), path, key)

    return Store(path, (*schema.names, *texts), opened, per_target=True)


@contextlib.contextmanager
def _reader(path: Path, column: int | None = None) -> Iterator[Any]:
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(included_fields=None if column is None else [column], use_threads=False)
    with pa.memory_map(str(path)) as source:
        with path.open("rb") as handle:
            framed = handle.read(len(MAGIC)) == MAGIC
        opened = pa.ipc.open_file if framed else pa.ipc.open_stream
        with opened(source, options=options) as reader:
            yield reader


def _check_sizes(path: Path) -> None:
    """Refuse packed parts that unfold further than gapkit lets any file: Arrow makes room for them before it looks."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        whole = source.read_buffer()
        framed = whole.slice(0, len(MAGIC)).to_pybytes() == MAGIC
        for message in pa.ipc.MessageReader.open_stream(whole.slice(len(MAGIC)) if framed else whole):
            header = _Table(memoryview(message.metadata)).root()
            kind, batch = header.byte(1), header.table(2)
            if kind == DICTIONARY:
                batch = batch and batch.table(1)
            if kind not in (BATCH, DICTIONARY) or batch is None or batch.table(3) is None:
                continue
            body = memoryview(message.body)
            for offset, length in batch.pairs(2):
                if offset < 0 or length < 0 or offset + length > len(body):
                    raise InputError(f"{path}: claims more bytes than it has; write it again")
                claimed = int.from_bytes(body[offset : offset + 8], "little", signed=True) if length >= 8 else 0
                check_expansion(path, "a packed column", claimed, length)


class _Table:
    """The few things of a flatbuffer that tell the sizes of a batch.

    pyarrow has no call that says them before it unfolds. The layout is told at
    https://flatbuffers.dev/internals/ and https://github.com/apache/arrow/blob/main/format/Message.fbs.
    """

    def __init__(self, data: memoryview, at: int = 0) -> None:
        self.data, self.at = data, at

    def root(self) -> _Table:
        return _Table(self.data, self._number(0, 4))

    def byte(self, field: int) -> int:
        place = self._place(field)
        return self._number(place, 1) if place else 0

    def table(self, field: int) -> _Table | None:
        place = self._place(field)
        return _Table(self.data, place + self._number(place, 4)) if place else None

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """A vector of pairs of 64-bit numbers."""
        place = self._place(field)
        if place:
            start = place + self._number(place, 4)
            for at in range(start + 4, start + 4 + 16 * self._number(start, 4), 16):
                yield self._number(at, 8, signed=True), self._number(at + 8, 8, signed=True)

    def _place(self, field: int) -> int:
        listing = self.at - self._number(self.at, 4, signed=True)
        entry = 4 + 2 * field
        inside = self._number(listing + entry, 2) if entry < self._number(listing, 2) else 0
        return self.at + inside if inside else 0

    def _number(self, at: int, size: int, *, signed: bool = False) -> int:
        if at < 0 or at + size > len(self.data):
            raise ValueError("a message that is cut off")
        return int.from_bytes(self.data[at : at + size], "little", signed=signed)
