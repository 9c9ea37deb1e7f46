"""Rows that are read from files, and the bound on the memory."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from gapkit.memory_map import file_of
from gapkit.metrics import measure
from gapkit.metrics.registry import METRICS, metric_names
from gapkit.metrics.work_limits import held_bytes

READ = ["cosine", "centroid-distance", "rmg", "mmd-rff", "mmd-linear", "effective-rank", "frechet", "cka", "alignment",
        "variance-ratio", "gap-consistency"]  # fmt: skip


AT_ONCE = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**17), "MALLOC_TRIM_THRESHOLD_": str(2**17)}
"""glibc gives back what is freed at once: what it keeps else differs by 50 MB between two runs of the same."""


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    concept = rng.standard_normal((400, 12), dtype=np.float32)
    for name in "xy":
        np.save(tmp_path / f"{name}.npy", concept + rng.standard_normal(concept.shape, dtype=np.float32))
    return tmp_path


@pytest.mark.parametrize("normalise", [False, True])
def test_a_file_gives_what_its_rows_give(files, normalise):
    # The networks train for seconds, and their rows are scaled in either case.
    names = [name for name in metric_names() if normalise or not name.endswith("c2st-mlp")]
    options = {"normalise": normalise, "n_resamples": 20, "metrics": names}
    whole = measure(*(np.load(files / f"{name}.npy") for name in "xy"), **options)
    mapped = measure(*(np.load(files / f"{name}.npy", mmap_mode="r") for name in "xy"), **options)
    assert set(mapped) == set(whole)
    for name, found in mapped.items():
        assert found.value == whole[name].value, name
        np.testing.assert_array_equal(found.draws, whole[name].draws)


def test_only_maps_that_can_be_read_again_are_let_go(files):
    mapped = np.load(files / "x.npy", mmap_mode="r")
    assert file_of(mapped) is not None
    assert file_of(np.asarray(mapped)[3:9, :2]) is file_of(mapped)
    private = np.load(files / "x.npy", mmap_mode="c")
    assert file_of(private) is None
    assert file_of(np.asarray(private)) is None
    assert file_of(np.array(mapped)) is None


def test_what_must_hold_all_rows_says_so(files):
    x, y = (np.load(files / f"{name}.npy") for name in "xy")
    names = [name for name in metric_names() if METRICS.get(name).holds_rows]
    labels = np.arange(400) % 7
    options = {"n_resamples": 0, "fitted": y, "original": x, "labels": labels}
    found = measure(x, y, names, max_memory=held_bytes(400, 400, 12) - 1, **options)
    assert set(found) == set(names)
    for estimate in found.values():
        assert np.isnan(estimate.value)
        assert "max_memory" in estimate.why
    # Trees of clusters hold the distances of both sides together, which is more.
    trees = [name for name in names if name.endswith("-ward")]
    others = [name for name in names if name not in trees]
    enough = measure(x, y, others, max_memory=held_bytes(400, 400, 12), **options)
    for_trees = measure(x, y, trees, max_memory=4 * 800**2 + 2**16, **options)
    assert all(np.isfinite(estimate.value) for found in (enough, for_trees) for estimate in found.values())


def test_residual_measures_keep_to_the_memory_of_the_row(files):
    x, y = (np.load(files / f"{name}.npy") for name in "xy")
    name = "residual-sinkhorn-divergence"
    short = measure(x, y, [name], n_resamples=0, max_memory=8 * 400 * 400 + 16 * 800 * 12 - 1)[name]
    assert np.isnan(short.value)
    assert "max_memory" in short.why
    enough = measure(x, y, [name], n_resamples=0, max_memory=8 * 400 * 400 + 16 * 800 * 12)[name]
    assert enough.value == pytest.approx(METRICS.get(name).function(x, y), rel=1e-6)


def test_files_do_not_stay_in_memory(tmp_path):
    # 41 MB a side; the largest block that is read takes 2 MB, and the bound is 16 MB.
    script = textwrap.dedent("""
        import resource, sys
        import numpy as np
        from gapkit.metrics import measure

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

        n, d, names = 20_000, 512, sys.argv[2].split(",")
        rng = np.random.default_rng(0)
        for name in "xy":
            file = np.lib.format.open_memmap(f"{sys.argv[1]}/{name}.npy", mode="w+", dtype=np.float32, shape=(n, d))
            for start in range(0, n, 1000):
                file[start : start + 1000] = rng.standard_normal((1000, d), dtype=np.float32)
            file.flush()
            file._mmap.madvise(4)
            del file
        small = [rng.standard_normal((2000, d), dtype=np.float32) for _ in "xy"]
        measure(*small, names, n_resamples=20, normalise=True, max_memory=2**24)
        before = peak()
        x, y = (np.load(f"{sys.argv[1]}/{name}.npy", mmap_mode="r") for name in "xy")
        found = measure(x, y, names, n_resamples=20, normalise=True, max_memory=2**24)
        assert all(np.isfinite(e.value) for e in found.values()), found
        print(peak() - before)
    """)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), ",".join(READ)],
        capture_output=True, text=True, check=False, env=AT_ONCE,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 45


def test_all_metrics_keep_to_the_bound(tmp_path):
    # Beside the bound: resamples of 2 MB, kept matrices of d x d and draws x d, and what a block takes at least.
    script = textwrap.dedent("""
        import sys
        import numpy as np
        from gapkit.metrics import measure, metric_names

        def peak():
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM"))

        rng = np.random.default_rng(0)
        rows = rng.standard_normal((2500, 256), dtype=np.float32)
        x, y = rows + 0.5 * rng.standard_normal(rows.shape, dtype=np.float32), rows
        options = {"n_resamples": 100, "max_memory": int(sys.argv[1]) * 2**20}
        names = [name for name in metric_names() if name != "residual-c2st-mlp"]
        measure(x[:300], y[:300], names, original=x[:300], fitted=y[:200], **options)
        before = peak()
        found = measure(x, y, "all", original=x, fitted=y[:2000], **options)
        print(peak() - before, sum("max_memory" in e.why for e in found.values()))
    """)
    risen = {}
    for megabytes in (24, 96):
        ran = subprocess.run(
            [sys.executable, "-c", script, str(megabytes)], capture_output=True, text=True, check=False, env=AT_ONCE
        )
        assert ran.returncode == 0, ran.stderr
        rise, short = map(float, ran.stdout.split())
        assert rise < megabytes + 32
        risen[megabytes] = short
    assert risen[24] > risen[96]
