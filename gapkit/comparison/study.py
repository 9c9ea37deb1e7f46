"""`run_study`: bridges x seeds x metrics, cell by cell, resumable."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division, divide
from gapkit.comparison.grid import ComparisonGrid
from gapkit.comparison.growth import FOLDS, table_of
from gapkit.comparison.input_checks import require_usable
from gapkit.comparison.jobs import CellJob
from gapkit.comparison.manifest import write_comparison_manifest
from gapkit.comparison.measuring import groups_told
from gapkit.comparison.other_set import joined_sets
from gapkit.comparison.results import Results
from gapkit.comparison.splits import Parts, own_splits, with_known_names
from gapkit.comparison.writing import FILES, check_formats, write_results
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.registry import METRICS
from gapkit.study.folder import StudyFolder
from gapkit.study.order import sensible_processes
from gapkit.study.processes import Backend, check_backend
from gapkit.study.progress import Progress, Silent
from gapkit.study.run import run_grid


def run_study(
    pairs: PairedEmbeddings,
    config: StudyConfig | None = None,
    *,
    test: PairedEmbeddings | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    formats: Sequence[str] = tuple(FILES),
    jobs: int | None = 1,
    backend: Backend = "loky",
) -> Results:
    """Fit every bridge with every seed on the fit split and measure it on the test split, or in folds.

    Parameters
    ----------
    pairs : PairedEmbeddings
    config : StudyConfig, optional
        What is compared, and how.
    test : PairedEmbeddings, optional
        Another set that is measured: its test split, or all of it where it has none. `pairs` only fit then.
    out : path, optional
        Folder that keeps finished cells, fitted bridges and checkpoints: a study that was stopped goes on from there,
        and a finished cell is never computed again. Bridges, metrics and seeds of earlier runs stay in the table; a
        bridge with other parameters than there has a row of its own. Left out: nothing is kept.
    progress : Progress, optional
        Told what happens.
    formats : sequence of str
        Result files to write: csv, json, md, tex.
    jobs : int, optional
        Cells that are computed at once, each in a process of its own; the numbers are the same. None: as many as the
        cores, the free memory and the work are good for, or as a cluster holds. Each process uses `config.threads`
        threads, one where that is left out.
    backend : {"loky", "dask", "ray"}
        What runs the processes: this machine, a Dask or a Ray cluster. Its workers must see the folder `out`.

    Returns
    -------
    Results
        A bridge that fails has a row that says why; the others go on.

    Raises
    ------
    InputError
        Unknown names, splits that do not serve, or a folder of another study.
    GapkitError
        The folder cannot be written to. Finished cells are kept.
    """
    config = (config or StudyConfig()).resolved()
    progress = progress or Silent()
    if out is None:
        with tempfile.TemporaryDirectory(prefix="gapkit-") as folder:
            how: dict[str, Any] = {"progress": progress, "formats": (), "jobs": jobs, "backend": backend}
            return run_study(pairs, config, test=test, out=folder, **how)
    _check_jobs(jobs)
    check_backend(backend)
    check_formats(formats)
    clashing = sorted(set(config.bridges) & set(anchors.SYNTHETIC))
    if clashing:
        raise InputError(f"bridge {clashing[0]!r}: has the name of an anchor row; register it under another")
    began = dt.datetime.now(dt.UTC)
    findings: tuple[str, ...] = ()
    if test is not None:
        pairs, findings = _joined(pairs, test, config, progress)
    home = StudyFolder(out)
    asked, config = config, _named(pairs, config, home)
    # What folds leave aside tells nothing of a leak.
    looked_at = pairs if config.folds is None else replace(pairs, split=None)
    # Each of two sets was looked at by itself, by the row numbers of its own file.
    findings += require_usable(looked_at, progress, splits=config.splits, only=("leak",) if test is not None else ())
    division = divide(pairs, config)
    if test is not None:
        findings += _unlike(division.fits[0], test, progress)
    identity = study_identity(pairs, division, config)
    with home.lock():
        home.claim(identity)
        held_out = config.validation_split not in pairs.splits
        if held_out or test is not None or config != asked or division.in_folds:
            progress.message(f"{pairs.name}: {division.rule}")
        left_out = [name for name in config.metrics if "fitted" in METRICS.get(name).needs]
        if division.in_folds and left_out:
            progress.message(f"note: {', '.join(left_out)}: left out, for each fold has fitted targets of its own")
        unlabelled = [name for name in config.metrics if "labels" in METRICS.get(name).needs]
        if division.test.labels is None and unlabelled:
            progress.message(f"note: {', '.join(unlabelled)}: left out, for the items have no labels")
        grid = ComparisonGrid(division, config, home)
        todo = grid.jobs(progress)
        about: dict[str, Any] = {"config": config, "planned": [job.stem for job in todo], "findings": findings}
        # Before the first cell: whoever is stopped can open what there is.
        before = [job.known for job in todo if job.known is not None]
        write_comparison_manifest(home, pairs, division, [*before, *grid.others], began=began, ended=False, **about)
        cells = [*_cells(grid, todo, progress, processes=jobs, backend=backend), *grid.others]
        split = FOLDS if division.in_folds else config.test_split
        study = {"name": pairs.name, **identity, "findings": list(findings)}
        results = Results(*table_of(cells, study, config.metrics, split=split))
        write_results(results, home.root, formats)
        write_comparison_manifest(home, pairs, division, cells, began=began, ended=True, **about)
    return results


def _named(pairs: PairedEmbeddings, config: StudyConfig, home: StudyFolder) -> StudyConfig:
    """With the splits that the names stand for; a study that was begun without a validation split goes on so."""
    if home.study.exists() and home.identity().get("options", {}).get("split") == own_splits(config, validation=False):
        return config
    return with_known_names(pairs, config)


def _joined(
    pairs: PairedEmbeddings, test: PairedEmbeddings, config: StudyConfig, progress: Progress
) -> tuple[PairedEmbeddings, tuple[str, ...]]:
    """Both sets as one, each looked at by itself first: a row is named by its place in its own file."""
    if config.folds is not None:
        raise InputError(
            "folds and test: expected one of the two, got both; folds measure the items that fit, so leave one out"
        )
    found: tuple[str, ...] = ()
    for own, part in ((pairs, slice(0, 2)), (test, slice(2, 3))):
        splits = with_known_names(own, config).splits[part]
        found += require_usable(own, progress, splits=splits, whose=f"{own.name}: ")
    return joined_sets(pairs, test, config), found


def _unlike(parts: Parts, test: PairedEmbeddings, progress: Progress) -> tuple[str, ...]:
    """Warnings of measured items of another domain or encoder, said once for all bridges."""
    found = parts.fitted_on.warnings(parts.test.source, test.meta)
    for line in found:
        progress.message(f"warning: {line}")
    return found


def study_identity(pairs: PairedEmbeddings, division: Division, config: StudyConfig) -> dict[str, dict[str, Any]]:
    """What two runs must share for their rows to stand in one table."""
    data = {
        "content_hash": pairs.content_hash(),
        "dim": pairs.dim,
        "fit_clips": division.fit_clips,
        "test_clips": len(division.test),
        "test_targets": division.test.n_targets,
        **({"folds": len(division)} if division.in_folds else {}),
        **groups_told(division.test.origins),
    }
    options = {
        "seed": config.seed,
        "n_resamples": config.n_resamples,
        "normalise": config.normalise,
        "split": division.rule,
    }
    return {"data": data, "options": options}


def _cells(
    grid: ComparisonGrid, jobs: Sequence[CellJob], progress: Progress, *, processes: int | None, backend: Backend
) -> list[Cell]:
    """The cells of this run in the order of the table."""
    config = grid.config
    threads = config.threads or 1
    if processes is None and backend == "loky":
        waiting = [job for job in jobs if not job.finished]
        processes = sensible_processes(waiting, memory=grid.memory, device=config.device, threads=threads)
    progress.start(len(jobs))
    found = run_grid(grid, jobs, progress=progress, processes=processes, threads=threads, backend=backend)
    cells = {job.stem: cell for job, cell in found}
    return [cells[job.stem] for job in jobs]


def _check_jobs(jobs: int | None) -> None:
    if jobs is not None:
        whole("jobs", jobs, 1)
