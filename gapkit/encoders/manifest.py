"""`Manifest`: which files there are, and what is said of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gapkit.files.described import Described, read_described

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".jpg", ".jpeg", ".png", ".webp")
"""Suffixes that a file is looked for with, where a manifest gives ids and no paths."""


@dataclass(frozen=True)
class Clip:
    """One file and what is said of it.

    Parameters
    ----------
    id : str
    path : Path
    captions : tuple of str
        At least one, none empty.
    split : str
        Empty where there are no splits.
    """

    id: str
    path: Path
    captions: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a clip.

    Parameters
    ----------
    id, path : str
    reason : str
    kept : bool
        True: worth knowing, the clip is in the pairs nevertheless.
    """

    id: str
    path: str
    reason: str
    kept: bool = False


@dataclass(frozen=True)
class Manifest:
    """Clips in their order, and what was wrong with the others.

    Parameters
    ----------
    name : str
    clips : tuple of Clip
    faults : tuple of Fault
        Rows that name no clip that could be embedded.
    """

    name: str
    clips: tuple[Clip, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def listed(self) -> int:
        """Clips that were asked for: those that are here and those that are not."""
        return len(self.clips) + sum(not fault.kept for fault in self.faults)


def read_manifest(path: str | Path, *, root: str | Path | None = None) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, JSON, JSON lines or parquet. Columns: ``path``; ``caption``, or several as ``caption_1``,
        ``caption_2``, or a list in one cell; if you like ``id`` (left out: the path as written) and ``split``; or these
        under the names that published sets give them (`gapkit.files.columns`). Several rows with one id and one path
        are several captions of one clip. Without a path, the id is the name of the file, its suffix left out or not.
    root : path, optional
        Folder that relative paths start from; left out: the folder of the manifest.

    Returns
    -------
    Manifest
        Rows that cannot be used are among its faults, with their place: no path, no caption, more or fewer cells than
        columns, an id that names two files.

    Raises
    ------
    InputError
        The manifest cannot be read, misses a column (the nearest names are given) or has no row.
    """
    path = Path(path)
    folder = Path(root) if root else path.parent
    rows = read_described(path, "path", "caption")
    by_id = not any(row.path.strip() for row in rows)
    found: dict[str, list[Described]] = {}
    faults: list[Fault] = []
    for row in rows:
        clip, given = row.id.strip(), (row.id if by_id else row.path)
        first = found[clip][0] if clip in found else row
        fault = row.fault
        if not fault and not given.strip():
            fault = "has no path"
        elif not fault and (row.path, row.split) != (first.path, first.split):
            what = "path" if row.path != first.path else "split"
            fault = f"id {clip!r} was given before with another {what}; give each its own"
        if fault:
            faults.append(Fault(clip, given.strip(), f"{row.where}: {fault}"))
        else:
            found.setdefault(clip, []).append(row)
    clips = []
    for clip, same in found.items():
        file = _file(folder, same[0].id if by_id else same[0].path, by_id=by_id)
        full = tuple(text.strip() for row in same for text in row.captions)
        blank = sum(row.blank for row in same)
        if not full:
            faults.append(Fault(clip, str(file), f"{same[0].where}: its caption is empty"))
            continue
        if blank:
            faults.append(Fault(clip, str(file), f"{blank} of its {blank + len(full)} captions are empty", kept=True))
        clips.append(Clip(clip, file, full, same[0].split))
    return Manifest(path.stem, tuple(clips), tuple(faults))


def _file(folder: Path, given: str, *, by_id: bool) -> Path:
    """File of a clip as written, without outer blanks, or with slashes for backslashes: the first that is there."""
    bare = given.strip()
    names = [given, bare, bare.replace("\\", "/")]
    if by_id:
        names += [f"{bare}{suffix}" for suffix in SUFFIXES]
    return next((folder / name for name in names if _is_there(folder / name)), folder / bare)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, for one
        return False
