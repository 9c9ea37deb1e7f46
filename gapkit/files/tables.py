"""Tables of any format to rows of cells: csv, tsv, json, jsonl and parquet. Nothing in a cell is run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapkit.errors import InputError
from gapkit.files.columns import role_of
from gapkit.files.csv_cells import original
from gapkit.files.encodings import decoded
from gapkit.files.store import one_line, reading

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
WRAPPERS = ("annotations", "data", "images", "files")
"""Names under which JSON holds its list of records: COCO, WavCaps, Karpathy's splits, MACS."""


@dataclass(frozen=True)
class Row:
    """One record of a table.

    Parameters
    ----------
    number : int
        Place among all records, broken ones too, from 0.
    where : str
        Place as its user counts: "line 3", "entry 'a'", "row 3".
    cells : mapping of str to object
        By the name of the column as written; texts in csv, any value in JSON and parquet.
    fault : str
        Reason why the row is broken; empty where it is not.
    """

    number: int
    where: str
    cells: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """Columns in their order, and all rows, broken ones among them."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: str | Path) -> Table:
    """Read a table, its format told by the suffix.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``: comma, semicolon, tab or bar, as the header line tells, UTF-8 or UTF-16 with a
        byte order mark. ``.json``: {id: caption}, {id: [captions]}, {id: record}, {column: list}, a list of records or
        of texts, or any of these under "data"; annotations of COCO. ``.jsonl``, ``.ndjson``. ``.parquet``.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        No such file, a suffix that is not read, an encoding other than UTF-8, a broken file, two columns of one name.
    """
    path = Path(path)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: is not read by its suffix ({path.suffix or 'none'}); expected {', '.join(_READERS)}")
    try:
        return read(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path") from None


def _read_delimited(path: Path) -> Table:
    # csv of the standard library: pandas and pyarrow tell no line of a row, and fill up a short row in silence.
    text = decoded(path)
    first = text[: min((at for at in map(text.find, "\r\n") if at >= 0), default=None)]
    told = re.fullmatch(r'"?sep=([,;\t|])"?', first)  # a line that tells Excel
    text = text[len(first) :] if told else text
    delimiter = told[1] if told else _delimiter(first, path.suffix.lower())
    # Flickr30k's results.csv puts a blank after each bar and quotes nothing.
    bare = delimiter == "|" and "| " in first
    lines = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        strict=True,
        skipinitialspace=bare,
        quoting=csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL,
    )
    header: list[str] | None = None
    rows: list[Row] = []
    for line, cells, fault in _lines(lines, path):
        if header is None:
            header = _header(cells, path)
            continue
        kept = {name: original(cell) for name, cell in zip(header, cells, strict=False) if name.strip()}
        few = len(cells) < max((place + 1 for place, name in enumerate(header) if name.strip()), default=0)
        # A delimiter that nobody quoted cuts a caption, and moves all that follow it.
        many = any(cell.strip() for cell in cells[len(header) :])
        if not fault and (few or many):
            fault = (
                f"has {len(cells)} {'cell' if len(cells) == 1 else 'cells'} for the {len(header)} columns of the header"
            )
            fault += f"; quote captions that hold a {DELIMITERS[delimiter]}" if many else ""
        rows.append(Row(len(rows), f"line {line}", kept, fault))
    return Table(path, tuple(name for name in header or [] if name.strip()), tuple(rows))


def _lines(reader: Any, path: Path) -> Iterator[tuple[int, list[str], str]]:
    """Line where each row begins, its cells, and why it is broken; blank lines are no rows."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "expected after" not in str(error):  # a quote that is not closed takes all rows after it
                raise InputError(
                    f"{path}: line {line}: cannot be read as a table ({error}); close the quote that was opened there"
                ) from None
            yield line, [], "has text after a closing quote; double the quotes inside of a quoted cell"
            continue
        if cells:
            yield line, cells, ""


def _delimiter(header: str, suffix: str) -> str:
    """The delimiter that makes most known columns of the header; csv.Sniffer finds none in a header of one column."""
    usual = "\t" if suffix == ".tsv" else ","

    def rank(delimiter: str) -> tuple[int, bool, int]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return sum(role_of(cell) is not None for cell in cells), delimiter == usual, len(cells)

    try:
        return max(DELIMITERS, key=rank)
    except csv.Error:  # a header longer than a cell may be
        return usual


def _header(cells: Sequence[str], path: Path) -> list[str]:
    named = [cell.strip().lower() for cell in cells if cell.strip()]
    twice = next((cell for cell in named if named.count(cell) > 1), None) if len(set(named)) < len(named) else None
    if twice is not None:
        raise InputError(
            f"{path}: has two columns {one_line(twice)!r}, of which one would be lost; name several captions "
            "caption_1, caption_2, ..."
        )
    return list(cells)


def _read_json(path: Path) -> Table:
    text = decoded(path)
    try:
        content = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" in text.strip():  # JSON lines under another suffix
            return _json_lines(path, text)
        raise _no_json(path, error) from None
    except (ValueError, RecursionError) as error:
        raise _no_json(path, error) from None
    return _table_of(path, list(_entries(content, path)))


def _read_json_lines(path: Path) -> Table:
    return _json_lines(path, decoded(path))


def _json_lines(path: Path, text: str) -> Table:
    entries: list[tuple[str, Any]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entries.append((f"line {number}", json.loads(line, object_pairs_hook=_once)))
        except (ValueError, RecursionError) as error:
            entries.append((f"line {number}", _Fault(f"is not JSON ({one_line(error, 80)}); write it again")))
    if entries and all(isinstance(content, _Fault) for _, content in entries):
        raise InputError(f"{path}: {entries[0][0]} {entries[0][1]}")
    return _table_of(path, entries)


class _Fault(str):
    """Stands in the place of a record that cannot be read."""


def _entries(content: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Where each record of a JSON file stands, and the record."""
    if isinstance(content, dict) and {"columns", "data"} <= content.keys():  # pandas, orient="split"
        names, cells = _values(content["columns"]), _values(content["data"])
        content = [dict(zip(names, _values(row), strict=False)) for row in cells]
    if isinstance(content, dict):
        for name in WRAPPERS:
            inside = content.get(name)
            if isinstance(inside, dict | list) and all(isinstance(one, dict) for one in _values(inside)) and inside:
                files = {one.get("id"): one.get("file_name") for one in _values(content.get("images", []))}
                if name == "annotations" and any(files.values()):  # COCO
                    inside = [{"file_name": files.get(one.get("image_id"))} | one for one in _values(inside)]
                content = inside
                break
    if isinstance(content, dict):
        yield from _by_name(content)
    elif isinstance(content, list):
        for place, record in enumerate(content):
            yield f"entry {place}", record
    else:
        raise InputError(f"{path}: expected an object or a list of captions, got {type(content).__name__}")


def _by_name(content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    roles = {role_of(name) for name in content}
    columns = [list(cells.values()) if isinstance(cells, dict) else cells for cells in content.values()]
    if "caption" in roles and roles & {"path", "id", "video"}:
        lengths = {len(cells) if isinstance(cells, list) else -1 for cells in columns}
        if len(lengths) > 1 or lengths == {-1}:
            yield "entry 0", content  # one record
            return
        for place, cells in enumerate(zip(*columns, strict=True)):  # a list a column, or an object as pandas writes it
            yield f"entry {place}", dict(zip(content, cells, strict=True))
        return
    for key, value in content.items():
        yield f"entry {key!r}", {**value, "id": key} if isinstance(value, dict) else {"id": key, "caption": value}


def _values(inside: Any) -> list[Any]:
    return list(inside.values()) if isinstance(inside, dict) else inside if isinstance(inside, list) else []


def _table_of(path: Path, entries: Sequence[tuple[str, Any]]) -> Table:
    columns: dict[str, None] = {}
    rows = []
    for number, (where, record) in enumerate(entries):
        if isinstance(record, _Fault):
            rows.append(Row(number, where, {}, str(record)))
            continue
        cells = {"caption": record} if isinstance(record, str) else record
        if not isinstance(cells, dict):
            rows.append(Row(number, where, {}, f"expected an object with id and caption, got {one_line(record, 60)}"))
            continue
        if "image_id" in cells:  # the other id is that of the annotation, in COCO
            cells = {name: cell for name, cell in cells.items() if name != "id"}
        columns.update(dict.fromkeys(cells))
        rows.append(Row(number, where, cells))
    return Table(path, tuple(columns), tuple(rows))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON keeps the last of two equal names and says nothing."""
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} stands there twice; expected each once")
    return made


def _no_json(path: Path, error: Exception) -> InputError:
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return InputError(f"{path}: not a readable UTF-8 json ({one_line(error)}); write it again")
    return InputError(f"{path}: {one_line(error)}")


def _read_parquet(path: Path) -> Table:
    with reading(path):
        from gapkit.files.arrow_columns import innermost, texts_of
        from gapkit.files.parquet import open_table, read_columns

        with open_table(path) as file:
            schema = file.schema_arrow
        # `datasets` keeps sounds and pictures themselves in a column of that name.
        inside = {name for name in schema.names if innermost(schema.field(name).type) is None}
        columns = tuple(name for name in schema.names if name not in inside or role_of(name) != "path")
        wanted = [name for name in columns if role_of(name)]
        found = {key: texts_of(column, path, key) for key, column in read_columns(path, wanted).items()}
    rows = (dict(zip(found, cells, strict=True)) for cells in zip(*found.values(), strict=True))
    return Table(path, columns, tuple(Row(number, f"row {number + 1}", cells) for number, cells in enumerate(rows)))


_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
