"""One cell after another: fit, move, measure. The same code in this process and in others."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division
from gapkit.comparison.fitting import Task, fit_task, one_line
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.measuring import Measured, estimate_all
from gapkit.comparison.planning import fit_tasks
from gapkit.comparison.progress import Progress
from gapkit.errors import GapkitError
from gapkit.metrics.evaluation import Reference


@dataclass(frozen=True)
class Job:
    """What is left to do for one cell.

    Parameters
    ----------
    task : Task
    known : Cell or None
        What an earlier run measured.
    missing : tuple of str
        Metrics that it did not.
    """

    task: Task
    known: Cell | None
    missing: tuple[str, ...]


class Bench:
    """Computes the cells of a study.

    Parameters
    ----------
    division : Division
        Its fits, and the items that they move.
    config : StudyConfig
    folder : StudyFolder
        Keeps fitted bridges and checkpoints; cells are written by whoever asked for them.
    """

    def __init__(self, division: Division, config: StudyConfig, folder: StudyFolder) -> None:
        self.division = division
        self.config = config
        self.folder = folder
        self._reference: Reference | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """For another process, which builds its own reference."""
        return {"division": self.division, "config": self.config, "folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

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
                )
            return self._reference

    def compute(self, job: Job, progress: Progress) -> Cell:
        """The finished cell of a job; a bridge that raises gives a cell that says why.

        Raises
        ------
        GapkitError
            The folder cannot be written to.
        """
        return self._anchor(job) if job.task.name in anchors.SYNTHETIC else self._bridge(job, progress)

    def _bridge(self, job: Job, progress: Progress) -> Cell:
        task = job.task
        base = job.known or Cell(task.name, task.block, task.seed, task.key, task.params)
        try:
            moved, fit_seconds, seconds = self._moved(task, progress)
            base = replace(base, fit_seconds=fit_seconds, transform_seconds=base.transform_seconds or seconds)
            measured = estimate_all(moved, self.reference, job.missing, original=self.division.test.source)
        except Exception as error:  # a bridge may fail in any way, and the others go on
            # What the disk refuses to one it refuses to all.
            if isinstance(error, GapkitError) and isinstance(error.__cause__, OSError):
                raise
            why = one_line(error)
            if job.known is None:
                return replace(base, error=why)
            # What an earlier run measured still holds; what is missing is tried again by the next.
            return replace(job.known, failed={**job.known.failed, **dict.fromkeys(job.missing, why)})
        return _with(base, measured, self.config.metrics)

    def _moved(self, task: Task, progress: Progress) -> tuple[NDArray[np.float32], float, float]:
        """The measured items, each moved by its own fit, (n, d), and the seconds of all fits and of all moves."""
        fitting = moving = 0.0
        pieces = []
        for own, parts in zip(fit_tasks(task, self.division), self.division, strict=True):
            if self.division.in_folds:
                progress.begin(own.label)
            bridge, seconds = fit_task(own, parts, self.folder, progress)
            began = time.perf_counter()
            pieces.append(np.asarray(bridge.transform(parts.test.source)))
            moving += time.perf_counter() - began
            fitting += seconds
        return self.division.pooled(pieces), fitting, moving

    def _anchor(self, job: Job) -> Cell:
        name, seed = job.task.name, self.config.seed
        base = job.known or Cell(name, "anchor", None, job.task.key)
        if name == anchors.SPLIT_HALF:
            measured = anchors.split_half(self.division.test, job.missing, seed=seed, reference=self.reference)
        else:
            moved = anchors.cloud(name, self.division, seed)
            measured = estimate_all(moved, self.reference, job.missing, original=self.division.test.source)
        return _with(base, measured, self.config.metrics)


def _with(cell: Cell, measured: Measured, metrics: Sequence[str]) -> Cell:
    new = dict.fromkeys([*cell.measured, *metrics])
    failed = {metric: why for metric, why in cell.failed.items() if metric not in measured.estimates} | dict(
        measured.failed
    )
    return replace(
        cell,
        estimates={**cell.estimates, **measured.estimates},
        draws={**cell.draws, **measured.draws},
        failed=failed,
        measured=[metric for metric in new if metric not in failed],
    )
