"""Cells in several processes, through joblib: on the cores of this machine, on a Dask or on a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cloudpickle
from joblib import Parallel, delayed, parallel_config

from gapkit.bridges.registry import BRIDGES
from gapkit.comparison.cells import Cell
from gapkit.comparison.clusters import dask_cluster, ray_cluster
from gapkit.comparison.computing import Bench, Job
from gapkit.comparison.fitting import one_line
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.progress import Progress, Silent
from gapkit.errors import InputError
from gapkit.machine import limit_threads
from gapkit.metrics.registry import METRICS
from gapkit.registry import Registry

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
    """A cell that another process cannot compute, and why."""

    why: str


def compute_elsewhere(
    bench: Bench,
    jobs: Sequence[Job],
    *,
    processes: int | None,
    threads: int,
    backend: Backend,
    progress: Progress,
    begun: Callable[[int], None],
) -> Iterator[Cell]:
    """Each cell as soon as it is finished, in any order.

    Where processes die (killed, out of memory) their cells are begun again; if that happens over and over, in half as
    many processes, in the end in this one. What cannot be sent to another process is computed here.

    Parameters
    ----------
    bench : Bench
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
    waiting = {job.task.stem: job for job in jobs}
    here: list[Job] = []
    shared = Bench(bench.division.without_words(), bench.config, StudyFolder(bench.folder.root.absolute()))
    with _engine(backend, shared, processes, threads) as (handle, processes):
        token = secrets.token_hex(8)
        while waiting and processes > 1:
            begun(processes)
            progress.begin(f"{len(waiting)} cells in {processes} processes")
            before = len(waiting)
            calls = [delayed(_answer)(handle, token, threads, *_packed(job)) for job in waiting.values()]
            try:
                with _uninterrupted():
                    work = Parallel(processes, batch_size=1, return_as="generator_unordered")(calls)
                with contextlib.closing(work):
                    for stem, answer in work:
                        job = waiting.pop(stem)
                        if isinstance(answer, Cell):
                            yield answer
                            continue
                        progress.message(f"{job.task.label}: runs in this process, for no other can ({answer.why})")
                        here.append(job)
            except Exception as error:
                if not LOST & {kind.__name__ for kind in type(error).__mro__}:
                    raise
                if len(waiting) == before:
                    processes //= 2
                where = f"in {processes} processes" if processes > 1 else "in this one"
                progress.message(f"a process was killed (out of memory?); its cells are begun again {where}")
    begun(1)
    for job in (*here, *waiting.values()):
        progress.begin(job.task.label)
        yield bench.compute(job, progress)


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
def _engine(backend: Backend, bench: Bench, processes: int | None, threads: int) -> Iterator[tuple[Any, int]]:
    """What each task is handed in place of the bench, and how many tasks run at once."""
    if backend == "dask":
        with dask_cluster(bench, processes) as number:
            yield bench, number
    elif backend == "ray":
        with ray_cluster(bench, processes) as (reference, number):
            yield _InStore(reference), number
    else:
        # joblib writes the large arrays of a task to a file once, and every process maps it.
        with parallel_config("loky", inner_max_num_threads=threads):
            yield _OfParent(bench, os.getpid()), processes or 1


@dataclass(frozen=True)
class _InStore:
    """A bench in Ray's store."""

    reference: Any

    def get(self) -> Bench:
        import ray

        found: Bench = ray.get(self.reference)
        return found


@dataclass(frozen=True)
class _OfParent:
    """A bench for the children of a process."""

    bench: Bench
    parent: int

    def get(self) -> Bench:
        # Where joblib may not start processes (inside one of its own), the tasks run in the parent itself.
        if os.getpid() != self.parent:
            # Who is stopped stops its children; where Ctrl-C reaches them too, each would have its say.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            threading.Thread(target=_end_with, args=(self.parent,), daemon=True).start()
        return self.bench


def _end_with(parent: int) -> None:
    """End this process with its parent, however that ends: nobody waits for what it does."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _packed(job: Job) -> tuple[str, bytes | _Unsent]:
    """A job as it travels, with the bridge and the metrics that another process would not find by their names."""
    own = [(BRIDGES, job.task.name)] * (job.task.name in BRIDGES.names()) + [(METRICS, name) for name in job.missing]
    extra = {
        (registry.kind, name): (registry.get(name), registry.origin(name))
        for registry, name in own
        if registry.origin(name) != "gapkit"
    }
    try:
        return job.task.stem, cloudpickle.dumps((job, extra))
    except Exception as error:  # what users write may refuse in any way
        return job.task.stem, _Unsent(one_line(error))


_benches: dict[str, Bench] = {}
"""The bench of the study that this process last worked for: its reference is built once, not for each cell."""
_unpacking = threading.Lock()


def _answer(handle: Any, token: str, threads: int, stem: str, packed: bytes | _Unsent) -> tuple[str, Cell | _Unsent]:
    """What a worker does."""
    if isinstance(packed, _Unsent):
        return stem, packed
    with _unpacking:
        if token not in _benches:
            limit_threads(threads)
            _benches.clear()
            _benches[token] = handle if isinstance(handle, Bench) else handle.get()
        bench = _benches[token]
        if not bench.folder.study.exists():
            where = f"the worker on {platform.node()}"
            raise InputError(f"{bench.folder.root}: not seen by {where}; give an --out that all workers share")
        try:
            job, extra = pickle.loads(packed)  # what the process that asked has packed, never a file
            _register(extra)
        except Exception as error:  # a module that only the parent can import
            return stem, _Unsent(one_line(error))
    return stem, bench.compute(job, Silent())


def _register(extra: Mapping[tuple[str, str], tuple[Any, str]]) -> None:
    registries: dict[str, Registry[Any]] = {registry.kind: registry for registry in (BRIDGES, METRICS)}
    for (kind, name), (item, origin) in extra.items():
        registries[kind].names()  # what is installed first: it may be among them already
        registries[kind].register(name, item, origin)
