"""The result files of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gapkit.atomic import write_text
from gapkit.comparison.results import Results
from gapkit.errors import InputError

FILES = {"csv": "results.csv", "json": "results.json", "md": "table.md", "tex": "table.tex"}
"""File of each format."""


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """The same without doubles.

    Raises
    ------
    InputError
        A format that is not written here.
    """
    for name in formats:
        if name not in FILES:
            raise InputError(f"format: expected some of {', '.join(FILES)}, got {name!r}")
    return tuple(dict.fromkeys(formats))


def write_results(results: Results, folder: Path, formats: Sequence[str] = tuple(FILES)) -> None:
    """Write the files of `formats` into `folder`.

    ``results.json`` is always among them: `Results.read` needs it. Files of other formats that are there already are
    brought up to date, so that no two files of one folder disagree.

    Raises
    ------
    InputError, GapkitError
    """
    writers = {"csv": results.to_csv, "json": results.to_json, "md": results.to_markdown, "tex": results.to_latex}
    asked = {*check_formats(formats), "json"}
    for name, file in FILES.items():
        if name in asked or (folder / file).exists():
            write_text(folder / file, writers[name]())
