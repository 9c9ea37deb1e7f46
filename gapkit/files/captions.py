"""Captions from a csv: one row for each target row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.store import one_line, text_array


@dataclass(frozen=True)
class CaptionTable:
    """Columns of a captions csv, one entry a row; None where the csv has no such column."""

    path: Path
    captions: NDArray[np.str_]
    ids: NDArray[np.str_] | None
    split: NDArray[np.str_] | None


def read_captions(path: Path) -> CaptionTable:
    """Read a csv with the column ``caption`` and, if it has them, ``id`` and ``split``.

    Raises
    ------
    InputError
        No such file, no header with ``caption``, rows of another length, or text that is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            header = reader.fieldnames or []
            if "caption" not in header:
                raise InputError(
                    f"{path}: no column 'caption' in the header ({', '.join(header)[:80] or 'empty file'}); "
                    "expected caption, and id and split where known"
                )
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(
                        f"{path}: line {reader.line_num} has not the {len(header)} columns of the header; "
                        "quote captions that hold a comma"
                    )
                rows.append(row)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable UTF-8 csv ({one_line(error)}); write it again") from None
    if not rows:
        raise InputError(f"{path}: has a header and no rows; expected one row a caption")

    def column(key: str) -> NDArray[np.str_] | None:
        return text_array([row[key] for row in rows], path, f"column {key}") if key in header else None

    captions = column("caption")
    assert captions is not None
    return CaptionTable(path, captions, column("id"), column("split"))
