"""Jobs become records: what an earlier run kept is taken, the rest is computed, kept and told of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gapkit.study.grid import Grid, J, R, attempt
from gapkit.study.order import Clock, in_order, in_words
from gapkit.study.processes import compute_elsewhere
from gapkit.study.progress import Progress


def run_grid(
    grid: Grid[J, R],
    jobs: Sequence[J],
    *,
    progress: Progress,
    processes: int | None = 1,
    threads: int = 1,
    backend: str = "loky",
    clock: Clock | None = None,
    later: Sequence[J] = (),
) -> Iterator[tuple[J, R]]:
    """Each job with its record, as soon as it is there: kept ones, cheap ones, then the longest first.

    Parameters
    ----------
    grid : Grid
    jobs : sequence of Job
    progress : Progress
        Told of each cell, and of the time that is left.
    processes : int or None
        Jobs that are computed at once; None for as many as a cluster holds.
    threads : int
        Of each process.
    backend : {"loky", "dask", "ray"}
    clock : Clock, optional
        Of a study whose jobs are known in several parts.
    later : sequence of Job
        Jobs of a later part, for the time that is left.

    Raises
    ------
    GapkitError
        The folder cannot be written to. Finished records are kept.
    """
    waiting = []
    for job in jobs:
        record = grid.kept(job)
        if record is None:
            waiting.append(job)
            continue
        _tell(grid, job, record, progress)
        yield job, record
    clock = clock or Clock()
    clock.expect([*waiting, *later])
    for job, record, seconds in _computed(grid, in_order(waiting), progress, processes, threads, backend, clock):
        grid.keep(job, record)
        clock.finish(job, seconds)
        _tell(grid, job, record, progress, clock)
        yield job, record


def run_asked(grid: Grid[J, R], jobs: Iterable[J], *, progress: Progress) -> Iterator[tuple[J, R]]:
    """The same for jobs that are asked for one by one, each when the record of the last is known."""
    for job in jobs:
        yield from run_grid(grid, [job], progress=progress)


def _computed(
    grid: Grid[J, R],
    jobs: Sequence[J],
    progress: Progress,
    processes: int | None,
    threads: int,
    backend: str,
    clock: Clock,
) -> Iterator[tuple[J, R, float]]:
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            progress.begin(job.label)
            yield job, *attempt(grid, job, progress)
        return
    how: dict[str, Any] = {"processes": processes, "threads": threads, "backend": backend}
    with contextlib.closing(compute_elsewhere(grid, jobs, progress=progress, begun=clock.share, **how)) as found:
        yield from found


def _tell(grid: Grid[J, R], job: J, record: R, progress: Progress, clock: Clock | None = None) -> None:
    left = in_words(clock.left()) if clock else ""
    for label, note in grid.told(job, record, kept=clock is None):
        progress.advance(label, ", ".join(filter(None, (note, left))))
