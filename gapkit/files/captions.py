"""Captions from a table: one entry a caption."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.files.described import read_described, usable
from gapkit.files.store import text_array


@dataclass(frozen=True)
class CaptionTable:
    """Captions of a table and what it says of each, one entry a caption; None where it has no such column.

    Parameters
    ----------
    path : Path
    captions : array of shape (m,) of str
    ids, split, labels, groups : array of shape (m,) of str or None
        The id is that of its column, else YouTube id and start, else the path.
    row : array of shape (m,) of int
        Number of the record that holds the caption, from 0: caption_1 to caption_5 are of one record.
    """

    path: Path
    captions: NDArray[np.str_]
    ids: NDArray[np.str_] | None
    split: NDArray[np.str_] | None
    labels: NDArray[np.str_] | None = None
    groups: NDArray[np.str_] | None = None
    row: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def read_captions(path: Path) -> CaptionTable:
    """Read captions and, where the table has them, ids, splits, labels and groups.

    Parameters
    ----------
    path : Path
        What `gapkit.files.tables.read_table` reads, its columns under the names of `gapkit.files.columns`.

    Returns
    -------
    CaptionTable
        An empty caption is an entry like the others, where its record has no other. Broken rows are said in a warning,
        if captions have ids.

    Raises
    ------
    InputError
        No such file or column, no usable row, text that is not UTF-8, or a broken row of a table without ids: the
        captions after it would shift.
    """
    path = Path(path)
    rows = read_described(path, "caption")
    broken = next((row for row in rows if row.fault), None)
    if broken is not None and not any(row.id for row in rows if not row.fault):
        raise InputError(f"{path}: {broken.where}: {broken.fault}")
    entries = [(row, text) for row in usable(rows, path) for text in row.captions or ("",)]

    def column(part: str) -> NDArray[np.str_] | None:
        cells = [getattr(row, part) for row, _ in entries]
        return text_array(cells, path, f"column {part}") if any(cells) else None

    return CaptionTable(
        path=path,
        captions=text_array([text for _, text in entries], path, "column caption"),
        ids=column("id"),
        split=column("split"),
        labels=column("label"),
        groups=column("group"),
        row=np.array([row.row for row, _ in entries], dtype=np.int64),
    )
