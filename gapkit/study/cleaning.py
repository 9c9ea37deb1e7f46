"""Removal of what a study folder holds and can make again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gapkit.atomic import TEMPORARY
from gapkit.bridges.saving import shared_files
from gapkit.bridges.shared_arrays import unused
from gapkit.errors import GapkitError, InputError
from gapkit.records import read_json
from gapkit.study.fits import read_fit_name
from gapkit.study.folder import StudyFolder, held_alone
from gapkit.study.kinds import CaptionFolder, open_study
from gapkit.study.record import saved_seconds

Fits = Literal["seeds", "all"]
"""Which fitted bridges go: of all seeds but the first, or all."""


@dataclass(frozen=True)
class Removable:
    """One file that can go.

    Parameters
    ----------
    path : Path
    n_bytes : int
    what : str
        What it is, in words.
    """

    path: Path
    n_bytes: int
    what: str


@dataclass(frozen=True)
class Cleaning:
    """What `clean_study` found.

    Parameters
    ----------
    folder : Path
    removed : tuple of Removable
        Files that were removed; in a dry run those that would be.
    left_bytes : int
        Size of the files that stay.
    dry_run : bool
    notes : tuple of str
        How to get back what is gone, and what further options would remove.
    """

    folder: Path
    removed: tuple[Removable, ...]
    left_bytes: int
    dry_run: bool
    notes: tuple[str, ...]

    @property
    def removed_bytes(self) -> int:
        """Size of the files that were removed."""
        return sum(file.n_bytes for file in self.removed)


def clean_study(
    root: str | Path, *, fits: Fits | None = None, unfinished: bool = False, dry_run: bool = False
) -> Cleaning:
    """Remove what a study can make again; tables, results and cells stay in any case.

    Without options it removes half files of runs that were killed, checkpoints of finished fits, arrays that no bridge
    holds any more, and captions that stand in a cell too.

    Parameters
    ----------
    root : path
        Folder of `gapkit compare`, `gapkit tune` or `gapkit caption study`.
    fits : {"seeds", "all"}, optional
        Fitted bridges of a comparison too: of all seeds but the first, which figures and pages show, or all.
    unfinished : bool
        Checkpoints, fits and captions of unfinished work too: the study begins them again.
    dry_run : bool
        Remove nothing.

    Returns
    -------
    Cleaning

    Raises
    ------
    InputError
        No study there, one in use, or `fits` of a study that is no comparison.
    GapkitError
        A file cannot be removed.
    """
    if fits not in (None, "seeds", "all"):
        raise InputError(f"fits: expected seeds or all, got {fits!r}")
    study = open_study(root)
    if fits and type(study) is not StudyFolder:
        raise InputError(f"fits: goes with a folder of `{StudyFolder.command}`, and {root} is a {study.kind}")
    with held_alone(study.root, tidy=False, mend="wait for it"):
        study.identity()  # a folder of a newer gapkit is left alone
        found = {file.path: file for file in _removable(study, fits, unfinished)}
        whole = sum(path.stat().st_size for path in _files(study.root))
        notes = _notes(study, fits, unfinished)
        if not dry_run:
            for path in found:
                _remove(path, study.root)
    removed = tuple(sorted(found.values(), key=lambda file: file.path))
    return Cleaning(study.root, removed, whole - sum(file.n_bytes for file in removed), dry_run, notes)


def _removable(study: StudyFolder, fits: Fits | None, unfinished: bool) -> Iterator[Removable]:
    for path in study.root.rglob(TEMPORARY):
        yield from _all_of(path, "half files of runs that were killed")
    for path in sorted(study.checkpoints.glob("*.key")):
        done = _is_finished(study, path)
        if done or unfinished:
            for own in (path, path.with_suffix(".safetensors")):
                yield from _all_of(own, f"checkpoints of {'finished fits' if done else 'unfinished work'}")
    gone = []
    if type(study) is StudyFolder:
        for home in sorted(path.parent for path in study.bridges.glob("*/config.json")):
            if home.is_symlink():  # the bridge of another study
                continue
            what = _why(study, home, fits, unfinished)
            if what:
                gone.append(home)
                yield from _all_of(home, what)
    if isinstance(study, CaptionFolder):
        yield from _captions(study, unfinished)
    for path in _unused_arrays(study, gone):
        yield from _all_of(path, "arrays that no bridge here holds")


def _why(study: StudyFolder, home: Path, fits: Fits | None, unfinished: bool) -> str:
    """Reason for which a fitted bridge goes; empty where it stays."""
    name = read_fit_name(home.name)
    if not any((study.cells / f"{stem}.json").exists() for stem in (home.name, name.cell)):
        return "fitted bridges that no cell was measured with" if unfinished else ""
    if fits == "all":
        return "fitted bridges"
    later = name.seed not in (None, study.identity().get("options", {}).get("seed"))
    return "fitted bridges of other seeds than the first" if fits == "seeds" and later else ""


def _is_finished(study: StudyFolder, owner: Path) -> bool:
    """True where the fit of a checkpoint is done, as the key of the checkpoint says."""
    name = owner.stem
    home = study.root / "decoders" / name.removeprefix("decoder-") if name.startswith("decoder-") else None
    homes = [study.bridges / name, *([home] if home else [])]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        key = owner.read_text(encoding="utf-8")
        return any(saved_seconds(home, key=key) is not None for home in homes)
    return False


def _captions(study: CaptionFolder, unfinished: bool) -> Iterator[Removable]:
    """Captions of which the study has what it needs: a choice of those of validation, a cell of those of the test."""
    cells = {_captions_of(path) for path in study.cells.glob("*.json")}
    for path in sorted(study.written.glob("validation/*.json")):
        done = (study.written / "choices" / path.name).exists()
        if done or unfinished:
            yield from _all_of(path, "captions of validation" if done else "captions of unfinished work")
    for path in sorted(study.written.glob("test/*.json")):
        done = _captions_of(path) in cells
        if done or unfinished:
            yield from _all_of(path, "captions that stand in a cell too" if done else "captions of unfinished work")


def _captions_of(path: Path) -> str:
    try:
        return json.dumps(read_json(path).get("captions"), sort_keys=True)
    except (OSError, ValueError):
        return str(path)


def _unused_arrays(study: StudyFolder, gone: list[Path]) -> list[Path]:
    """Shared arrays that no bridge needs; none as long as one of them cannot be asked."""
    homes = {path.parent for path in study.bridges.glob("*/config.json")} - set(gone)
    try:
        return unused(study.bridges, {path.stem for home in homes for path in shared_files(home)})
    except InputError:
        return []


def _notes(study: StudyFolder, fits: Fits | None, unfinished: bool) -> tuple[str, ...]:
    notes = []
    if fits:
        needing = "transform, figures and pages need them" if fits == "all" else "`gapkit transform --seed` needs them"
        notes.append(f"the same `{study.command}` fits them again; {needing}")
    elif type(study) is StudyFolder:
        size = sum(path.stat().st_size for path in _files(study.bridges))
        notes.append(f"fitted bridges take {size / 1e6:.1f} MB; --fits seeds keeps the first seed, --fits all none")
    if not unfinished and any(study.checkpoints.glob("*.key")):
        notes.append("checkpoints of unfinished work stay; --unfinished removes them")
    return tuple(notes)


def _all_of(path: Path, what: str) -> Iterator[Removable]:
    for file in [path] if path.is_file() else sorted(_files(path)):
        yield Removable(file, file.stat().st_size, what)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _remove(path: Path, root: Path) -> None:
    """Remove a file, and the folders that it leaves empty."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise GapkitError(f"{path}: could not be removed ({error.strerror or error})") from error
    with contextlib.suppress(OSError):  # not empty
        while (path := path.parent) != root:
            path.rmdir()
