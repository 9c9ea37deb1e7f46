"""The same seed gives the same numbers, whatever the number of threads, the size of blocks or the kind of array.

Test of processes and backends: test_parallel.py. Where a sum is formed in another order the last digits of float32
products may differ: `THREADS` is what two threads may change, `BLOCKS` what other blocks may.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_limits

from gapkit import embeddings
from gapkit.bridges import make_bridge
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics import Reference, measure
from gapkit.metrics.registry import metric_names

THREADS = 1e-4
BLOCKS = 1e-5

CONFIG = StudyConfig(
    bridges=("procrustes", "ridge", "diffusion-link"),
    metrics=("cosine", "centroid-distance", "mmd", "separability", "residual-cosine", "recall@10", "effective-rank"),
    seeds=1,
    n_resamples=20,
    steps=20,
    device="cpu",
    params={"diffusion-link": {"hidden": 64}},
)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        torch.set_num_threads(before)


def _apart(a: pd.DataFrame, b: pd.DataFrame) -> float:
    """Largest difference, as a share of the value (of 1 for smaller ones)."""
    pd.testing.assert_frame_equal(a.isna(), b.isna())
    return float(((a - b).abs() / a.abs().clip(lower=1.0)).max().max())


@pytest.mark.slow
def test_one_and_two_threads(make_pairs: Callable[..., PairedEmbeddings]) -> None:
    """Two threads again give the digits of two threads, and those of one but for the order of sums."""
    pairs = make_pairs(2400, 64)

    def study(threads: int) -> Results:
        with _threads(threads):
            return run_study(pairs, CONFIG)

    one, two, again = study(1), study(2), study(2)
    pd.testing.assert_frame_equal(two.pivot(), again.pivot(), check_exact=True)
    for values in ("value", "ci_low", "ci_high"):
        assert _apart(one.pivot(values), two.pivot(values)) < THREADS


def test_sizes_of_blocks(make_pairs: Callable[..., PairedEmbeddings], monkeypatch: pytest.MonkeyPatch) -> None:
    test = make_pairs(600, 16)
    fitted = make_pairs(300, 16, seed=1).target
    moved = make_bridge("mean-shift").fit(test.source, test.target).transform(test.source)
    found = []
    for memory in (2**29, 2**22):
        reference = Reference.from_target(
            test.target, owner=test.owner, n_resamples=30, fitted=fitted, max_memory=memory, normalise=True
        )
        found.append(measure(moved, reference, metric_names(), original=test.source, on_error="note"))
    whole, blocked = found
    defined = [name for name in whole if np.isfinite(whole[name].value) and np.isfinite(blocked[name].value)]
    assert len(defined) > 50
    for name in defined:
        for a, b in ((getattr(estimate, end) for estimate in (whole[name], blocked[name])) for end in _ENDS):
            assert abs(a - b) <= BLOCKS * max(1.0, abs(a)), name

    hashes = set()
    for rows in (1, 7, 8192):
        monkeypatch.setattr(embeddings, "HASHED", rows)
        hashes.add(test.content_hash())
    assert len(hashes) == 1


_ENDS = ("value", "low", "high")


@pytest.mark.parametrize("name", ["ridge", "memory", "residual-mlp", "diffusion-link"])
def test_numpy_torch_and_memory_maps(make_pairs: Callable[..., PairedEmbeddings], tmp_path: Path, name: str) -> None:
    pairs = make_pairs(240, 16)
    params = {"steps": 10, "hidden": 16} if name in ("residual-mlp", "diffusion-link") else {}
    source, target = pairs.expanded()
    for side, rows in (("source", source), ("target", target)):
        np.save(tmp_path / f"{side}.npy", rows)
    kinds = {
        "numpy": (source, target),
        "torch": (torch.from_numpy(source), torch.from_numpy(target)),
        "memory map": tuple(np.load(tmp_path / f"{side}.npy", mmap_mode="r") for side in ("source", "target")),
    }
    moved = {kind: np.asarray(make_bridge(name, **params).fit(x, y).transform(x)) for kind, (x, y) in kinds.items()}
    values = {
        kind: measure(moved[kind], Reference.from_target(y, n_resamples=20), ["cosine", "mmd", "separability"])
        for kind, (_, y) in kinds.items()
    }
    for kind in kinds:
        np.testing.assert_array_equal(moved[kind], moved["numpy"])
        for metric, estimate in values["numpy"].items():
            assert [getattr(values[kind][metric], end) for end in _ENDS] == [getattr(estimate, end) for end in _ENDS]
