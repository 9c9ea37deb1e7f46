"""Fit one bridge for a study, or take the fitted one that is already there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapkit.atomic import discard, write_text
from gapkit.bridges.base import Bridge
from gapkit.bridges.registry import load_bridge, make_bridge
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.progress import Progress
from gapkit.comparison.splits import Parts
from gapkit.errors import GapkitError, InputError, printable
from gapkit.records import read_json, sealed, unsealed

FILES = ("model.safetensors", "config.json")


@dataclass(frozen=True)
class Task:
    """One bridge with one seed, before it is fitted.

    Parameters
    ----------
    name, block, stem, label, key : str
        See `Cell`.
    seed : int or None
    params : mapping
        Resolved parameters.
    needs_pairs : bool
    """

    name: str
    block: str
    stem: str
    label: str
    key: str
    seed: int | None
    params: Mapping[str, Any]
    needs_pairs: bool


def fit_task(task: Task, parts: Parts, folder: StudyFolder, progress: Progress) -> tuple[Bridge, float]:
    """The fitted bridge of a task and the seconds that its fit took.

    A fit that was finished before is loaded; one that was stopped goes on from its checkpoint.
    """
    home = folder.bridges / task.stem
    seconds = _finished(home, task.key)
    if seconds is not None:
        with contextlib.suppress(InputError):
            return load_bridge(home), seconds
    bridge = make_bridge(task.name, **task.params)
    checkpoint = _own_checkpoint(folder, task)
    source, target = parts.fit.expanded() if task.needs_pairs else (parts.fit.source, parts.fit.target)
    remembered = parts.fitted_on
    bridge.fit(
        source,
        target,
        validation=parts.validation.expanded() if parts.validation else None,
        checkpoint=checkpoint,
        progress=progress.step,
        fitted_on=remembered,
    )
    seconds = bridge.fit_seconds
    with contextlib.suppress(OSError):
        (home / "fit.json").unlink()
    digests = _save(bridge, home)
    # Written last: it says that the files beside it are whole, and of this fit.
    record = {"key": task.key, "seconds": seconds, "files": digests}
    write_text(home / "fit.json", json.dumps(sealed(record), indent=2) + "\n")
    return bridge, seconds


def _save(bridge: Bridge, home: Path) -> dict[str, str]:
    """Save a bridge; gives the digest of each file.

    They are hashed where no other process writes: one that outlived its run may save a bridge of the same name.
    """
    fresh = home.with_name(f".{home.name}.{secrets.token_hex(4)}.tmp")
    try:
        bridge.save(fresh)
        digests = {name: digest_of(fresh / name) for name in FILES}
        home.mkdir(parents=True, exist_ok=True)
        for path in fresh.iterdir():
            path.replace(home / path.name)
    except OSError as error:
        raise GapkitError(f"{home}: could not be written ({error.strerror or error})") from error
    finally:
        discard(fresh)
    return digests


def fitted_files(home: Path) -> Mapping[str, Any] | None:
    """The record of the fit that lies in `home`, if not a byte of it has changed."""
    try:
        record: Mapping[str, Any] = unsealed(read_json(home / "fit.json"))
        return record if record["files"] == {name: digest_of(home / name) for name in FILES} else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _finished(home: Path, key: str) -> float | None:
    """Seconds of the fit that lies in `home`, if it is that of `key`."""
    record = fitted_files(home)
    try:
        return float(record["seconds"]) if record and record["key"] == key else None
    except (ValueError, KeyError, TypeError):
        return None


def _own_checkpoint(folder: StudyFolder, task: Task) -> Path:
    """The checkpoint of this task; one that another task of that name left is removed."""
    checkpoint = folder.checkpoint(task.stem)
    owner = checkpoint.with_suffix(".key")
    if not owner.exists() or owner.read_bytes() != task.key.encode():
        folder.drop_checkpoint(task.stem)
        write_text(owner, task.key)
    return checkpoint


def digest_of(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def one_line(error: BaseException, limit: int = 200) -> str:
    """What an exception says, short and in one line; its type too unless the message is ours."""
    text = printable(" ".join(str(error).split()))
    if not isinstance(error, GapkitError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
