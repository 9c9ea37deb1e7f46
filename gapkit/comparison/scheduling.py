"""Which cell first, in how many processes, and how long is left."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell
from gapkit.comparison.computing import Job
from gapkit.comparison.division import Division
from gapkit.comparison.fitting import Task
from gapkit.machine import cores, free_memory

RATE = 5e10
"""Floating-point operations a second of a training on one core of a server; only the order and a first guess of the
time hang on it."""
MEASURING = 0.3
"""Seconds that a metric takes on 5,000 target rows, on such a core."""
WORTH_IT = 30.0
"""Seconds of work below which further processes cost more than they bring: each imports torch first."""
PROCESS = 2**30
"""Bytes that a process takes beyond copies of the data: libraries, and what the metrics may hold."""
COPIES = 4
"""Copies of the data that a fit may hold."""


def expected_seconds(job: Job, division: Division) -> float:
    """A guess at the time of a cell: three passes through the network a step, if it is not yet fitted; the metrics."""
    task = job.task
    steps, batch, hidden, blocks = (
        _count(task, name, default)
        for name, default in (("steps", 0), ("batch_size", 256), ("hidden", 512), ("blocks", 3))
    )
    fit = 3 * 2 * steps * batch * 2 * division.test.dim * hidden * blocks / RATE
    training = 0.0 if job.known is not None else fit * len(division)
    times = anchors.HALVES if task.name == anchors.SPLIT_HALF else 1
    return training + MEASURING * times * len(job.missing) * division.test.n_targets / 5000


def _count(task: Task, name: str, default: int) -> int:
    value = task.params.get(name)
    return value if isinstance(value, int) else default


def longest_first(jobs: Sequence[Job], division: Division) -> list[Job]:
    """What is begun last is short, so that all processes end together."""
    return sorted(jobs, key=lambda job: expected_seconds(job, division), reverse=True)


def sensible_processes(jobs: Sequence[Job], division: Division, *, device: str, threads: int) -> int:
    """As many processes as there are cores and memory for; 1 where the work is small, or done by a GPU.

    Parameters
    ----------
    jobs : sequence of Job
    division : Division
    device : str
        Where bridges train. A GPU is busy with one.
    threads : int
        Threads of each process.
    """
    if device != "cpu" or sum(expected_seconds(job, division) for job in jobs) < WORTH_IT:
        return 1
    rows = 2 * division.fit_targets + len(division.test) + division.test.n_targets
    memory, need = free_memory(), PROCESS + COPIES * 4 * division.test.dim * rows
    room = len(jobs) if memory is None else memory // need
    return max(1, min(cores() // threads, len(jobs), room))


class Clock:
    """Tells how long a study still takes, from guesses that finished cells correct.

    Parameters
    ----------
    jobs : sequence of Job
    division : Division
    """

    def __init__(self, jobs: Sequence[Job], division: Division) -> None:
        self._expected = {job.task.stem: expected_seconds(job, division) for job in jobs}
        # Cells of a bridge take alike, but not those that are fitted and those that only lack a metric.
        self._kinds = {job.task.stem: (job.task.name, job.known is not None) for job in jobs}
        self._missing = {job.task.stem: job.missing for job in jobs}
        self._taken: dict[str, float] = {}
        self._processes = 1

    def share(self, processes: int) -> None:
        """So many cells are computed at once."""
        self._processes = processes

    def finish(self, cell: Cell) -> None:
        """A cell is done."""
        new = [cell.estimates[metric].seconds for metric in self._missing[cell.stem] if metric in cell.estimates]
        fitted_before = self._kinds[cell.stem][1]
        self._taken[cell.stem] = sum(new) + cell.transform_seconds + (0.0 if fitted_before else cell.fit_seconds)

    def left(self) -> float:
        """Seconds that the study still takes."""
        guessed = sum(self._expected[stem] for stem in self._taken)
        pace = sum(self._taken.values()) / guessed if guessed else 1.0
        own: dict[tuple[str, bool], list[float]] = {}
        for stem, taken in self._taken.items():
            own.setdefault(self._kinds[stem], []).append(taken)
        waiting = [stem for stem in self._expected if stem not in self._taken]
        seconds = [fmean(own.get(self._kinds[stem], [pace * self._expected[stem]])) for stem in waiting]
        return max([sum(seconds) / self._processes, *seconds])


def measuring_seconds(cell: Cell) -> float:
    """Seconds that the metrics of a cell took."""
    return sum(value.seconds for value in cell.estimates.values())


def in_words(seconds: float) -> str:
    """``about 40 s left``; nothing where it is nearly done."""
    if seconds < 5:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 100 else f"about {seconds / 60:.0f} min left"
