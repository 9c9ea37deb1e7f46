"""A contest: one number computed in two ways, in fresh processes and in turns."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DIM = 512
WIDTH = 1.4

Side = Callable[[Any, Any], tuple[Any, float]]
"""``f(x, y)`` on float32 arrays (n, d): the value, and what the time must be scaled up by."""


@dataclass(frozen=True)
class Contest:
    """One measure beside a peer.

    Parameters
    ----------
    what : str
    n : int
        Rows a side.
    peer : str
        How it is usually computed.
    ours, theirs : callable
    promise : float
        How many times as fast gapkit should be; 0 for no promise.
    """

    what: str
    n: int
    peer: str
    ours: Side
    theirs: Side
    promise: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What came out: CPU seconds, rise of the peak memory above what the data take, distance of the values."""

    what: str
    n: int
    peer: str
    ours: float
    theirs: float
    ours_mb: float
    theirs_mb: float
    difference: float
    scaled: bool
    promise: float

    @property
    def ratio(self) -> float:
        """How many times as fast gapkit is."""
        return self.theirs / self.ours


def run(contest: Contest, repeat: int) -> Outcome:
    """Both sides in turns, so that a busy machine is busy for both; the fastest of each counts."""
    runs = [[apart(_measure, f, contest.n) for f in (contest.ours, contest.theirs)] for _ in range(repeat)]
    a, b = (min(side, key=lambda found: found["seconds"]) for side in zip(*runs, strict=True))
    return Outcome(
        contest.what, contest.n, contest.peer, a["seconds"], b["seconds"], a["rise_mb"], b["rise_mb"],
        _difference(a["value"], b["value"]), b["scaled"], contest.promise,
    )  # fmt: skip


def clouds(n: int, dim: int = DIM, first: int = 0) -> tuple[Any, Any]:
    """Two paired clouds of unit rows, the same whatever the number asked for."""
    import numpy as np

    rng = np.random.default_rng(first)
    concept = rng.standard_normal((n, dim), dtype=np.float32)
    both = []
    for offset in (0.0, 0.05):
        values = concept + rng.standard_normal((n, dim), dtype=np.float32) + np.float32(offset)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        both.append(values)
    return both[0], both[1]


def apart(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run in a fresh process with one thread, so that time and peak are its own."""
    for name in THREADS:
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_send, args=(function, arguments, there))
    process.start()
    there.close()
    result: dict[str, Any] = here.recv()
    process.join()
    return result


def peak_mb() -> float:
    """Most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _send(function: Callable[..., dict[str, Any]], arguments: tuple[Any, ...], pipe: Any) -> None:
    import torch

    torch.set_num_threads(1)
    pipe.send(function(*arguments))


def _measure(function: Side, n: int) -> dict[str, Any]:
    function(*clouds(64, 32))  # imports are not part of it
    x, y = clouds(n)
    before, start = peak_mb(), time.process_time()
    value, factor = function(x, y)
    seconds = (time.process_time() - start) * factor
    return {"value": value, "seconds": seconds, "rise_mb": peak_mb() - before, "scaled": factor != 1}


def _difference(ours: Any, theirs: Any) -> float:
    """Largest difference of two numbers, or the share of neighbours that are not the same."""
    import numpy as np

    a, b = np.asarray(ours), np.asarray(theirs)
    return float((a != b).mean()) if a.dtype.kind == "i" else float(np.abs(a - b).max())
