"""`Manifest`: which files there are, and what is said of each."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapkit.encoders.packages import need
from gapkit.errors import InputError
from gapkit.files.parquet import open_table, read_columns, texts_of
from gapkit.files.store import reading

CAPTION = re.compile(r"captions?([ _-]?\d+)?", flags=re.IGNORECASE)
"""Columns that hold captions: ``caption``, ``captions``, ``caption_1``, ``caption 2``."""

NAMED = ("path", "id", "split")
"""The other columns that are read."""

HELP = "expected columns path, caption (or caption_1, caption_2, ...), and if you like id and split"


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
        CSV, TSV or parquet with a header. Columns: ``path``; ``caption``, or several as ``caption_1``, ``caption_2``
        (in parquet also a list); if you like ``id`` (left out: the path as written) and ``split``. Several rows with
        one id and one path are several captions of one clip.
    root : path, optional
        Folder that relative paths start from; left out: the folder of the manifest.

    Returns
    -------
    Manifest
        Rows that cannot be used are among its faults: no path, no caption, more cells than columns, an id that names
        two files.

    Raises
    ------
    InputError
        The manifest cannot be read, misses a column (the nearest names are given) or has no row.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a manifest: CSV, TSV or parquet")
    rows = _READERS.get(path.suffix.lower())
    if rows is None:
        raise InputError(f"{path}: suffix {path.suffix or 'missing'!r} is no manifest; expected .csv, .tsv or .parquet")
    columns, records = rows(path)
    return collect(records, columns, name=path.stem, title=str(path), root=Path(root) if root else path.parent)


def collect(records: Iterable[Mapping[Any, Any]], columns: list[str], *, name: str, title: str, root: Path) -> Manifest:
    """Gather the rows of a table into clips; `title` opens error messages.

    Raises
    ------
    InputError
        A column is missing, or there is no row.
    """
    place = {column.strip().lower(): column for column in reversed(columns)}
    texts = [column for column in columns if CAPTION.fullmatch(column.strip())]
    if "path" not in place:
        raise InputError(f"{title}: no column 'path'{_near('path', columns)}; {HELP}")
    if not texts:
        raise InputError(f"{title}: no column 'caption'{_near('caption', columns)}; {HELP}")
    captions: dict[str, list[str]] = {}
    found: dict[str, tuple[Path, str]] = {}
    faults: list[Fault] = []
    for number, record in enumerate(records, start=1):
        given = _text(record.get(place["path"]))
        clip = (_text(record.get(place["id"])) if "id" in place else "") or given
        said = [text for column in texts for text in _captions(record.get(column))]
        split = _text(record.get(place["split"])) if "split" in place else ""
        if not given:
            faults.append(Fault(clip, "", f"row {number} has no path"))
            continue
        if any(map(_text, record.get(None) or ())):  # where the reader of a csv puts cells that have no column
            faults.append(Fault(clip, given, f"row {number} has more cells than the header; quote what holds a comma"))
            continue
        known = found.setdefault(clip, (root / given, split))
        if known != (root / given, split):
            what = "path" if known[0] != root / given else "split"
            faults.append(
                Fault(clip, given, f"row {number}: id {clip!r} was given before with another {what}; give each its own")
            )
            continue
        captions.setdefault(clip, []).extend(said)
    clips = []
    for clip, (file, split) in found.items():
        full = tuple(text for text in captions[clip] if text)
        if not full:
            faults.append(Fault(clip, str(file), "its caption is empty"))
            continue
        if len(full) < len(captions[clip]):
            blank = len(captions[clip]) - len(full)
            faults.append(Fault(clip, str(file), f"{blank} of its {len(captions[clip])} captions are empty", kept=True))
        clips.append(Clip(clip, file, full, split))
    if not found and not faults:
        raise InputError(f"{title}: has no row; {HELP}")
    return Manifest(name, tuple(clips), tuple(faults))


def _near(wanted: str, columns: list[str]) -> str:
    near = difflib.get_close_matches(wanted, columns, n=2, cutoff=0.4)
    return f" (there is {' and '.join(map(repr, near))})" if near else f" (there are {', '.join(columns) or 'none'})"


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()  # NaN is how tables say nothing


def _captions(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [_text(item) for item in value]
    return [_text(value)]


def _read_csv(path: Path, delimiter: str = ",") -> tuple[list[str], Iterator[Mapping[Any, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, delimiter=delimiter, strict=True)
            columns = list(reader.fieldnames or [])
            named = [column for column in columns if column.strip()]
            if len(set(named)) < len(named):
                twice = next(column for column in named if named.count(column) > 1)
                raise InputError(
                    f"{path}: has two columns {twice!r}, of which one would be lost; name several captions caption_1, "
                    "caption_2, ..."
                )
            return columns, iter(list(reader))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}); write it again") from None


def _read_tsv(path: Path) -> tuple[list[str], Iterator[Mapping[Any, Any]]]:
    return _read_csv(path, "\t")


def _read_parquet(path: Path) -> tuple[list[str], Iterator[Mapping[Any, Any]]]:
    need("pyarrow.parquet", whose=str(path))
    with reading(path):
        with open_table(path) as file:
            columns = list(file.schema_arrow.names)
        wanted = [name for name in columns if name.strip().lower() in NAMED or CAPTION.fullmatch(name.strip())]
        found = {key: texts_of(column, path, key) for key, column in read_columns(path, wanted).items()}
    return columns, (dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True))


_READERS = {".csv": _read_csv, ".tsv": _read_tsv, ".parquet": _read_parquet}
