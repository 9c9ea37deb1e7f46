"""What measures cost where there is much of everything: time and memory of whole sets, of files, and against n."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from metric_peers.contest import DIM, apart, clouds, peak_mb

SCALING = (
    "cosine", "unpaired-cosine", "cosine-margin", "centroid-distance", "rmg", "residual-cosine", "effective-rank",
    "mmd-linear", "mmd-rff", "frechet", "residual-frechet", "alignment", "cka", "procrustes-distance",
    "variance-ratio",
)  # fmt: skip
"""Metrics whose work grows as n, and which read rows block by block."""


def write(folder: str, n: int) -> dict[str, Any]:
    """Two .npy files of n unit rows each."""
    import numpy as np

    files = [
        np.lib.format.open_memmap(Path(folder) / f"{name}.npy", mode="w+", dtype=np.float32, shape=(n, DIM))
        for name in "xy"
    ]
    for start in range(0, n, 10_000):
        for file, values in zip(files, clouds(min(10_000, n - start), first=start), strict=True):
            file[start : start + len(values)] = values
    return {}


def features(folder: str) -> dict[str, Any]:
    """MMD by random features of two memory-mapped files."""
    from gapkit.metrics import mmd_random_features

    mmd_random_features(*clouds(64, 32))
    x, y = _files(folder)
    cpu, wall = time.process_time(), time.perf_counter()
    found = mmd_random_features(x, y)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"n": len(x), "cpu": cpu, "wall": wall, "peak_mb": peak_mb(), "value": found.value,
            "error": found.standard_error}  # fmt: skip


def against_exact(folder: str, n: int) -> dict[str, Any]:
    """The same of the first rows, beside the exact value."""
    from gapkit.metrics import mmd, mmd_random_features

    x, y = (file[:n] for file in _files(folder))
    found = mmd_random_features(x, y)
    exact = mmd(x, y, bandwidth=found.bandwidth)
    return {"n": n, "value": found.value, "exact": exact, "error": found.standard_error}


def command(folder: str, n: int) -> dict[str, Any]:
    """`gapkit metrics` of the two files: time and peak of its process."""
    import resource

    files = [str(Path(folder) / f"{name}.npy") for name in "xy"]
    wall = time.perf_counter()
    asked = [sys.executable, "-m", "gapkit", "metrics", files[0], "--target", files[1], "--metrics"]
    subprocess.run([*asked, ",".join(SCALING), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return {"n": n, "metrics": SCALING, "cpu": used.ru_utime + used.ru_stime, "wall": time.perf_counter() - wall,
            "peak_mb": used.ru_maxrss * unit / 1e6}  # fmt: skip


def full_set(n: int, metrics: str) -> dict[str, Any]:
    """`measure` with 1,000 resamples, the reference included, in a fresh process."""
    from gapkit.metrics import measure

    measure(*clouds(64, 32), metrics, n_resamples=10)  # imports are not part of it
    x, y = clouds(n)
    cpu, wall = time.process_time(), time.perf_counter()
    found = measure(x, y, metrics, original=x[::-1].copy(), fitted=y[: n // 2])
    return {"n": n, "metrics": metrics, "count": len(found), "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - wall, "peak_mb": peak_mb()}  # fmt: skip


def bound(n: int, megabytes: int) -> dict[str, Any]:
    """How far the memory rises in the full set under a `max_memory`."""
    from gapkit.metrics import measure

    measure(*clouds(64, 32), "all", n_resamples=10)
    x, y = clouds(n)
    before = peak_mb()
    found = measure(x, y, "all", original=x[::-1].copy(), fitted=y[: n // 2], max_memory=megabytes * 2**20)
    undefined = sum(e.value != e.value for e in found.values())
    return {"n": n, "megabytes": megabytes, "rise_mb": peak_mb() - before, "undefined": undefined}


def sharing(n: int, rows: int) -> dict[str, Any]:
    """CPU seconds of a table of the default metrics, as `compare` measures it, and with nothing shared."""
    import numpy as np

    from gapkit.metrics import Reference, measure, metric_names

    measure(*clouds(64, 32), "default", n_resamples=10)
    x, y = clouds(n)
    rng = np.random.default_rng(0)
    moved = [x + np.float32(0.02 * k) * rng.standard_normal(x.shape, dtype=np.float32) for k in range(rows)]
    names = metric_names(default=True)
    start = time.process_time()
    reference = Reference.from_target(y, normalise=True)
    together = [measure(row, reference, names, original=x) for row in moved]
    shared = time.process_time() - start
    start = time.process_time()
    apart = [
        {name: measure(row, y, name, original=x, normalise=True)[name] for name in found}
        for row, found in zip(moved, together, strict=True)
    ]
    alone = time.process_time() - start
    pairs = [(found[name], single[name]) for found, single in zip(together, apart, strict=True) for name in found]
    difference = max(abs(a.value - b.value) for a, b in pairs)
    return {"n": n, "rows": rows, "count": len(together[0]), "shared": shared, "alone": alone, "difference": difference}


def curve(n: int) -> dict[str, Any]:
    """CPU seconds of each metric in one row; what metrics share counts for the first that needs it."""
    from gapkit.metrics import measure
    from gapkit.metrics.registry import METRICS

    measure(*clouds(64, 32), "all", n_resamples=10)
    x, y = clouds(n)
    seconds: dict[str, float] = {}
    began = [("", time.process_time())]

    def progress(done: int, total: int, name: str) -> None:
        now = time.process_time()
        if done:
            seconds[began[0][0]] = now - began[0][1]
        began[0] = (name, now)

    found = measure(x, y, "all", original=x[::-1].copy(), fitted=y[: n // 2], progress=progress)
    known = {name: took for name, took in seconds.items() if found[name].value == found[name].value}
    return {"n": n, "seconds": known, "groups": {name: METRICS.get(name).group for name in known}}


def _files(folder: str) -> list[Any]:
    import numpy as np

    return [np.load(Path(folder) / f"{name}.npy", mmap_mode="r") for name in "xy"]


def large(folder: str, n: int, exact: int) -> dict[str, Any]:
    """Everything about files of n rows."""
    apart(write, folder, n)
    return {
        "features": apart(features, folder),
        "exact": apart(against_exact, folder, exact),
        "command": apart(command, folder, n),
    }
