"""Jobs in several processes, through joblib: on the cores of this machine, on a Dask or on a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import secrets
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cloudpickle
from joblib import Parallel, delayed, parallel_config

from gapkit.errors import InputError, one_line
from gapkit.machine import limit_threads
from gapkit.registry import Registry
from gapkit.study.clusters import dask_cluster, ray_cluster
from gapkit.study.grid import Grid, J, R, attempt
from gapkit.study.progress import Progress, Silent

Backend = Literal["loky", "dask", "ray"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

LOST = {
    "BrokenProcessPool", "KilledWorker", "CancelledError", "FutureCancelledError", "RayActorError",
    "WorkerCrashedError", "OutOfMemoryError", "ObjectLostError",
}  # fmt: skip
"""Errors of the engines that say: a process died, and what it did may be tried again."""


def check_backend(name: str) -> Backend:
    """The backend of that name.

    Raises
    ------
    InputError
    """
    for known in BACKENDS:
        if name == known:
            return known
    raise InputError(f"backend: expected one of {', '.join(BACKENDS)}, got {name!r}")


@dataclass(frozen=True)
class _Unsent:
    """A job that another process cannot compute, and why."""

    why: str


def compute_elsewhere(
    grid: Grid[J, R],
    jobs: Sequence[J],
    *,
    processes: int | None,
    threads: int,
    backend: str,
    progress: Progress,
    begun: Callable[[int], None],
) -> Generator[tuple[J, R, float], None, None]:
    """Each job with its record and seconds as soon as it is finished, in any order.

    Where processes die (killed, out of memory) their jobs are begun again; if that happens over and over, in half as
    many processes, in the end in this one. What cannot be sent to another process is computed here.

    Parameters
    ----------
    grid : Grid
        Goes once to each process.
    jobs : sequence of Job
        In the order in which they are begun.
    processes : int or None
        At once; None for all that a cluster has.
    threads : int
        Of each process.
    backend : {"loky", "dask", "ray"}
    progress : Progress
        Told of what goes wrong.
    begun : callable
        Called as ``begun(processes)`` whenever that number is known or changes.

    Raises
    ------
    InputError
        A backend that is not installed or not reached.
    GapkitError
        The folder cannot be written to.
    """
    waiting = {job.stem: job for job in jobs}
    here: list[J] = []
    with _engine(check_backend(backend), grid.elsewhere(), processes, threads) as (handle, processes):
        token = secrets.token_hex(8)
        while waiting and processes > 1:
            begun(processes)
            progress.begin(f"{len(waiting)} cells in {processes} processes")
            before = len(waiting)
            calls = [delayed(_answer)(handle, token, threads, job.stem, _packed(grid, job)) for job in waiting.values()]
            try:
                with _uninterrupted():
                    work = Parallel(processes, batch_size=1, return_as="generator_unordered")(calls)
                with contextlib.closing(work):
                    for stem, answer in work:
                        job = waiting.pop(stem)
                        if isinstance(answer, _Unsent):
                            progress.message(f"{job.label}: runs in this process, for no other can ({answer.why})")
                            here.append(job)
                        else:
                            yield job, *answer
            except Exception as error:
                if not LOST & {kind.__name__ for kind in type(error).__mro__}:
                    raise
                if len(waiting) == before:
                    processes //= 2
                where = f"in {processes} processes" if processes > 1 else "in this one"
                progress.message(f"a process was killed (out of memory?); its cells are begun again {where}")
    begun(1)
    for job in (*here, *waiting.values()):
        progress.begin(job.label)
        yield job, *attempt(grid, job, progress)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C never reaches a process that was begun in the block, and this one after it: that it waits is inherited."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _engine(backend: Backend, grid: Grid[Any, Any], processes: int | None, threads: int) -> Iterator[tuple[Any, int]]:
    """Stand-in of the grid for each task, and the number of tasks at once."""
    if backend == "dask":
        with dask_cluster(grid, processes) as number:
            yield grid, number
    elif backend == "ray":
        with ray_cluster(grid, processes) as (reference, number):
            yield _InStore(reference), number
    else:
        # joblib writes the large arrays of a task to a file once, and every process maps it.
        with parallel_config("loky", inner_max_num_threads=threads):
            yield _OfParent(grid, os.getpid()), processes or 1


@dataclass(frozen=True)
class _InStore:
    """A grid in Ray's store."""

    reference: Any

    def get(self) -> Grid[Any, Any]:
        import ray

        found: Grid[Any, Any] = ray.get(self.reference)
        return found


@dataclass(frozen=True)
class _OfParent:
    """A grid for the children of a process."""

    grid: Grid[Any, Any]
    parent: int

    def get(self) -> Grid[Any, Any]:
        # Where joblib may not start processes (inside one of its own), the tasks run in the parent itself.
        if os.getpid() != self.parent:
            # Who is stopped stops its children; where Ctrl-C reaches them too, each would have its say.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            threading.Thread(target=_end_with, args=(self.parent,), daemon=True).start()
        return self.grid


def _end_with(parent: int) -> None:
    """End this process with its parent, however that ends: nobody waits for what it does."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _packed(grid: Grid[J, Any], job: J) -> bytes | _Unsent:
    """A job as it travels, with what another process would not find by its name."""
    extra = {
        (registry.kind, name): (registry.get(name), registry.origin(name))
        for registry, name in grid.names(job)
        if registry.origin(name) != "gapkit"
    }
    try:
        packed: bytes = cloudpickle.dumps((job, extra))
    except Exception as error:  # what users write may refuse in any way
        return _Unsent(one_line(error))
    return packed


_grids: dict[str, Grid[Any, Any]] = {}
"""The grid that this process last worked for: what its jobs share is made once, not for each."""
_unpacking = threading.Lock()


def _answer(
    handle: Any, token: str, threads: int, stem: str, packed: bytes | _Unsent
) -> tuple[str, tuple[Any, float] | _Unsent]:
    """What a worker does."""
    if isinstance(packed, _Unsent):
        return stem, packed
    with _unpacking:
        if token not in _grids:
            limit_threads(threads)
            _grids.clear()
            _grids[token] = handle.get() if isinstance(handle, _InStore | _OfParent) else handle
        grid = _grids[token]
        if not grid.folder.study.exists():
            where = f"the worker on {platform.node()}"
            raise InputError(f"{grid.folder.root}: not seen by {where}; give an --out that all workers share")
        try:
            job, extra = pickle.loads(packed)  # what the process that asked has packed, never a file
            _register(grid.names(job), extra)
        except Exception as error:  # a module that only the parent can import
            return stem, _Unsent(one_line(error))
    return stem, attempt(grid, job, Silent())


def _register(names: Sequence[tuple[Registry[Any], str]], extra: Mapping[tuple[str, str], tuple[Any, str]]) -> None:
    for registry, name in names:
        if (registry.kind, name) in extra:
            registry.names()  # what is installed first: it may be among them already
            registry.register(name, *extra[registry.kind, name])
