"""Candidates and references in files: CSV, JSON and the formats of COCO. Cells are text; nothing in them is run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gapkit.atomic import write_text
from gapkit.datasets.audiocaps import COLUMNS as AUDIOCAPS
from gapkit.datasets.audiocaps import audiocaps_captions
from gapkit.datasets.clotho import CAPTIONS as CLOTHO
from gapkit.datasets.clotho import clotho_captions
from gapkit.errors import InputError
from gapkit.files.csv_cells import csv_text, original
from gapkit.files.store import one_line

SUFFIXES = (".csv", ".json")
IDS = ("image_id", "id", "audio_id", "clip_id", "fname")
"""Names that the id goes by in JSON; in a CSV it is `id`."""


def read_candidates(path: str | Path) -> dict[str, str]:
    """One caption a clip.

    Parameters
    ----------
    path : path
        ``.csv`` with the columns id and caption; ``.json`` with {id: caption} or a list of {image_id or id, caption},
        the results format of COCO.

    Returns
    -------
    dict of str to str

    Raises
    ------
    InputError
        It cannot be read, an id has two captions, or something is not text.
    """
    path = Path(path)
    captions: dict[str, str] = {}
    for where, key, text in _entries(path):
        if key in captions:
            raise InputError(
                f"{path}: {where}: id {key!r} has a second caption; expected one candidate a clip, of one system"
            )
        captions[key] = text
    return captions


def read_references(path: str | Path) -> dict[str, tuple[str, ...]]:
    """The captions that people gave each clip.

    Parameters
    ----------
    path : path
        ``.csv`` with the columns id and caption, a row a caption, or as AudioCaps and Clotho have them; ``.json`` with
        {id: [captions]}, a list of {image_id or id, caption}, or the annotations of COCO.

    Returns
    -------
    dict of str to tuple of str
        In the order of the file. Clips of AudioCaps are called ``youtube_id_start``, those of Clotho by their file.

    Raises
    ------
    InputError
        It cannot be read, or something is not text.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        header = _header(path)
        if set(AUDIOCAPS) <= set(header):
            return audiocaps_captions(path)
        if {"file_name", *CLOTHO} <= set(header):
            return clotho_captions(path)
    captions: dict[str, list[str]] = {}
    for _, key, text in _entries(path):
        captions.setdefault(key, []).append(text)
    return {key: tuple(texts) for key, texts in captions.items()}


def write_captions(path: str | Path, captions: Mapping[str, str | Sequence[str]]) -> None:
    """Write candidates or references so that they are read back as they were.

    Parameters
    ----------
    path : path
        ``.csv``: id and caption, a row a caption, with an apostrophe before what a spreadsheet would run; ``.json``.
    captions : mapping of str to str, or to sequence of str

    Raises
    ------
    InputError
        Another suffix.
    GapkitError
        The file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        content = {key: said if isinstance(said, str) else list(said) for key, said in captions.items()}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    elif path.suffix.lower() == ".csv":
        rows = [(key, text) for key, said in captions.items() for text in ([said] if isinstance(said, str) else said)]
        write_text(path, csv_text(("id", "caption"), rows))
    else:
        raise InputError(f"{path}: expected a file name that ends in {' or '.join(SUFFIXES)}")


Entry = tuple[str, str, str]
"""Where it stands, id, caption."""


def _entries(path: Path) -> Iterable[Entry]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: is not read by its suffix ({suffix or 'none'}); expected {', '.join(SUFFIXES)}")
    entries = list(_csv_entries(path) if suffix == ".csv" else _json_entries(path))
    if not entries:
        raise InputError(f"{path}: holds no caption; expected one or more")
    return entries


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return next(csv.reader(handle), [])
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _csv_entries(path: Path) -> Iterable[Entry]:
    header = _header(path)
    missing = [name for name in ("id", "caption") if name not in header]
    if missing:
        raise InputError(
            f"{path}: no column {' and no column '.join(map(repr, missing))} in the header "
            f"({', '.join(header)[:80] or 'empty file'}); expected id and caption"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(
                        f"{path}: line {reader.line_num} has not the {len(header)} columns of the header; quote "
                        "captions that hold a comma"
                    )
                yield f"line {reader.line_num}", original(row["id"]), original(row["caption"])
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _json_entries(path: Path) -> Iterable[Entry]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=lambda pairs: _once(path, pairs))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise _unreadable(path, error) from None
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        content = content["annotations"]
    if isinstance(content, dict):
        for key, said in content.items():
            for text in said if isinstance(said, list) else [said]:
                yield f"entry {key!r}", key, _text(path, f"entry {key!r}", text)
    elif isinstance(content, list):
        for place, record in enumerate(content):
            where = f"entry {place}"
            name = next((name for name in IDS if isinstance(record, dict) and name in record), None)
            if name is None or "caption" not in record:
                raise InputError(f"{path}: {where}: expected an object with image_id (or id) and caption")
            yield where, _id(path, where, record[name]), _text(path, where, record["caption"])
    else:
        raise InputError(f"{path}: expected an object or a list of captions, got {type(content).__name__}")


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON keeps the last of two equal names and says nothing."""
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InputError(f"{path}: the name {twice!r} stands there twice; expected each once")
    return made


def _id(path: Path, where: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"{path}: {where}: expected an id that is text or a whole number, got {value!r:.60}")
    return str(value)


def _text(path: Path, where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"{path}: {where}: expected a caption that is text, got {value!r:.60}")
    return value


def _unreadable(path: Path, error: Exception) -> InputError:
    if isinstance(error, OSError):
        return InputError(f"{path}: cannot be opened ({error.strerror}); check the path")
    return InputError(f"{path}: not a readable UTF-8 {path.suffix[1:].lower()} ({one_line(error)}); write it again")
