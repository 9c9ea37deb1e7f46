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

from gapkit.errors import GapkitError

Row = NDArray[np.float32]

KEY_BYTES = 16


class RowCache:
    """Rows of one encoder, in a folder of files that are only ever appended to.

    A record is a key, a mark, a row and a checksum. Each run writes a file of its own, each record in one write: a
    run that is killed leaves whole records and at most a torn tail, which is skipped. Two runs may share a folder.

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
        self._rows: dict[bytes, tuple[Row, int]] = {}
        self._lock = threading.Lock()
        self._file: int | None = None
        self._about = about
        for path in sorted(self.folder.glob("rows-*.bin")):
            self._read(path)

    def __contains__(self, key: bytes) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: bytes) -> tuple[Row, int]:
        """Row and mark of a key."""
        return self._rows[key]

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
                raise GapkitError(
                    f"{self.folder}: could not be written (disk full); free space or name another --cache"
                )
            self._rows[key] = (np.array(row, dtype=np.float32), mark)

    def close(self) -> None:
        """Write out what the system still holds."""
        with self._lock:
            if self._file is not None:
                os.fsync(self._file)
                os.close(self._file)
                self._file = None

    def _open(self) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "encoder.json").write_text(self._about + "\n", encoding="utf-8")
        path = self.folder / f"rows-{secrets.token_hex(8)}.bin"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def _read(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError:
            return
        size = self._record.itemsize
        records = np.frombuffer(content[: len(content) // size * size], dtype=self._record)
        for i, record in enumerate(records):
            if zlib.crc32(content[i * size : (i + 1) * size - 4]) == record["crc"]:
                self._rows[record["key"].tobytes()] = (record["row"].copy(), int(record["mark"]))


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
