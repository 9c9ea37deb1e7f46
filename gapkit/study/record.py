"""Records: JSON sealed by a digest, and folders of files whose record holds a digest of each."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gapkit.atomic import discard, write_text
from gapkit.errors import GapkitError
from gapkit.records import as_json, read_json, sealed, unsealed

RECORD = "fit.json"
"""Record of what was fitted or trained, beside its files."""


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with its own digest; NaN becomes null.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    write_text(path, json.dumps(sealed(as_json(content))) + "\n")


def read_record(path: Path, **expected: str) -> dict[str, Any] | None:
    """Content that `write_record` wrote; None where a byte has changed, or where `expected` does not hold."""
    try:
        content = unsealed(read_json(path), required=True)
    except (OSError, ValueError):
        return None
    return content if all(content.get(name) == value for name, value in expected.items()) else None


def save_files(home: Path, save: Callable[[Path], object], *, key: str, seconds: float) -> None:
    """Let `save` write its files into `home`, then the record that holds their digests.

    They are hashed where no other process writes: one that outlived its run may save under the same name.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    fresh = home.with_name(f".{home.name}.{secrets.token_hex(4)}.tmp")
    try:
        save(fresh)
        digests = {path.name: digest_of(path) for path in sorted(fresh.iterdir()) if path.is_file()}
        home.mkdir(parents=True, exist_ok=True)
        (home / RECORD).unlink(missing_ok=True)
        for path in fresh.iterdir():
            path.replace(home / path.name)
    except OSError as error:
        raise GapkitError(f"{home}: could not be written ({error.strerror or error})") from error
    finally:
        discard(fresh)
    # Written last: it says that the files beside it are whole, and of this job.
    write_record(home / RECORD, {"key": key, "seconds": seconds, "files": digests})


def saved_seconds(home: Path, *, key: str | None = None) -> float | None:
    """Seconds that the files in `home` took to make; None where they are not whole, or not those of `key`."""
    try:
        record = unsealed(read_json(home / RECORD))  # earlier versions did not seal that of a decoder
        files = record["files"]
        whole = files and all(digest_of(home / name) == digest for name, digest in files.items())
        return float(record["seconds"]) if whole and key in (None, record["key"]) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def digest_of(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
