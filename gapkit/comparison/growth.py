"""A folder grows: the cells that earlier runs left stay in its table, and other parameters have a row of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.bridges.families import unlabelled
from gapkit.bridges.registry import BRIDGES
from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell, read_cell
from gapkit.comparison.columns import metric_columns
from gapkit.comparison.fitting import bridge_key
from gapkit.comparison.manifest import read_manifest
from gapkit.comparison.summary import DrawTable, draws_of, long_frame
from gapkit.errors import InputError
from gapkit.metrics.registry import METRICS
from gapkit.records import as_json
from gapkit.report import Column
from gapkit.report.table import BLOCKS
from gapkit.study.folder import StudyFolder

FOLDS = "folds"
"""Takes the place of the name of a split where items were measured in folds."""
SETTINGS_ASIDE = ("random_state", "device")
"""Parameters that make no other bridge: rows have their seed, and devices only round otherwise."""

Tabled = tuple[pd.DataFrame, tuple[Column, ...], Mapping[str, Any], DrawTable]
"""Frame, columns, study and draws: what `Results` is made of."""


def stored_cells(folder: StudyFolder) -> dict[str, Cell]:
    """The whole cells in a folder by their stem."""
    stems = [path.stem for path in sorted(folder.cells.glob("*.json")) if not path.name.startswith(".")]
    found = {stem: read_cell(folder.cells, stem) for stem in stems}
    return {stem: cell for stem, cell in found.items() if cell is not None and cell.stem == stem}


def still_holds(cell: Cell) -> bool:
    """True where this gapkit, and the package of the bridge as it is here, would compute the same cell."""
    name = unlabelled(cell.bridge)
    if name in anchors.SYNTHETIC:
        return True
    return name in BRIDGES.names() and bridge_key(name, cell.params, cell.seed) == cell.key


def settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that make a bridge another one."""
    return {key: value for key, value in as_json(params).items() if key not in SETTINGS_ASIDE}


def row_name(name: str, params: Mapping[str, Any], stored: Collection[Cell], folder: Path) -> str:
    """The row of a bridge with these parameters: its name, or ``NAME (steps=200)`` beside one with others.

    Parameters
    ----------
    name : str
        Of the bridge.
    params : mapping
        All its parameters.
    stored : collection of Cell
        Cells of the folder that still hold.
    folder : Path
        For messages.

    Raises
    ------
    InputError
        The difference makes no name of a row.
    """
    rows = {cell.bridge: settings(cell.params) for cell in stored if unlabelled(cell.bridge) == name and not cell.error}
    own = settings(params)
    for row, known in rows.items():
        if known == own:
            return row
    if name not in rows:
        return name
    differing = sorted(key for key in own.keys() | rows[name].keys() if own.get(key) != rows[name].get(key))
    label = f"{name} ({' '.join(f'{key}={own.get(key)}' for key in differing)})"
    if label in rows or len(label) > 100 or not label.isprintable() or set("/\\[]()") & set(label[len(name) + 2 : -1]):
        raise InputError(
            f"{folder}: has {name} with other parameters ({', '.join(differing)}), and the difference is too long for "
            "the name of a row; give another --out"
        )
    return label


def table_of(cells: Sequence[Cell], study: Mapping[str, Any], metrics: Sequence[str], *, split: str) -> Tabled:
    """Parts of `Results`, made from cells.

    Parameters
    ----------
    cells : sequence of Cell
        In the order of the table inside each block.
    study : mapping
        Identity of the study.
    metrics : sequence of str
        Those that stand first; all others of the cells follow.
    split : str
        What was measured.
    """
    blocks = list(BLOCKS)
    cells = sorted(cells, key=lambda cell: blocks.index(cell.block))
    measured = dict.fromkeys([*metrics, *(name for cell in cells for name in (*cell.measured, *cell.failed))])
    columns = metric_columns([name for name in measured if name in METRICS.names()])
    frame = long_frame(cells, {column.name: column.group for column in columns}, split=split)
    return frame, columns, dict(study), draws_of(cells)


def unfinished_table(root: Path) -> Tabled | None:
    """The table of a study that was stopped, from its finished cells; None of one that was not.

    Raises
    ------
    InputError
        Nothing is finished yet, or a manifest that is not readable.
    """
    if not (root / "manifest.json").exists() or not (root / StudyFolder.file).exists():
        return None
    try:
        manifest = read_manifest(root)
    except InputError:
        if (root / "results.json").exists():  # which a table needs alone
            return None
        raise
    if manifest.get("finished", "") is not None:
        return None
    folder = StudyFolder(root)
    identity, config = folder.identity(), dict(manifest.get("config", {}))
    stored = stored_cells(folder)
    planned = [str(stem) for stem in manifest.get("planned", ())]
    missing = [stem for stem in planned if stem not in stored]
    cells = [cell for cell in stored.values() if still_holds(cell)]
    if not cells:
        raise InputError(f"{root}: no row is finished yet; run the same `gapkit compare` again")
    cells.sort(key=lambda cell: planned.index(cell.stem) if cell.stem in planned else len(planned))
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    said = f"{len(missing)} of {len(planned)} cells are missing ({', '.join(missing[:3])}{more})"
    left = f"Not finished: {said if missing else 'it was stopped before its end'}; the same command goes on."
    study = {
        "name": str(manifest.get("input", {}).get("name", "pairs")),
        **{group: identity.get(group, {}) for group in ("data", "options")},
        "remarks": [left],
        "findings": [str(line) for line in manifest.get("findings", ())],
    }
    split = FOLDS if "folds" in study["data"] else str(config.get("test_split", "test"))
    return table_of(cells, study, [str(name) for name in config.get("metrics", ())], split=split)
