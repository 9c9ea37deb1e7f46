"""`RowCache`: embeddings by the hash of what they were made of, on disk, never lost to a kill."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import write_text
from gapkit.errors import GapkitError

Row = NDArray[np.float32]

KEY_BYTES = 16


class RowCache:
    """Rows of one encoder, in a folder of files that are only ever appended to.

    A record is a key, a mark, a row and a checksum. Each run writes a file of its own, each record in one write: a
    run that is killed leaves whole records and at most a torn tail, which is skipped. Two runs may share a folder.
    Memory holds the keys; rows are read when they are asked for.

    Parameters
    ----------
    folder : Path
        Of all encoders; each has a folder inside, named by its provenance.
    provenance : mapping
        Decides the rows; another provenance is another folder.
    dim : int
        Width of a row.
    """

    def __init__(self, folder: Path, provenance: Mapping[str, str], dim: int) -> None:
        about = json.dumps(dict(provenance), sort_keys=True)
        self.folder = folder / fingerprint(f"{about} {dim}".encode()).hex()
        self._record = np.dtype([("key", "V16"), ("mark", "<u4"), ("row", "<f4", (dim,)), ("crc", "<u4")])
        self._places: dict[bytes, tuple[NDArray[np.void] | None, int]] = {}  # table (None: our own), record
        self._lock = threading.Lock()
        self._file: int | None = None
        self._about = about
        self._written = 0
        for path in sorted(self.folder.glob("rows-*.bin")):
            self._read(path)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: bytes) -> tuple[Row, int]:
        """Row and mark of a key."""
        table, place = self._places[key]
        if table is None:
            table, place = self._own(place), 0
        return table[place]["row"].astype(np.float32), int(table[place]["mark"])

    def add(self, key: bytes, row: Row, mark: int = 0) -> None:
        """Keep a row, on disk too before this returns; any thread may call.

        Raises
        ------
        GapkitError
            The disk is full or the folder cannot be written to.
        """
        record = np.zeros(1, dtype=self._record)
        record["key"] = np.void(key)
        record["mark"], record["row"] = mark, row
        body = record.tobytes()[:-4]
        record["crc"] = zlib.crc32(body)
        with self._lock:
            try:
                if self._file is None:
                    self._file = self._open()
                written = os.write(self._file, record.tobytes())
            except OSError as error:
                raise GapkitError(
                    f"{self.folder}: could not be written ({error.strerror}); free space or name another --cache"
                ) from None
            if written != self._record.itemsize:
                # Whoever writes next must not begin in the middle of a record.
                os.ftruncate(self._file, self._written * self._record.itemsize)
                raise GapkitError(
                    f"{self.folder}: could not be written (disk full); free space or name another --cache"
                )
            self._places[key] = (None, self._written)
            self._written += 1

    def close(self) -> None:
        """Write out what the system still holds, and let go of the file."""
        with self._lock:
            if self._file is not None:
                os.fsync(self._file)
                os.close(self._file)
                self._file = None

    def _own(self, place: int) -> NDArray[np.void]:
        """One record of the file of this run."""
        assert self._file is not None, "closed"
        size = self._record.itemsize
        with self._lock:
            os.lseek(self._file, place * size, os.SEEK_SET)  # what is written goes to the end all the same
            return np.frombuffer(os.read(self._file, size), dtype=self._record)

    def _open(self) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.folder / "encoder.json", self._about + "\n")
        path = self.folder / f"rows-{secrets.token_hex(8)}.bin"
        binary = getattr(os, "O_BINARY", 0)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | binary, 0o644)

    def _read(self, path: Path) -> None:
        """Index the whole records of one file; they stay on disk."""
        count = path.stat().st_size // self._record.itemsize
        if not count:
            return
        table = np.memmap(path, dtype=self._record, mode="r", shape=(count,))
        for place in range(count):
            record = table[place]
            if zlib.crc32(record.tobytes()[:-4]) == record["crc"]:
                self._places[record["key"].tobytes()] = (table, place)


def fingerprint(*parts: bytes) -> bytes:
    """16 bytes that stand for what was given."""
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def file_fingerprint(path: Path) -> bytes:
    """16 bytes that stand for the content of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=KEY_BYTES, person=b"clip")).digest()
