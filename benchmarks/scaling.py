"""Cells a second of one study in one process, in two, on Dask and on Ray, in one run; or how a fit grows with pairs.

python benchmarks/scaling.py [--jobs 2] [--clips 10000] [--steps 150] [--seeds 4] [--backends loky,dask,ray]
python benchmarks/scaling.py --grow 10000,100000,1000000 [--steps 150]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import time

import numpy as np

from gapkit.bridges import make_bridge
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.machine import cores, limit_threads

BRIDGES = ("c3", "procrustes", "ridge", "cca", "residual-mlp", "diffusion-link")
GROWING = ("mean-shift", "c3", "procrustes", "ridge", "cca", "nearest-caption", "diffusion-link")
MOVED = 1000
"""Rows that each of them then moves."""
PACKAGES = {"dask": "distributed", "ray": "ray"}


def main() -> int:
    """Print a row a way of running; exit code 1 where a number differs from that of one process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--backends", default="loky,dask,ray")
    parser.add_argument("--grow")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    limit_threads(1)
    # By default Ray's workers step back behind every other process.
    os.environ.setdefault("RAY_worker_niceness", "0")
    if given.one:
        return _fits(given.one, given.steps)
    if given.grow:
        print(f"{'pairs':>11}  {'bridge':18}{'fit, CPU s':>12}{f'move {MOVED:,}, CPU s':>20}{'peak, MB':>10}")
        for pairs in given.grow.split(","):
            # A process of its own: the peak of memory is that of a process.
            subprocess.run([sys.executable, __file__, "--one", pairs, "--steps", str(given.steps)], check=True)
        return 0
    pairs = _pairs(given.clips)
    config = StudyConfig(bridges=BRIDGES, seeds=given.seeds, steps=given.steps, device="cpu", threads=1)
    # What a process does once (imports, the first step of an optimiser) is no part of a cell.
    run_study(_pairs(300), StudyConfig(bridges=("residual-mlp",), seeds=1, steps=2, device="cpu", threads=1))
    load = f"; load before {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{cores()} cores{load}; {pairs}; {given.steps} steps, {given.seeds} seeds")
    print(f"{'':24}{'clock':>9}{'cells/s':>10}{'times':>8}  numbers")
    first, alone = _timed(pairs, config)
    _row("1 process", first, alone, alone)
    same = True
    for backend in given.backends.split(","):
        if importlib.util.find_spec(PACKAGES.get(backend, "joblib")) is None:
            print(f"{backend:24}not installed")
            continue
        results, seconds = _timed(pairs, config, jobs=given.jobs, backend=backend)
        equal = _equal(first, results)
        same &= equal
        _row(f"{given.jobs} processes, {backend}", results, seconds, alone, "the same" if equal else "DIFFER")
    return int(not same)


def _fits(n: int, steps: int) -> int:
    """One bridge after another on `n` pairs; the peak is that of all so far."""
    pairs = _pairs(n)
    make_bridge("diffusion-link", steps=2).fit(pairs.source[:300], pairs.target[:300])
    for name in GROWING:
        bridge = make_bridge(name, **({"steps": steps} if name == "diffusion-link" else {}))
        moments = [time.process_time()]
        bridge.fit(pairs.source, pairs.target)
        moments.append(time.process_time())
        bridge.transform(pairs.source[:MOVED])
        moments.append(time.process_time())
        fit, move = np.diff(moments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{n:11,}  {name:18}{fit:12.2f}{move:20.2f}{peak:10,.0f}", flush=True)
    return 0


def _pairs(n: int, d: int = 256) -> PairedEmbeddings:
    rng = np.random.default_rng(0)
    source, target = (np.empty((n, d), dtype=np.float32) for _ in range(2))
    for start in range(0, n, 10_000):
        rows = slice(start, min(n, start + 10_000))
        meaning = rng.standard_normal((rows.stop - start, d), dtype=np.float32)
        for side, sign in ((source, 3), (target, -3)):
            side[rows] = meaning + 0.5 * rng.standard_normal(meaning.shape, dtype=np.float32)
            side[rows, 0] += sign
            side[rows] /= np.linalg.norm(side[rows], axis=1, keepdims=True)
    split = np.where(np.arange(n) % 10 == 0, "test", np.where(np.arange(n) % 10 == 1, "val", "train"))
    return PairedEmbeddings(source, target, split=split, name="drawn")


def _timed(pairs: PairedEmbeddings, config: StudyConfig, **how: object) -> tuple[Results, float]:
    began = time.perf_counter()
    results = run_study(pairs, config, **how)  # type: ignore[arg-type]
    return results, time.perf_counter() - began


def _row(name: str, results: Results, seconds: float, alone: float, numbers: str = "") -> None:
    cells = len(results.frame[["bridge", "seed"]].drop_duplicates())
    print(f"{name:24}{seconds:7.1f} s{cells / seconds:10.3f}{alone / seconds:8.2f}  {numbers}", flush=True)


def _equal(a: Results, b: Results) -> bool:
    frames = [results.frame.drop(columns="seconds") for results in (a, b)]
    draws = all(np.array_equal(own, b.draws[key], equal_nan=True) for key, own in a.draws.items())
    return bool(frames[0].equals(frames[1]) and draws)


if __name__ == "__main__":
    sys.exit(main())
