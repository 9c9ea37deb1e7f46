"""`StudyFolder`: one folder holds one study, and one process at a time works in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gapkit.atomic import write_text
from gapkit.comparison.cells import cell_stem
from gapkit.errors import GapkitError, InputError
from gapkit.records import read_json, sealed, unsealed

SCHEMA = 1
"""Version of the files that a study writes."""


LOCK = ".lock"
"""File that a process holds while it works in a folder; it stays behind."""


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
        with alone_in(self.root):
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
            content = sealed(json.loads(json.dumps({"schema": SCHEMA, **identity})))
            write_text(self.study, json.dumps(content, indent=2, sort_keys=True) + "\n")
            return
        known = self.identity()
        for group, expected in identity.items():
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
        try:
            known = read_json(self.study)
            schema = int(known["schema"])
            if schema <= SCHEMA:
                known = unsealed(known)
            if not all(isinstance(known.get(group, {}), dict) for group in ("data", "options", "search", "space")):
                raise ValueError
        except FileNotFoundError:
            raise InputError(
                f"{self.root}: no {self.file} here; expected a folder written by `{self.command}`"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            raise InputError(
                f"{self.study}: not readable; expected what `{self.command}` wrote: give another --out, or remove the "
                "folder and run it again"
            ) from None
        if schema > SCHEMA:
            raise InputError(
                f"{self.study}: written by a newer gapkit (schema {schema}, known: {SCHEMA}); upgrade gapkit"
            )
        return dict(known)

    def checkpoint(self, stem: str) -> Path:
        """File that the training of one cell resumes from."""
        return self.checkpoints / f"{stem}.safetensors"

    def drop_checkpoint(self, stem: str) -> None:
        """Remove the checkpoint of a finished cell; the folder goes when the study lets go of its own."""
        for path in (self.checkpoint(stem), self.checkpoint(stem).with_suffix(".key")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _has_content(self) -> bool:
        return any(not path.name.startswith(".") for path in self.root.iterdir())


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder alone, without the half files of a run that was killed; the lock ends with the process.

    Raises
    ------
    InputError
        Another process works here.
    GapkitError
        There is no such folder to be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / LOCK).open("ab")
    except OSError as error:
        raise GapkitError(f"{folder}: could not be written ({error.strerror or error})") from error
    with handle:
        if not _try_lock(handle.fileno()):
            raise InputError(f"{folder}: another gapkit works in this folder; wait for it or give another --out")
        for path in list(folder.rglob(".*.tmp*")):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
                continue
            with contextlib.suppress(OSError):
                path.unlink()
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in (getattr(os, "ENOTSUP", 95), 37):  # file systems without locks
            return True
        raise
    return True


def bridge_folder(folder: Path, bridge: str | None, seed: int | None) -> Path:
    """Folder of one fitted bridge: `folder` itself, or that of a bridge of the study in it.

    Parameters
    ----------
    folder : Path
        What `gapkit fit`, or `gapkit compare`, wrote.
    bridge : str, optional
        Name of a bridge of the study.
    seed : int, optional
        Seed of the bridge in the study; left out: the first one.

    Raises
    ------
    InputError
        A study and no name, a name or seed that it does not have, or a name where there is no study.
    """
    if not (folder / StudyFolder.file).exists():
        if bridge is not None or seed is not None:
            option = "--bridge" if bridge is not None else "--seed"
            raise InputError(f"{option}: goes with a study folder, and {folder} is none; leave it out")
        return folder
    found = _fitted_seeds(StudyFolder(folder).bridges)
    listed = ", ".join(found) or "none"
    if bridge is None:
        raise InputError(f"{folder}: is a study; say which of its bridges with --bridge NAME: {listed}")
    if bridge not in found:
        raise InputError(f"--bridge: {folder} has no fitted bridge {bridge!r}; it has: {listed}")
    seeds = found[bridge]
    if seed is not None and seed not in seeds:
        known = ", ".join(str(known) for known in seeds if known is not None) or "none: it depends on no seed"
        raise InputError(f"--seed: {bridge} was not fitted with seed {seed} in {folder}; its seeds: {known}")
    return StudyFolder(folder).bridges / cell_stem(bridge, seeds[0] if seed is None else seed)


def _fitted_seeds(bridges: Path) -> dict[str, list[int | None]]:
    """Seeds of each bridge that a study keeps, ascending."""
    found: dict[str, list[int | None]] = {}
    for path in sorted(bridges.glob("*/config.json")):
        name, mark, seed = path.parent.name.rpartition("-s")
        try:
            name, number = (name, int(seed)) if mark else (path.parent.name, None)
        except ValueError:
            name, number = path.parent.name, None
        found.setdefault(name, []).append(number)
    return {name: sorted(seeds, key=lambda seed: seed or 0) for name, seeds in found.items()}
