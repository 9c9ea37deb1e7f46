"""The grid of a comparison: each cell is fitted, moved and measured, and kept as a record."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges.families import unlabelled
from gapkit.bridges.registry import BRIDGES
from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell, drop_cell, write_cell
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division
from gapkit.comparison.fitting import fit_bridge
from gapkit.comparison.growth import row_name, still_holds, stored_cells
from gapkit.comparison.jobs import CellJob, cell_jobs, fold_jobs, in_row, job_of, left_to_do, metric_version
from gapkit.comparison.measuring import Measured, estimate_all
from gapkit.errors import one_line
from gapkit.metrics.evaluation import Reference
from gapkit.metrics.registry import METRICS
from gapkit.registry import Registry
from gapkit.study.folder import StudyFolder
from gapkit.study.grid import Grid
from gapkit.study.progress import Progress
from gapkit.study.record import RECORD, saved_seconds

PROCESS = 2**30
"""Bytes that a process takes beyond copies of the data: libraries, and what the metrics may hold."""
COPIES = 4
"""Copies of the data that a fit may hold."""


class ComparisonGrid(Grid[CellJob, Cell]):
    """The cells of a comparison: see `gapkit.study.grid.Grid`.

    Parameters
    ----------
    division : Division
        Its fits, and the items that they move.
    config : StudyConfig
    folder : StudyFolder

    Attributes
    ----------
    others : list of Cell
        Cells of earlier runs that this one does not ask for; they stay in the table.
    """

    def __init__(self, division: Division, config: StudyConfig, folder: StudyFolder) -> None:
        self.division = division
        self.config = config
        self.folder = folder
        self.others: list[Cell] = []
        self._reference: Reference | None = None
        self._lock = threading.Lock()

    def elsewhere(self) -> ComparisonGrid:
        """The same for other processes, which read no captions and may work in another folder."""
        folder = StudyFolder(self.folder.root.absolute())
        return ComparisonGrid(self.division.without_words(), self.config, folder)

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which builds its own reference."""
        return {"division": self.division, "config": self.config, "folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def jobs(self, progress: Progress) -> list[CellJob]:
        """All cells of this run in the order of the table, then those of earlier runs with blanks.

        The table of a folder has one set of columns: a row of an earlier run is measured by what this run asks for too,
        from its fitted bridge, and a new row by what the others have. Sets `others`.
        """
        stored = stored_cells(self.folder)
        whole = [cell for cell in stored.values() if still_holds(cell)]
        measured = dict.fromkeys(metric for cell in whole for metric in cell.measured if metric in METRICS.names())
        metrics = tuple(dict.fromkeys([*self.config.metrics, *measured]))
        jobs = []
        for job in cell_jobs(self.config, self.division):
            row = job.row if job.bridge in anchors.SYNTHETIC else row_name(job.row, job.params, whole, self.folder.root)
            if row != job.row:
                job = in_row(job, row)
            known = self._known(job, stored.get(job.stem))
            jobs.append(left_to_do(job, known, metrics, self.division, unfitted=not self._is_fitted(job)))
        asked = {job.stem for job in jobs}
        others = [cell for cell in whole if cell.stem not in asked]
        blanks = list(filter(None, (self._blanks(cell, metrics) for cell in others)))
        self.others = [cell for cell in others if cell.stem not in {job.stem for job in blanks}]
        self._tell(jobs, others, stored, progress)
        self._tell_metrics(jobs, blanks, progress)
        return [*jobs, *blanks]

    def _blanks(self, cell: Cell, metrics: Sequence[str]) -> CellJob | None:
        """The job that fills a row that was not asked for; None without its fits, and where nothing is missing.

        A metric that failed for it is not tried again before the row is asked for.
        """
        job = left_to_do(job_of(cell), cell, [name for name in metrics if name not in cell.failed], self.division)
        if cell.error or not job.missing:
            return None
        fits = [(self.folder.bridges / own.stem, own.key) for own in fold_jobs(job, self.division)]
        return job if all(saved_seconds(home, key=key) is not None for home, key in fits) else None

    def _tell_metrics(self, jobs: Sequence[CellJob], blanks: Sequence[CellJob], progress: Progress) -> None:
        """Say what is measured beyond what was asked for."""
        more = dict.fromkeys(metric for job in jobs for metric in job.missing if metric not in self.config.metrics)
        rows = dict.fromkeys(job.row for job in blanks)
        if more:
            progress.message(f"the folder has {', '.join(more)} too: new rows are measured by all of its metrics")
        if rows:
            new = dict.fromkeys(metric for job in blanks for metric in job.missing)
            progress.message(f"{', '.join(new)}: measured for {', '.join(rows)} too, from their kept fits")

    def _tell(
        self, jobs: Sequence[CellJob], others: Sequence[Cell], stored: Mapping[str, Cell], progress: Progress
    ) -> None:
        """Say which rows the table has that were not asked for, or not by this name."""
        for row in dict.fromkeys(job.row for job in jobs if job.row != job.bridge):
            progress.message(f"{unlabelled(row)}: the folder has it with other parameters; this one is row {row!r}")
        rows = list(dict.fromkeys(cell.bridge for cell in others))
        if rows:
            progress.message(f"of earlier runs, in the table too: {', '.join(rows)}")
        asked, kept = {job.stem for job in jobs}, {cell.stem for cell in others}
        old = [stem for stem in stored if stem not in asked | kept]
        if old:
            progress.message(
                f"left out of the table, for another version of gapkit or of their package computed them: "
                f"{', '.join(old)}; ask for them with --bridges"
            )

    @property
    def memory(self) -> int:
        """Bytes that a process may take."""
        rows = 2 * self.division.fit_targets + len(self.division.test) + self.division.test.n_targets
        return PROCESS + COPIES * 4 * self.division.test.dim * rows

    @property
    def reference(self) -> Reference:
        """Built at its first use: a study that only reads finished cells does not need it."""
        with self._lock:
            if self._reference is None:
                test, config, fits = self.division.test, self.config, self.division.fits
                self._reference = Reference.from_target(
                    test.target,
                    owner=test.owner,
                    groups=test.origins,
                    seed=config.seed,
                    n_resamples=config.n_resamples,
                    # Each fold has fitted targets of its own.
                    fitted=None if self.division.in_folds else fits[0].fit.target,
                    labels=test.labels,
                )
            return self._reference

    def kept(self, job: CellJob) -> Cell | None:
        """The cell of an earlier run, if no metric and no fitted bridge is missing."""
        if job.known is None or not job.finished:
            return None
        # A run that was killed between the cell and this has left them.
        self._drop_checkpoints(job)
        return job.known

    def compute(self, job: CellJob, progress: Progress) -> Cell:
        """The finished cell of a job."""
        base = job.known or Cell(job.row, job.block, job.seed, job.key, job.params)
        seed, original = self.config.seed, self.division.test.source
        versions = {metric: metric_version(metric, self.division.test) for metric in job.missing}
        if job.bridge == anchors.SPLIT_HALF:
            found = anchors.split_half(
                self.division.test, job.missing, fit=self.division.apart, seed=seed, reference=self.reference
            )
        elif job.bridge in anchors.SYNTHETIC:
            moved = anchors.cloud(job.bridge, self.division, seed)
            found = estimate_all(moved, self.reference, job.missing, original=original)
        else:
            moved, fitting, moving = self._moved(job, progress)
            base = replace(base, fit_seconds=fitting, transform_seconds=base.transform_seconds or moving)
            found = estimate_all(moved, self.reference, job.missing, original=original)
        return _with(base, found, job.missing, versions)

    def failed(self, job: CellJob, error: Exception, seconds: float) -> Cell:
        """A cell that says why; what an earlier run measured still holds, and what is missing is tried again."""
        if job.known is None:
            return Cell(job.row, job.block, job.seed, job.key, job.params, error=one_line(error))
        why = dict.fromkeys(job.missing, one_line(error))
        return replace(job.known, failed={**job.known.failed, **why})

    def keep(self, job: CellJob, record: Cell) -> None:
        """Write the cell; its fits need no checkpoint any more."""
        write_cell(self.folder.cells, record)
        self._drop_checkpoints(job)

    def told(self, job: CellJob, record: Cell, *, kept: bool) -> Iterator[tuple[str, str]]:
        """One line a cell."""
        lost = not kept and not record.error and not self._is_fitted(job)
        yield job.label, "kept" if kept else "could not be fitted again; its numbers stay" if lost else _note(record)

    def names(self, job: CellJob) -> Sequence[tuple[Registry[Any], str]]:
        """The bridge, and the metrics that are missing."""
        own = [] if job.bridge in anchors.SYNTHETIC else [(BRIDGES, job.bridge)]
        return [*own, *((METRICS, name) for name in job.missing)]

    def _known(self, job: CellJob, cell: Cell | None) -> Cell | None:
        """The finished cell, if it is whole, of this key, and did not fail."""
        if cell is not None and cell.key == job.key and not cell.error:
            return cell
        drop_cell(self.folder.cells, job.stem)
        return None

    def _is_fitted(self, job: CellJob) -> bool:
        """True where the fits of a cell are there, which `gapkit clean --fits` may have removed."""
        if job.bridge in anchors.SYNTHETIC:
            return True
        return all((self.folder.bridges / stem / RECORD).is_file() for stem in self.division.stems(job.stem))

    def _drop_checkpoints(self, job: CellJob) -> None:
        for stem in self.division.stems(job.stem):
            self.folder.drop_checkpoint(stem)

    def _moved(self, job: CellJob, progress: Progress) -> tuple[NDArray[np.float32], float, float]:
        """The measured items, each moved by its own fit, (n, d), and the seconds of all fits and of all moves."""
        fitting = moving = 0.0
        pieces = []
        for own, parts in zip(fold_jobs(job, self.division), self.division, strict=True):
            if self.division.in_folds:
                progress.begin(own.label)
            bridge, seconds = fit_bridge(own, parts, self.folder, progress)
            began = time.perf_counter()
            pieces.append(np.asarray(bridge.transform(parts.test.source)))
            moving += time.perf_counter() - began
            fitting += seconds
        return self.division.pooled(pieces), fitting, moving


def _with(cell: Cell, measured: Measured, metrics: Sequence[str], versions: Mapping[str, str]) -> Cell:
    """The cell with what was measured now: the metrics of `versions`, of which some may not apply any more."""
    new = dict.fromkeys([*cell.measured, *metrics])
    failed = {metric: why for metric, why in cell.failed.items() if metric not in measured.estimates} | dict(
        measured.failed
    )
    left_out = versions.keys() - measured.estimates.keys() - failed.keys()
    estimates = {metric: value for metric, value in cell.estimates.items() if metric not in left_out}
    draws = {metric: own for metric, own in cell.draws.items() if metric not in left_out}
    plugins = {**cell.plugins, **{metric: own for metric, own in versions.items() if metric not in failed}}
    return replace(
        cell,
        estimates={**estimates, **measured.estimates},
        draws={**draws, **measured.draws},
        failed=failed,
        measured=[metric for metric in new if metric not in failed],
        plugins={metric: own for metric, own in plugins.items() if own},
    )


def _note(cell: Cell) -> str:
    if cell.error:
        return f"failed: {cell.error}"
    if cell.failed:
        reasons: dict[str, list[str]] = {}
        for metric, why in cell.failed.items():
            reasons.setdefault(why, []).append(metric)
        return "failed: " + "; ".join(f"{', '.join(metrics)} ({why})" for why, metrics in reasons.items())
    measuring = sum(value.seconds for value in cell.estimates.values())
    return f"{cell.fit_seconds:.1f} s to fit, {measuring:.1f} s to measure"
