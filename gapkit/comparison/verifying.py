"""Whether a finished study can be believed: its inputs hashed again, its files held together, some cells recomputed."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.bridges.families import unlabelled
from gapkit.bridges.saving import shared_files
from gapkit.bridges.shared_arrays import is_whole
from gapkit.comparison.cells import Cell, cell_stem, read_cell
from gapkit.comparison.division import divide
from gapkit.comparison.grid import ComparisonGrid
from gapkit.comparison.growth import SETTINGS_ASIDE
from gapkit.comparison.jobs import CellJob, cell_jobs
from gapkit.comparison.manifest import read_manifest
from gapkit.comparison.results import Results
from gapkit.comparison.run import opened_pairs, stored_config
from gapkit.comparison.summary import seed_of
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.records import as_json
from gapkit.study.folder import StudyFolder
from gapkit.study.grid import attempt
from gapkit.study.manifest import software
from gapkit.study.progress import Progress, Silent
from gapkit.study.record import RECORD, saved_seconds

TOLERANCE = 1e-3
"""Share of a value (of 1 for smaller ones) that another processor, BLAS or number of threads may change."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    what : str
    agrees : bool
    said : str
        How far it agrees, or what differs.
    """

    what: str
    agrees: bool
    said: str


@dataclass(frozen=True)
class Verification:
    """What `verify_run` found.

    Parameters
    ----------
    checks : tuple of Check
    notes : tuple of str
        What has changed since the study and may explain a difference.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Nothing differs."""
        return all(check.agrees for check in self.checks)


def verify_run(
    folder: str | Path,
    pairs: PairedEmbeddings | None = None,
    *,
    test: PairedEmbeddings | None = None,
    cells: int = 3,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    progress: Progress | None = None,
) -> Verification:
    """Hash the inputs of a study again, hold its files against each other, and compute some of its cells anew.

    Parameters
    ----------
    folder : path
        What `gapkit compare` wrote; nothing in it is changed.
    pairs : PairedEmbeddings, optional
        The data that it ran on. Left out: the bundled dataset, or the files by the paths that the study was given.
    test : PairedEmbeddings, optional
        The other set that was measured, if there was one. Left out: opened again like `pairs`.
    cells : int
        How many cells are fitted and measured again, drawn by `seed`; as many as there are at most.
    seed : int
        Of the draw of cells.
    tolerance : float
        Largest difference of a value or an end of an interval, as a share of it (of 1 where it is below 1). The same
        software on the same processor gives the same digits; 0 asks for them.
    progress : Progress, optional
        Told of each cell.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        No finished study there, data that cannot be opened, numbers out of range.
    """
    if cells < 0 or not 0 <= tolerance < math.inf:
        raise InputError(f"cells and tolerance: expected numbers of at least 0, got {cells} and {tolerance}")
    home, progress = StudyFolder(folder), progress or Silent()
    results, manifest, identity = Results.read(home.root, draws=False), read_manifest(home.root), home.identity()
    config = stored_config(home.root, manifest)
    data = opened_pairs(home.root, manifest, config, pairs, test)
    found = _stored_cells(home, results)
    checks = [_inputs(data, identity), *_files(home, results, found)]
    if checks[0].agrees and cells:
        # A study of a GPU is verified on whatever is here.
        config = replace(config, device="auto" if config.device != "cpu" else "cpu").resolved()
        division = divide(data, config)
        known = {job.stem: job for job in cell_jobs(config, division)}
        cells_there = [cell for cell in found.values() if cell is not None and not cell.error]
        jobs = {cell.stem: (job, cell) for cell in cells_there if (job := _job_of(cell, known)) is not None}
        whole = list(jobs)
        drawn = np.random.default_rng(seed).permutation(len(whole))[:cells]
        progress.start(len(drawn))
        with tempfile.TemporaryDirectory(prefix="gapkit-") as scratch:
            grid = ComparisonGrid(division, config, StudyFolder(scratch))
            for stem in (whole[place] for place in sorted(drawn)):
                checks.append(_again(grid, *jobs[stem], tolerance, progress))
                progress.advance(checks[-1].what, checks[-1].said)
    return Verification(tuple(checks), _changed(manifest))


def _stored_cells(home: StudyFolder, results: Results) -> dict[str, Cell | None]:
    rows = dict.fromkeys(zip(results.frame["bridge"], map(seed_of, results.frame["seed"]), strict=True))
    return {cell_stem(bridge, seed): read_cell(home.cells, cell_stem(bridge, seed)) for bridge, seed in rows}


def _inputs(data: PairedEmbeddings, identity: Mapping[str, Any]) -> Check:
    now, then = data.content_hash(), identity.get("data", {}).get("content_hash")
    said = f"content hash {now}, as in the study" if now == then else f"content hash {now} now, {then} in the study"
    return Check("inputs", now == then, said)


def _files(home: StudyFolder, results: Results, found: Mapping[str, Cell | None]) -> list[Check]:
    """Cells against themselves and against the table, fitted bridges against their digests."""
    broken = [stem for stem, cell in found.items() if cell is None]
    checks = [Check("cells", not broken, _said(broken, f"{len(found)} whole", "missing, or not as written"))]
    frame = results.frame[results.frame["metric"].notna() & results.frame["value"].notna()]
    columns = ("bridge", "seed", "metric", "value", "ci_low", "ci_high")
    apart, held = [], 0
    for bridge, seed, metric, *numbers in frame[list(columns)].itertuples(index=False):
        stem = cell_stem(bridge, seed_of(seed))
        cell = found[stem]
        if cell is not None:
            own = cell.estimates.get(metric)
            held += 1
            if own is None or not np.array_equal([own.value, own.low, own.high], numbers, equal_nan=True):
                apart.append(f"{stem} {metric}")
    checks.append(
        Check("results.json", not apart, _said(apart, f"{held} values as in the cells", "not as in the cell"))
    )
    fits = sorted(path.parent for path in home.bridges.glob(f"*/{RECORD}"))
    changed = [fit.name for fit in fits if saved_seconds(fit) is None or not _shared_whole(fit)]
    return [*checks, Check("fitted bridges", not changed, _said(changed, f"{len(fits)} whole", "not as written"))]


def _shared_whole(fit: Path) -> bool:
    """True where the arrays that a bridge holds together with others are as they were written."""
    try:
        return all(map(is_whole, shared_files(fit)))
    except InputError:
        return False


def _said(wrong: Sequence[str], right: str, how: str) -> str:
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"{', '.join(wrong[:3])}{more}: {how}" if wrong else right


def _job_of(cell: Cell, known: Mapping[str, CellJob]) -> CellJob | None:
    """What makes a cell: a merged study has bridges of other settings than its own, and labelled ones."""
    job = known.get(cell_stem(unlabelled(cell.bridge), cell.seed))
    if job is None:
        return None
    now = as_json(job.params)
    other = {key: v for key, v in cell.params.items() if key in now and key not in SETTINGS_ASIDE and now[key] != v}
    params = {**job.params, **other}
    return replace(job, stem=cell.stem, label=cell.label, row=cell.bridge, params=params, missing=tuple(cell.estimates))


def _again(grid: ComparisonGrid, job: CellJob, then: Cell, tolerance: float, progress: Progress) -> Check:
    """One cell, fitted and measured anew."""
    progress.begin(job.label)
    now, _ = attempt(grid, job, progress)
    if now.error:
        return Check(job.stem, False, f"fails now: {now.error}")
    worst, where, same = 0.0, "", True
    for metric, value in then.estimates.items():
        other = now.estimates.get(metric)
        if other is None:
            return Check(job.stem, False, f"{metric}: not measured now ({now.failed.get(metric, 'does not apply')})")
        a, b = np.array([value.value, value.low, value.high]), np.array([other.value, other.low, other.high])
        same &= np.array_equal(a, b, equal_nan=True)
        apart = np.abs(a - b) / np.maximum(1.0, np.abs(a))
        # Undefined on one side only is a difference that no tolerance covers.
        apart = np.where(np.isnan(a) & np.isnan(b), 0.0, np.where(np.isnan(a) | np.isnan(b), np.inf, apart))
        if apart.max() > worst:
            worst, where = float(apart.max()), f"{metric} {value.value:.6g} then, {other.value:.6g} now"
    count = f"{len(then.estimates)} metrics"
    if same:
        return Check(job.stem, True, f"{count}, to the last digit")
    said = f"{count}, to {worst:.0e} ({where})"
    return Check(job.stem, worst <= tolerance, said)


def _changed(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Software and processor that are not those of the study."""
    now, then = ({**kept, **kept.get("packages", {})} for kept in (software(), manifest))
    now.pop("packages")
    return tuple(f"{key} {then.get(key)} then, {here} now" for key, here in now.items() if then.get(key) != here)
