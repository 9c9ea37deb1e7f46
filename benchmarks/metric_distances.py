"""Distances of distributions, each beside the usual way to get them, as a ratio within one run.

Every side runs in a fresh process on one thread, in turns, so that a busy machine is busy for both; the fastest of each
counts. Times are CPU seconds.

    python benchmarks/metric_distances.py [--quick] [--repeat 3] [--out FILE]

Where alibi-detect can be imported it is measured too.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DIM = 512
WIDTH = 1.4


@dataclass(frozen=True)
class Row:
    """One comparison.

    Parameters
    ----------
    what, size, peer : str
    ours, theirs : float
        Seconds.
    ours_mb, theirs_mb : float
        Rise of the peak memory above what the data take.
    note : str
        How far the two values are apart, and what was scaled up.
    """

    what: str
    size: str
    peer: str
    ours: float
    theirs: float
    ours_mb: float
    theirs_mb: float
    note: str


def rows(*, quick: bool = False, repeat: int = 3) -> list[Row]:
    """Measure everything."""
    n = 2000 if quick else 10_000
    found = [_compared("MMD", f"{n:,} x {DIM}", mmd_gapkit, "scikit-learn, three `rbf_kernel`", mmd_sklearn, n, repeat)]
    if find_spec("alibi_detect"):
        small = n // 2
        found.append(
            _compared("MMD", f"{small:,} x {DIM}", mmd_gapkit_unpaired, "alibi-detect", mmd_alibi, small, repeat)
        )
    size = "500" if quick else "2,000"
    n = int(size.replace(",", ""))
    for what, ours, peer, theirs in (
        ("permutation test, paired", swaps_gapkit, "loop that re-indexes the kernel matrix", swaps_loop),
        ("permutation test, unpaired", deals_gapkit, "loop that re-indexes the kernel matrix", deals_loop),
        ("permutation test, unpaired", deals_gapkit, "alibi-detect", deals_alibi),
    ):
        if "alibi" not in peer or find_spec("alibi_detect"):
            found.append(_compared(what, f"{size} + {size} x {DIM}, B = 1,000", ours, peer, theirs, n, repeat))
    n = 2000 if quick else 10_000
    found.append(
        _compared("Frechet", f"{n:,} x {DIM}", frechet_gapkit, "`scipy.linalg.sqrtm`", frechet_scipy, n, repeat)
    )
    found.append(
        _compared("sliced Wasserstein", f"{n:,} x {DIM}, 512 lines", sliced_gapkit, "POT", sliced_pot, n, repeat)
    )
    found.append(random_features(20_000 if quick else 1_000_000, 2000 if quick else 20_000))
    return found


def markdown(found: list[Row]) -> str:
    """As a table, with the machine below it."""
    lines = [
        "| what | size | against | gapkit | peer | times as fast | memory | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.what} | {r.size} | {r.peer} | {r.ours:.2f} s | {r.theirs:.2f} s | {r.theirs / r.ours:.2f} "
        f"| {r.ours_mb:,.0f} MB ({f'{r.theirs_mb:,.0f} MB' if r.theirs_mb else '-'}) | {r.note} |"
        for r in found
    ]
    absent = "" if find_spec("alibi_detect") else " alibi-detect is not installed and was not measured."
    return "\n".join([*lines, "", f"{platform.machine()}, {os.cpu_count()} cores.{absent}", ""])


# What is compared. Each takes two clouds and gives a value and a factor that scales its time up.


def mmd_gapkit(x, y):
    """Exact MMD of paired clips."""
    from gapkit.metrics import mmd

    return mmd(x, y, bandwidth=WIDTH), 1


def mmd_sklearn(x, y):
    """Three kernel matrices and their sums, same statistic."""
    import numpy as np
    from sklearn.metrics.pairwise import rbf_kernel

    total, n = 0.0, len(x)
    for a, b, sign in ((x, x, 1), (y, y, 1), (x, y, -2)):
        kernel = rbf_kernel(a, b, gamma=1 / (2 * WIDTH**2))
        total += sign * (kernel.sum(dtype=np.float64) - np.trace(kernel, dtype=np.float64)) / (n * (n - 1))
        del kernel
    return total, 1


def mmd_gapkit_unpaired(x, y):
    """Exact MMD of unrelated rows."""
    from gapkit.metrics import mmd

    return mmd(x, y, bandwidth=WIDTH, paired=False), 1


def mmd_alibi(x, y):
    """The statistic of alibi-detect's MMD drift detector."""
    from alibi_detect.utils.pytorch.distance import mmd2_from_kernel_matrix

    detector, y = _alibi(x, y, 1)
    return float(mmd2_from_kernel_matrix(detector.kernel_matrix(detector.x_ref, y), len(y), zero_diag=True)), 1


def _alibi(x, y, n_permutations):
    import torch
    from alibi_detect.cd.pytorch.mmd import MMDDriftTorch

    detector = MMDDriftTorch(x, sigma=torch.tensor([WIDTH]).numpy(), n_permutations=n_permutations, device="cpu")
    detector.x_ref = torch.from_numpy(detector.x_ref)
    return detector, torch.from_numpy(y)


def swaps_gapkit(x, y):
    """1,000 swaps within pairs."""
    from gapkit.metrics import permutation_test

    return permutation_test(x, y, bandwidth=WIDTH).value, 1


def deals_gapkit(x, y):
    """1,000 relabellings."""
    from gapkit.metrics import permutation_test

    return permutation_test(x, y, paired=False, bandwidth=WIDTH).value, 1


def swaps_loop(x, y):
    """The kernel matrix once, and each swap by its index."""
    return _loop(x, y, lambda rng, n: _swap(rng, n), paired=True)


def deals_loop(x, y):
    """The kernel matrix once, and each relabelling by its index."""
    return _loop(x, y, lambda rng, n: rng.permutation(2 * n), paired=False)


def _swap(rng, n):
    import numpy as np

    first = np.arange(n) + n * rng.integers(0, 2, n)
    return np.concatenate([first, (first + n) % (2 * n)])


def _loop(x, y, draw, *, paired, timed=20, asked=1000):
    import numpy as np
    from sklearn.metrics.pairwise import rbf_kernel

    n, rng = len(x), np.random.default_rng(0)
    start = time.process_time()
    kernel = rbf_kernel(np.concatenate([x, y]), gamma=1 / (2 * WIDTH**2))
    fixed = time.process_time() - start

    def statistic(k):
        off = k[:n, n:].sum(dtype=np.float64) - (np.trace(k[:n, n:]) if paired else 0)
        pairs = n * (n - 1)
        inside = sum(part.sum(dtype=np.float64) - np.trace(part) for part in (k[:n, :n], k[n:, n:]))
        return inside / pairs - 2 * off / (pairs if paired else n * n)

    start = time.process_time()
    for _ in range(timed):
        index = draw(rng, n)
        statistic(kernel[np.ix_(index, index)])
    loop = time.process_time() - start
    return statistic(kernel), (fixed + loop * asked / timed) / (fixed + loop)


def deals_alibi(x, y, timed=20, asked=1000):
    """The detector's own test."""
    import torch
    from alibi_detect.utils.pytorch.distance import mmd2_from_kernel_matrix

    start = time.process_time()
    detector, y = _alibi(x, y, timed)
    kernel = detector.kernel_matrix(detector.x_ref, y)
    kernel = kernel - torch.diag(kernel.diag())
    value = mmd2_from_kernel_matrix(kernel, len(y), permute=False, zero_diag=False)
    fixed = time.process_time() - start
    start = time.process_time()
    for _ in range(timed):
        mmd2_from_kernel_matrix(kernel, len(y), permute=True, zero_diag=False)
    loop = time.process_time() - start
    return float(value), (fixed + loop * asked / timed) / (fixed + loop)


def frechet_gapkit(x, y):
    """With symmetric eigenproblems."""
    from gapkit.metrics import frechet_distance

    return frechet_distance(x, y), 1


def frechet_scipy(x, y):
    """With the square root of the product."""
    import numpy as np
    from scipy.linalg import sqrtm

    (mx, sx), (my, sy) = ((v.mean(axis=0, dtype=np.float64), np.cov(v.astype(np.float64).T)) for v in (x, y))
    return float(((mx - my) ** 2).sum() + np.trace(sx + sy - 2 * np.real(sqrtm(sx @ sy)))), 1


def sliced_gapkit(x, y):
    """512 lines."""
    from gapkit.metrics import sliced_wasserstein

    return sliced_wasserstein(x, y), 1


def sliced_pot(x, y):
    """The same lines."""
    import ot

    from gapkit.metrics._sides import sides
    from gapkit.metrics.sliced_wasserstein import PROJECTIONS, lines

    along = lines(sides(x, y).y, PROJECTIONS, 0).numpy().T
    return float(ot.sliced_wasserstein_distance(x, y, projections=along)), 1


def clouds(n: int, dim: int = DIM, first: int = 0):
    """Two paired clouds of unit rows, the same whatever the number asked for."""
    import numpy as np

    rng = np.random.default_rng(first)
    concept = rng.standard_normal((n, dim), dtype=np.float32)
    both = []
    for offset in (0.0, 0.05):
        values = concept + rng.standard_normal((n, dim), dtype=np.float32) + np.float32(offset)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        both.append(values)
    return both


def random_features(n: int, exact: int) -> Row:
    """MMD of two memory-mapped files, beside the matrix products that it cannot do without."""
    _one_thread()
    with tempfile.TemporaryDirectory() as folder:
        _apart(_write, folder, n)
        ours = _apart(_stream, folder, n)
        bare = _apart(_products, folder, n)
        near = _apart(_against_exact, folder, exact)
    note = (
        f"{ours['wall']:.0f} s by the clock, {ours['peak_mb']:,.0f} MB at most; value {ours['value']:.6f}, "
        f"standard error {ours['error']:.1e}; at {exact:,} {near['value']:.6f} beside {near['exact']:.6f} exact, "
        f"{near['off']:.2f} standard errors ({near['error']:.1e}) off"
    )
    peer = "its bare matrix products, scaled up from a tenth"
    return Row(
        "MMD by 2,048 random features", f"{n:,} x {DIM}, files", peer, ours["seconds"], bare["seconds"],
        ours["rise_mb"], 0.0, note,
    )  # fmt: skip


def _write(folder: str, n: int, pipe) -> None:
    import numpy as np

    files = [np.memmap(Path(folder) / name, dtype=np.float32, mode="w+", shape=(n, DIM)) for name in "xy"]
    for start in range(0, n, 10_000):
        for file, values in zip(files, clouds(min(10_000, n - start), first=start), strict=True):
            file[start : start + len(values)] = values
    pipe.send({})


def _files(folder: str):
    import numpy as np

    return [np.memmap(Path(folder) / name, dtype=np.float32, mode="r").reshape(-1, DIM) for name in "xy"]


def _stream(folder: str, n: int, pipe) -> None:
    from gapkit.metrics import mmd_random_features

    mmd_random_features(*clouds(64, 32))
    x, y = _files(folder)
    before, start, wall = _peak_mb(), time.process_time(), time.perf_counter()
    found = mmd_random_features(x, y)
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    pipe.send(
        {
            "seconds": seconds,
            "wall": wall,
            "peak_mb": _peak_mb(),
            "rise_mb": _peak_mb() - before,
            "value": found.value,
            "error": found.standard_error,
        }
    )


def _products(folder: str, n: int, pipe) -> None:
    import torch

    x = torch.randn(512, DIM)
    frequencies, out = torch.randn(DIM, 1024), torch.empty(512, 1024)
    torch.mm(x, frequencies, out=out)
    start, times = time.process_time(), max(1, 2 * n // 512 // 10)
    for _ in range(times):
        torch.mm(x, frequencies, out=out)
    pipe.send({"seconds": (time.process_time() - start) * (2 * n / 512) / times})


def _against_exact(folder: str, n: int, pipe) -> None:
    from gapkit.metrics import mmd, mmd_random_features

    x, y = (file[:n] for file in _files(folder))
    found = mmd_random_features(x, y)
    exact = mmd(x, y, bandwidth=found.bandwidth)
    off = abs(found.value - exact) / found.standard_error
    pipe.send({"value": found.value, "exact": exact, "error": found.standard_error, "off": off})


def _compared(what: str, size: str, ours: Callable, peer: str, theirs: Callable, n: int, repeat: int) -> Row:
    _one_thread()
    runs = [[_apart(_measure, side, n) for side in (ours, theirs)] for _ in range(repeat)]
    a, b = (min(side, key=lambda run: run["seconds"]) for side in zip(*runs, strict=True))
    note = f"values {abs(a['value'] - b['value']):.0e} apart"
    note += "; 20 permutations timed, scaled up" if b["scaled"] else ""
    return Row(what, size, peer, a["seconds"], b["seconds"], a["rise_mb"], b["rise_mb"], note)


def _one_thread() -> None:
    """For the processes to come: their libraries read it as they start."""
    for name in THREADS:
        os.environ[name] = "1"


def _measure(function: Callable, n: int, pipe) -> None:
    function(*clouds(64, 32))  # imports are not part of it
    x, y = clouds(n)
    before, start = _peak_mb(), time.process_time()
    value, factor = function(x, y)
    seconds = (time.process_time() - start) * factor
    pipe.send({"value": value, "seconds": seconds, "rise_mb": _peak_mb() - before, "scaled": factor != 1})


def _apart(function: Callable, *arguments):
    """Run in a fresh process, so that time and peak are its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=function, args=(*arguments, there))
    process.start()
    there.close()
    result = here.recv()
    process.join()
    return result


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, once")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    table = markdown(rows(quick=options.quick, repeat=1 if options.quick else options.repeat))
    print(table)
    if options.out:
        options.out.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
