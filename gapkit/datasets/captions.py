"""What the readers of caption sets share: a table, a folder of sounds, and names that do not quite agree."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gapkit.encoders.manifest import Clip, Fault, Manifest
from gapkit.errors import InputError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aif", ".aiff")

UNREAD = (".m4a",)
"""Those of them that no decoder here reads: found so that the reason can be told."""


@dataclass(frozen=True)
class Wanted:
    """A clip of a caption set.

    Parameters
    ----------
    id : str
    names : sequence of str
        File names without suffix that it may have, the likeliest first.
    captions : sequence of str
    """

    id: str
    names: Sequence[str]
    captions: Sequence[str]


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """These columns of a CSV, which must be there; what a row is too short for is empty.

    Raises
    ------
    InputError
        It cannot be read, misses a column, has no row, or one with more cells than columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            have = list(reader.fieldnames or [])
            missing = [column for column in columns if column not in have]
            if missing:
                raise InputError(
                    f"{path}: no column {missing[0]!r} (there are {', '.join(have) or 'none'}); "
                    f"expected {', '.join(columns)}"
                )
            rows = []
            for row in reader:
                # A comma that nobody quoted cuts a caption, and moves all that follow it.
                if "".join(row.get(None) or ()).strip():
                    raise InputError(
                        f"{path}: line {reader.line_num} has more cells than the {len(have)} columns of the header; "
                        "quote captions that hold a comma"
                    )
                rows.append({column: row[column] or "" for column in columns})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table of captions ({error}); check the path") from None
    if not rows:
        raise InputError(f"{path}: has no row; download it again")
    return rows


def find_sounds(folder: Path) -> dict[str, Path]:
    """Sound files below a folder by their name without suffix; composed and decomposed Unicode are the same.

    Links to folders are followed: large sets often lie on several disks.

    Raises
    ------
    InputError
        There is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected the folder of the sound files")
    found: dict[str, Path] = {}
    # Many keep what they have downloaded beside what they made of it; libsndfile reads the latter alone.
    for path in sorted(_below(folder), key=lambda path: (path.suffix.lower() in UNREAD, path)):
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(normal(path.stem), path)
    return found


def _below(folder: Path) -> Iterator[Path]:
    """All files below a folder; one that a link leads back to is entered once."""
    entered: set[tuple[int, int]] = set()
    for where, folders, files in os.walk(folder, followlinks=True):
        place = Path(where).stat()
        if (place.st_dev, place.st_ino) in entered:
            folders.clear()
            continue
        entered.add((place.st_dev, place.st_ino))
        folders.sort()
        yield from (Path(where, name) for name in files)


def normal(name: str) -> str:
    """A file name as it is compared: archives and file systems disagree on how an accent is written."""
    return unicodedata.normalize("NFC", name)


def gather(wanted: Iterable[Wanted], sounds: dict[str, Path], *, name: str, folder: Path, split: str) -> Manifest:
    """A manifest of the clips whose sound is there; the others are among its faults, so that both are counted."""
    clips, faults = [], []
    for clip in wanted:
        path = next((sounds[normal(stem)] for stem in clip.names if normal(stem) in sounds), None)
        said = tuple(text.strip() for text in clip.captions if text.strip())
        if path is None:
            faults.append(Fault(clip.id, clip.names[0], f"is not in {folder}"))
        elif not said:
            faults.append(Fault(clip.id, str(path), "its caption is empty"))
        else:
            clips.append(Clip(clip.id, path, said, split))
    if not clips:
        raise InputError(
            f"{folder}: holds none of the {len(faults)} clips of {name} (first: {faults[0].path}); name the folder of "
            "the sound files"
        )
    return Manifest(name, tuple(clips), tuple(faults))


def split_of(path: Path, words: dict[str, str]) -> str:
    """The split that a file name tells; empty where it tells none.

    A word of the name begins with it: "val" is not found in "evaluation".
    """
    said = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", path.stem)]
    return next((split for word, split in words.items() if any(part.startswith(word) for part in said)), "")
