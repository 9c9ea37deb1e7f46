"""What the readers of caption sets share: a table, a folder of sounds, and names that do not quite agree."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gapkit.encoders.manifest import Clip, Fault, Manifest
from gapkit.errors import InputError
from gapkit.files.columns import find_columns, plain_name, word_in
from gapkit.files.described import Described, describe
from gapkit.files.tables import read_table

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aif", ".aiff")

UNREAD = (".m4a",)
"""Those of them that no decoder here reads: found so that the reason can be told."""


@dataclass(frozen=True)
class Wanted:
    """A clip of a caption set.

    Parameters
    ----------
    id : str
    names : list of str
        File names without suffix that it may have, with their folders where the set has them; the likeliest first.
    captions : list of str
    """

    id: str
    names: list[str]
    captions: list[str]


def read_published(path: Path, columns: Sequence[str]) -> list[tuple[dict[str, str], Described]]:
    """Rows of a published table, broken ones too: the cells under these names, and what they say.

    Raises
    ------
    InputError
        The table cannot be read, misses one of the columns, or has no row that can be used.
    """
    table = read_table(path)
    named = {plain_name(name): name for name in reversed(table.columns)}
    missing = [column for column in columns if column not in named]
    if missing:
        raise InputError(
            f"{path}: no column {missing[0]!r} (there are {', '.join(table.columns)[:120] or 'none'}); expected "
            f"{', '.join(columns)}"
        )
    cells = [{column: word_in(row.cells.get(named[column])) for column in columns} for row in table.rows]
    rows = list(zip(cells, describe(table, find_columns(table.columns)), strict=True))
    if all(said.fault for _, said in rows):
        first = f"{rows[0][1].where}: {rows[0][1].fault}" if rows else "has no row; download it again"
        raise InputError(f"{path}: {first}")
    return rows


def faults_of(rows: Iterable[tuple[dict[str, str], Described]]) -> list[Fault]:
    """Rows of a table that cannot be used."""
    return [Fault(said.id, said.path, f"{said.where}: {said.fault}") for _, said in rows if said.fault]


def find_sounds(folder: Path) -> dict[str, list[Path]]:
    """Sound files below a folder by their name without suffix; composed and decomposed Unicode are the same.

    Links to folders are followed: large sets often lie on several disks.

    Raises
    ------
    InputError
        There is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected the folder of the sound files")
    found: dict[str, list[Path]] = {}
    # Many keep what they have downloaded beside what they made of it; libsndfile reads the latter alone.
    for path in sorted(_below(folder), key=lambda path: (path.suffix.lower() in UNREAD, path)):
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(normal(path.stem), []).append(path)
    return found


def sounds_called(name: str, sounds: Mapping[str, Sequence[Path]]) -> list[Path]:
    """Sounds of that name: those in the folder that it tells, if there are any, otherwise all; the best one first.

    Of one sound in several formats the first alone is given.
    """
    way = normal(name).split("/")
    found = sounds.get(way[-1], ())
    told = [path for path in found if list(map(normal, path.with_suffix("").parts[-len(way) :])) == way]
    best = list(told or found)
    return [path for path in best if path.suffix == best[0].suffix]


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


def gather(
    wanted: Iterable[Wanted],
    sounds: Mapping[str, Sequence[Path]],
    *,
    name: str,
    folder: Path,
    split: str,
    broken: Sequence[Fault] = (),
) -> Manifest:
    """A manifest of the clips whose sound is there; the others are among its faults, so that both are counted.

    `broken`: rows of the table that could not be used.
    """
    clips, faults = [], []
    for clip in wanted:
        found = next(filter(None, (sounds_called(stem, sounds) for stem in clip.names)), [None])
        path = found[0]
        said = tuple(text.strip() for text in clip.captions if text.strip())
        if path is None:
            faults.append(Fault(clip.id, clip.names[0], f"is not in {folder}"))
        elif not said:
            faults.append(Fault(clip.id, str(path), "its caption is empty"))
        else:
            clips.append(Clip(clip.id, path, said, split))
            if len(found) > 1:
                others = ", ".join(map(str, found[1:]))
                reason = f"is the name of {len(found)} sounds, and the table tells no folder; not taken: {others}"
                faults.append(Fault(clip.id, str(path), reason, kept=True))
    if not clips:
        raise InputError(
            f"{folder}: holds none of the {len(faults)} clips of {name} (first: {faults[0].path}); name the folder of "
            "the sound files"
        )
    return Manifest(name, tuple(clips), (*broken, *faults))


def split_of(path: Path, words: dict[str, str]) -> str:
    """The split that a file name tells; empty where it tells none.

    A word of the name begins with it: "val" is not found in "evaluation".
    """
    said = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", path.stem)]
    return next((split for word, split in words.items() if any(part.startswith(word) for part in said)), "")
