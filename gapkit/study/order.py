"""Order of jobs, number of processes, and the time that is left."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from statistics import fmean

from gapkit.machine import cores, free_memory
from gapkit.study.grid import J, Job

CHEAP = 2.0
"""Seconds up to which a job is done first: a table begins to fill at once."""
WORTH_IT = 30.0
"""Seconds of work below which further processes cost more than they bring: each imports torch first."""


def in_order(jobs: Iterable[J]) -> list[J]:
    """Cheap jobs as they come, then the longest first: what is begun last is short, so all processes end together."""
    return sorted(jobs, key=lambda job: (job.seconds > CHEAP, -job.seconds if job.seconds > CHEAP else 0.0))


def sensible_processes(jobs: Sequence[Job], *, memory: int, device: str, threads: int) -> int:
    """As many processes as there are cores and memory for; 1 where the work is small, or done by a GPU.

    Parameters
    ----------
    jobs : sequence of Job
    memory : int
        Bytes that each process takes.
    device : str
        Where jobs compute. A GPU is busy with one.
    threads : int
        Threads of each process.
    """
    if device != "cpu" or sum(job.seconds for job in jobs) < WORTH_IT:
        return 1
    free = free_memory()
    room = len(jobs) if free is None else free // memory
    return max(1, min(cores() // threads, len(jobs), room))


class Clock:
    """Tells how long a study still takes, from guesses that finished jobs correct."""

    def __init__(self) -> None:
        self._waiting: dict[str, Job] = {}
        self._taken: dict[Hashable, list[float]] = {}
        self._guessed = 0.0
        self._processes = 1

    def expect(self, jobs: Iterable[Job]) -> None:
        """These jobs are still to be computed."""
        self._waiting = {job.stem: job for job in jobs}

    def share(self, processes: int) -> None:
        """So many jobs are computed at once."""
        self._processes = processes

    def finish(self, job: Job, seconds: float) -> None:
        """A job is done."""
        self._waiting.pop(job.stem, None)
        self._taken.setdefault(job.kind, []).append(seconds)
        self._guessed += job.seconds

    def left(self) -> float:
        """Seconds that the study still takes."""
        taken = sum(map(sum, self._taken.values()))
        pace = taken / self._guessed if self._guessed else 1.0
        seconds = [fmean(self._taken.get(job.kind, [pace * job.seconds])) for job in self._waiting.values()]
        return max([sum(seconds) / self._processes, *seconds])


def in_words(seconds: float) -> str:
    """``about 40 s left``; nothing where it is nearly done."""
    if seconds < 5:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 100 else f"about {seconds / 60:.0f} min left"
