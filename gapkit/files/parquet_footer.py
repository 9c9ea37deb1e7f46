"""What a parquet file claims to hold, read without pyarrow.

pyarrow tells the sizes of a column by ``FileMetaData`` alone. It ends the process where that part of the footer is
broken (pyarrow 26.0, ``levels`` and ``42c1eb4fc2`` of the fuzz corpus), and it tells no size of a page. Without these
checks the 875 bytes of ``run``, zeros packed as one run, take 3.4 GB.

References
----------
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEEPEST = 16
"""Structures inside one another; parquet has fewer."""

ROW_GROUPS, COLUMNS, ROWS, CHUNK, PATH, VALUES, STORED, DATA, DICTIONARY = 4, 1, 3, 3, 3, 5, 7, 9, 11
"""Numbers of the fields on the way to the rows of a group, and to the values, the bytes and the pages of a column."""
UNPACKED, PACKED, KINDS, COUNT = 2, 3, (5, 7, 8), 1
"""Numbers of the fields of a page's sizes, of what says which kind it is, and of the count of its values there."""
BITS = {4: 16, 5: 32, 6: 64}
"""Of the whole numbers, by their type."""
HEADERS = 2**12, 2**18, 2**24
"""Bytes that the header of a page is looked for in; pyarrow takes up to the last."""


@dataclass
class Claims:
    """What a footer says.

    Parameters
    ----------
    rows : int
        Of all row groups.
    paths : list
        Path of each column, once a row group, names of it joined by dots.
    values : dict
        Values by the first name of the path of each column, those inside of lists counted one by one.
    pages : dict
        Where the pages of each column begin and end, once a row group that is not empty.
    """

    rows: int = 0
    paths: list[list[str]] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)
    pages: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def claims_of(path: Path) -> Claims:
    """Read the footer of a file.

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
    found = Claims()
    try:
        for group in footer.get(ROW_GROUPS, []):
            rows = int(group[ROWS])
            if rows < 0:
                raise ValueError("a group of fewer than no rows")
            found.rows += rows
            found.paths.append([])
            for column in group[COLUMNS]:
                about = column[CHUNK]
                path_in_file = [part.decode("utf-8") for part in about[PATH]]
                name, values = path_in_file[0], int(about[VALUES])
                found.paths[-1].append(".".join(path_in_file))
                if values < 0:
                    raise ValueError("a column of fewer than no values")
                found.values[name] = found.values.get(name, 0) + values
                start, dictionary = int(about[DATA]), int(about.get(DICTIONARY, 0))
                start = dictionary if 0 < dictionary < start else start
                if rows or values:  # an empty group has no pages, whatever it says of their place
                    found.pages.setdefault(name, []).append((start, start + int(about[STORED])))
    except (KeyError, TypeError, AttributeError, IndexError):
        raise ValueError("a footer without its columns") from None
    return found


def largest_page(path: Path, start: int, stop: int, width: int) -> int:
    """Most bytes that a page between two places claims, packed, unpacked or by its values of `width`; 0 without one.

    Raises
    ------
    ValueError
        There is something else than pages.
    """
    largest = 0
    with path.open("rb") as handle:
        while start < stop:
            header, length = _page_header(handle, start)
            unpacked, packed = header.get(UNPACKED), header.get(PACKED)
            if not isinstance(unpacked, int) or not isinstance(packed, int) or packed < 0:
                raise ValueError("a page without its size")
            counts = [header[kind].get(COUNT, 0) for kind in KINDS if isinstance(header.get(kind), dict)]
            largest = max(largest, unpacked, packed, *(width * n for n in counts if isinstance(n, int)))
            start += length + packed
    return largest


def _page_header(handle: Any, start: int) -> tuple[dict[int, Any], int]:
    """The header of the page at a place, and how many bytes it takes."""
    for most in HEADERS:
        handle.seek(start)
        data = handle.read(most)
        parser = _Compact(data)
        try:
            return parser.structure(), parser.at
        except ValueError:
            if len(data) < most:
                break
    raise ValueError("a page without its header")


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
        # The lower half alone says that it ends, as in the reader of pyarrow.
        while (head := self._byte()) & 15:
            number = number + (head >> 4) if head >> 4 else self._integer(16)
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2, 3):
            return self._byte()
        if kind in BITS:
            return self._integer(BITS[kind])
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
        if kind == 11:
            return self._pairs(depth)
        if kind == 12:
            return self.structure(depth + 1)
        raise ValueError(f"a field of the unknown type {kind}")

    def _pairs(self, depth: int) -> None:
        count = self._varint()
        if count > len(self.data) - self.at:
            raise ValueError("a mapping longer than the footer")
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._value(kinds >> 4, depth)
            self._value(kinds & 15, depth)

    def _integer(self, bits: int) -> int:
        """What overflows is cut off, as pyarrow does."""
        value = self._varint() & ((1 << bits) - 1)
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
