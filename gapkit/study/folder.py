"""`StudyFolder`: one folder holds one study, and one process at a time works in it."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gapkit.atomic import TEMPORARY, discard, write_text
from gapkit.errors import GapkitError, InputError
from gapkit.records import as_json, read_json, sealed, unsealed

SCHEMA = 1
"""Version of the files that a study writes."""


LOCK = ".lock"
"""File that a process holds while it works in a folder; it stays behind."""

WITHOUT_LOCKS = (errno.ENOTSUP, errno.ENOLCK)
"""Errors of file systems without locks: a study goes on there without one, where filelock would refuse."""


class StudyFolder:
    """Where the files of a study lie.

    Parameters
    ----------
    root : path
    """

    kind, file, command = "study", "study.json", "gapkit compare"

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.cells = self.root / "cells"
        self.bridges = self.root / "bridges"
        self.checkpoints = self.root / "checkpoints"
        self.study = self.root / self.file

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder alone; the lock ends with the process, however it ends.

        Raises
        ------
        InputError
            Another process works here, or there is no such folder to be had.
        """
        foreign = self.root.exists() and (not self.root.is_dir() or (not self.study.exists() and self._has_content()))
        if foreign:
            raise InputError(
                f"{self.root}: expected a new, empty or {self.kind} folder, got one with other files; "
                "give another --out"
            )
        with held_alone(self.root):
            try:
                yield
            finally:
                # Not with the last checkpoint: another process may be about to write the next one.
                with contextlib.suppress(OSError):
                    self.checkpoints.rmdir()

    def claim(self, identity: Mapping[str, Any]) -> None:
        """Make this the folder of the study with this identity, or refuse.

        Raises
        ------
        InputError
            The folder belongs to a study of other data or options.
        """
        if not self.study.exists():
            content = sealed(as_json({"schema": SCHEMA, **identity}))
            write_text(self.study, json.dumps(content, indent=2, sort_keys=True) + "\n")
            return
        known = self.identity()
        for group, expected in as_json(identity).items():
            for key, value in expected.items():
                found = known.get(group, {}).get(key)
                if found != value:
                    raise InputError(
                        f"{self.root}: belongs to another {self.kind} ({group} {key}: {found} there, {value} here); "
                        "give another --out"
                    )

    def identity(self) -> dict[str, Any]:
        """What `claim` wrote.

        Raises
        ------
        InputError
            No study here, a broken file, or one of a newer gapkit.
        """
        return read_versioned(
            self.study,
            key="schema",
            check=_check_groups,
            missing=f"; expected a folder written by `{self.command}`",
            broken=f"expected what `{self.command}` wrote: give another --out, or remove the folder and run it again",
        )

    def checkpoint(self, stem: str) -> Path:
        """File that the training of one job resumes from."""
        return self.checkpoints / f"{stem}.safetensors"

    def own_checkpoint(self, stem: str, key: str) -> Path:
        """The same; one that a job of another key has left is removed."""
        checkpoint = self.checkpoint(stem)
        owner = checkpoint.with_suffix(".key")
        if not owner.exists() or owner.read_bytes() != key.encode():
            self.drop_checkpoint(stem)
            write_text(owner, key)
        return checkpoint

    def drop_checkpoint(self, stem: str) -> None:
        """Remove the checkpoint of a finished job; the folder goes when the study lets go of its own."""
        for path in (self.checkpoint(stem), self.checkpoint(stem).with_suffix(".key")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _has_content(self) -> bool:
        return any(not path.name.startswith(".") for path in self.root.iterdir())


def _check_groups(content: Mapping[str, Any]) -> None:
    if not all(isinstance(content.get(group, {}), dict) for group in ("data", "options", "search", "space")):
        raise ValueError


def read_versioned(
    path: Path, *, key: str, check: Callable[[Mapping[str, Any]], None], missing: str, broken: str
) -> dict[str, Any]:
    """Content of a sealed file of a study, which says under `key` of which version it is.

    Parameters
    ----------
    path : Path
    key : str
    check : callable
        Raises ValueError, KeyError or TypeError where the content is not what it must be.
    missing, broken : str
        Ends of the message where there is no such file, and where it cannot be read.

    Raises
    ------
    InputError
        No such file, a broken one, or one of a newer gapkit.
    """
    try:
        content = read_json(path)
        schema = int(content[key])
        if schema <= SCHEMA:
            content = unsealed(content)
            check(content)
    except FileNotFoundError:
        raise InputError(f"{path.parent}: no {path.name} here{missing}") from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        raise InputError(f"{path}: not readable; {broken}") from None
    if schema > SCHEMA:
        raise InputError(f"{path}: written by a newer gapkit (schema {schema}, known: {SCHEMA}); upgrade gapkit")
    return content


@contextlib.contextmanager
def held_alone(folder: Path, *, tidy: bool = True, mend: str = "wait for it or give another --out") -> Iterator[None]:
    """Hold a folder alone; the lock ends with the process.

    Parameters
    ----------
    folder : Path
    tidy : bool
        Remove the half files of a run that was killed.
    mend : str
        End of the message where another process works here.

    Raises
    ------
    InputError
        Another process works here.
    GapkitError
        There is no such folder to be had.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(f"{folder}: another gapkit works in this folder; {mend}") from None
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise GapkitError(f"{folder}: could not be written ({error.strerror or error})") from error
    try:
        for path in list(folder.rglob(TEMPORARY)) if tidy else ():
            discard(path)
        yield
    finally:
        lock.release()
