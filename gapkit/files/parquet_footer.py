"""How many values the footer of a parquet file claims, read without pyarrow.

pyarrow checks a column's part of the footer when it is looked at through ``FileMetaData``, and there ends the process
where it finds it broken; only its reading of data answers with an error. So sizes are looked up here before.

References
----------
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

DEEPEST = 16
"""Structures inside one another; parquet has fewer."""

ROW_GROUPS, COLUMNS, CHUNK, PATH, VALUES = 4, 1, 3, 3, 5
"""Numbers of the fields on the way to the values of a column."""


def claimed_values(path: Path) -> dict[str, int]:
    """Values by the first name of the path of each column, those inside of lists counted one by one.

    Raises
    ------
    ValueError
        Not the footer of a parquet file.
    """
    with path.open("rb") as handle:
        handle.seek(0, os.SEEK_END)
        size = handle.tell()
        handle.seek(max(0, size - 8))
        tail = handle.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != b"PAR1" or length > size - 8:
            raise ValueError("no footer at its end")
        handle.seek(size - 8 - length)
        footer = _Compact(handle.read(length)).structure()
    found: dict[str, int] = {}
    try:
        for group in footer.get(ROW_GROUPS, []):
            for column in group[COLUMNS]:
                name, values = column[CHUNK][PATH][0].decode("utf-8"), int(column[CHUNK][VALUES])
                if values < 0:
                    raise ValueError("a column of fewer than no values")
                found[name] = found.get(name, 0) + values
    except (KeyError, TypeError, AttributeError, IndexError):
        raise ValueError("a footer without its columns") from None
    return found


class _Compact:
    """Thrift's compact protocol: structures as mappings of field number to value, binary as bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def structure(self, depth: int = 0) -> dict[int, Any]:
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 7:
            return self._take(8)
        if kind == 8:
            return self._take(self._varint())
        if kind in (9, 10):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            if count > len(self.data) - self.at:  # each takes a byte at least
                raise ValueError("a list longer than the footer")
            return [self._value(head & 15, depth) for _ in range(count)]
        if kind == 12:
            return self.structure(depth + 1)
        raise ValueError(f"a field of the unknown type {kind}")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number that does not end")

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise ValueError("the footer is cut off")
        self.at += count
        return self.data[self.at - count : self.at]
