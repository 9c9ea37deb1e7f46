"""A job, what a study says of its jobs, and one attempt at a job."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gapkit.errors import refused_by_disk
from gapkit.registry import Registry
from gapkit.study.folder import StudyFolder
from gapkit.study.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing to compute.

    Parameters
    ----------
    stem : str
        Name of its files; no other job of the study has it.
    key : str
        Digest of all that its numbers depend on: see `gapkit.study.keys`.
    label : str
        What progress calls it.
    kind : hashable
        Jobs of one kind take about as long as each other.
    seconds : float
        A first guess of how long it takes.
    """

    stem: str
    key: str
    label: str
    kind: Hashable = ""
    seconds: float = 1.0


J = TypeVar("J", bound=Job)
J_in = TypeVar("J_in", bound=Job, contravariant=True)
R = TypeVar("R")


class Grid(Protocol[J_in, R]):
    """The part of a study that knows its jobs; `gapkit.study.run` does the rest."""

    folder: StudyFolder
    """Where records, fits and checkpoints lie."""

    def kept(self, job: J_in) -> R | None:
        """The record of an earlier run, if it is whole and of this key."""

    def compute(self, job: J_in, progress: Progress) -> R:
        """The record, computed; in this process or in another."""

    def failed(self, job: J_in, error: Exception, seconds: float) -> R:
        """The record of a job that raised after so many seconds; raises what must stop the study."""

    def keep(self, job: J_in, record: R) -> None:
        """Write a computed record into the folder; nothing where `compute` has written it."""
        return

    def told(self, job: J_in, record: R, *, kept: bool) -> Iterable[tuple[str, str]]:
        """Label and note of each finished cell of the job."""

    def elsewhere(self) -> Grid[J_in, R]:
        """The same for other processes, which may work in another folder."""
        return self

    def names(self, job: J_in) -> Sequence[tuple[Registry[Any], str]]:
        """Registered things that the job needs, which another process may not know."""
        return ()


def attempt(grid: Grid[J, R], job: J, progress: Progress) -> tuple[R, float]:
    """The record of a job and the seconds that it took; a job that raises has a record that says why.

    Raises
    ------
    GapkitError
        The folder cannot be written to.
    """
    began = time.perf_counter()
    try:
        record = grid.compute(job, progress)
    except Exception as error:  # a job may fail in any way, and the others go on
        if refused_by_disk(error):
            raise
        record = grid.failed(job, error, time.perf_counter() - began)
    return record, time.perf_counter() - began
