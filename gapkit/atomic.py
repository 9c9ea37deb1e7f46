"""Files are written to a temporary name and renamed: a half file is never taken for a whole one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from gapkit.errors import GapkitError, InputError

TEMPORARY = ".*.????????.tmp*"
"""Pattern of the names of half files and folders, which a run that was killed may leave."""


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    Parent folders are made. The bytes are on disk before the rename.

    Raises
    ------
    InputError
        The path is a folder.
    GapkitError
        The folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: could not be written: expected a file, got a folder; name the file inside it")
    # The suffix stays last: writers that go by suffix must see it.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise GapkitError(
            f"{path}: could not be written ({error.strerror or error}); free space or choose another folder"
        ) from error
    finally:
        discard(temporary)


def discard(path: Path) -> None:
    """Remove a temporary file or folder; where Ctrl-C comes in between, all the same."""

    def remove() -> None:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    try:
        remove()
    except BaseException:
        remove()
        raise


def drop_leftovers(folder: Path) -> None:
    """Remove what writers that were killed have left in `folder`; only where none is at work in it."""
    for path in folder.glob(TEMPORARY):
        discard(path)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))
