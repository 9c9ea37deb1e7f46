"""Candidates and references in files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gapkit.atomic import write_text
from gapkit.errors import InputError
from gapkit.files.csv_cells import csv_text
from gapkit.files.described import captions_by_id, read_described, usable
from gapkit.files.list_cells import is_list
from gapkit.files.name_forms import FORMS, renamed, stem

SUFFIXES = (".csv", ".json")
"""Suffixes that captions are written with."""

_START = re.compile(r"_\d+(\.\d+)?$")


def read_candidates(path: str | Path) -> dict[str, str]:
    """One caption a clip.

    Parameters
    ----------
    path : path
        A table with the columns id and caption, or {id: caption}: see `gapkit.files.tables.read_table`; columns
        under the names that published sets give them: see `gapkit.files.columns`. Broken rows are said in a warning.

    Returns
    -------
    dict of str to str

    Raises
    ------
    InputError
        It cannot be read, an id has two captions, or something is not text.
    """
    captions: dict[str, str] = {}
    for row in usable(read_described(path, "id", "caption", said=True), path):
        if row.id in captions or len(row.captions) > 1:
            raise InputError(
                f"{path}: {row.where}: id {row.id!r} has a second caption; expected one candidate a clip, of one system"
            )
        captions[row.id] = row.captions[0] if row.captions else ""
    return captions


def read_references(path: str | Path) -> dict[str, tuple[str, ...]]:
    """The captions that people gave each clip.

    Parameters
    ----------
    path : path
        A table with the columns id and caption, a row a caption, or several captions in a row, or {id: [captions]}:
        see `gapkit.files.tables.read_table`; columns under the names that published sets give them: see
        `gapkit.files.columns`. Broken rows are said in a warning.

    Returns
    -------
    dict of str to tuple of str
        In the order of the file. Clips of AudioCaps are called ``youtube_id_start``, those of Clotho by their file.

    Raises
    ------
    InputError
        It cannot be read, or something is not text.
    """
    return captions_by_id(usable(read_described(path, "id", "caption"), path))


def read_item_groups(path: str | Path, *, asked: bool = True) -> dict[str, str] | None:
    """Origin of each clip of a table with the columns id and group, by the id; None where it has no such column.

    Parameters
    ----------
    path : path
    asked : bool
        The table is to hold groups.

    Raises
    ------
    InputError
        It cannot be read, or holds no group although it was `asked` to.
    """
    found = {row.id: row.group for row in usable(read_described(path, "id"), path) if row.group}
    if asked and not found:
        raise InputError(f"{path}: expected a column 'group' with the origin of each clip, got none")
    return found or None


def read_texts(path: str | Path) -> list[str]:
    """All captions of a table, whatever they are of: those that a system was trained on.

    Raises
    ------
    InputError
        It cannot be read, or something is not text.
    """
    return [text for row in usable(read_described(path, "caption"), path) for text in row.captions]


def match_names(
    candidates: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], str | None]:
    """Candidates under the names of the references, where they go by other forms of them.

    Parameters
    ----------
    candidates : mapping of str to str
    references : mapping of str to sequence of str

    Returns
    -------
    candidates : dict of str to str
        As they were, where one of their ids is among the references, or no form of the names matches.
    note : str or None
        How they were matched, if by another form.
    """
    found = renamed(list(candidates), list(references), _FORMS)
    if found is None:
        return dict(candidates), None
    names, form = found
    matched = dict(zip(names, candidates.values(), strict=True))
    both = sum(name in references for name in matched)
    return matched, f"candidates and references joined by {form}; {both:,} of {len(references):,}"


_FORMS: dict[str, Callable[[str], str]] = {**FORMS, "YouTube id": lambda key: _START.sub("", stem(key))}


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
        plain = {key: said if isinstance(said, str) else list(said) for key, said in captions.items()}
        content = {key: [said] if isinstance(said, str) and is_list(said) else said for key, said in plain.items()}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    elif path.suffix.lower() == ".csv":
        # A caption that reads like a list is written as a list of one.
        rows = [
            (key, json.dumps([text]) if is_list(text) else text)
            for key, said in captions.items()
            for text in ([said] if isinstance(said, str) else said)
        ]
        write_text(path, csv_text(("id", "caption"), rows))
    else:
        raise InputError(f"{path}: expected a file name that ends in {' or '.join(SUFFIXES)}")
