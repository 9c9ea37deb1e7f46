"""What this machine lends to a process: processor cores, memory, threads."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Limit and use of the container that a process runs in, of both generations of control groups."""


def cores() -> int:
    """Processor cores that this process may use: those of its affinity, and no more than its container's share."""
    from joblib import cpu_count

    return int(cpu_count())


def free_memory() -> int | None:
    """Bytes that can be taken before anything is swapped out or killed; None where the system does not say."""
    free = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        return None
    for limit, used in _LIMITS:
        try:
            free.append(int(Path(limit).read_text("ascii")) - int(Path(used).read_text("ascii")))
        except (OSError, ValueError):  # no container, or one without a limit ("max")
            continue
    return max(0, min(free)) if free else None


@cache
def processor_maker() -> str:
    """Who made the processor, as it says itself: "AuthenticAMD", "GenuineIntel"; "" where it is not told."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        # Windows tells it at the end of a line: "AMD64 Family 26 Model 2 Stepping 1, AuthenticAMD".
        return platform.processor().rpartition(", ")[2] if sys.platform == "win32" else ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")


def give_back_memory() -> None:
    """Hand what was freed back to the system.

    The C library keeps freed memory for later, and what each of many steps leaves adds up; where it is not glibc this
    does nothing.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return found


def limit_threads(threads: int) -> None:
    """Let torch and the BLAS of numpy use `threads` processor threads; for a process that is ours.

    Two threads a core are far slower than one: the libraries wait for each other.
    """
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch.set_num_threads(threads)
    threadpool_limits(threads)
