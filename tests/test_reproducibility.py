"""Same seed, same numbers: with one thread and two, in blocks of any size, from numpy and from torch."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gapkit import arrays
from gapkit.bridges import make_bridge
from gapkit.comparison import StudyConfig, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics import measure, metric_names

ROWS, DIM = 240, 48
SCRIPT = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[2])
from test_reproducibility import everything
torch.set_num_threads(2)
np.savez(sys.argv[1], **everything())
"""
NETWORK = "c2st-mlp"
"""It trains for seconds however few the rows; what it is without the means takes the same way."""
NAMES = [name for name in metric_names() if name != f"residual-{NETWORK}"]
BRIDGES: dict[str, dict[str, Any]] = {
    "ridge": {},
    "procrustes": {},
    "cca": {},
    "memory": {},
    "light-sb": {},
    "diffusion-link": {"steps": 30, "hidden": 64, "patience": 0},
}


def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Two clouds with a gap and a common meaning."""
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((ROWS, DIM))
    shift = np.eye(DIM)[0] * 4
    x, y = (meaning + 0.5 * rng.standard_normal(meaning.shape) + sign * shift for sign in (1, -1))
    return x.astype(np.float32), y.astype(np.float32)


def moved(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """What each bridge makes of the sources."""
    return {name: np.asarray(make_bridge(name, **options).fit(x, y).transform(x)) for name, options in BRIDGES.items()}


def everything() -> dict[str, np.ndarray]:
    """The numbers of all metrics, and what the bridges make of the sources."""
    x, y = clouds()
    found = measure(x, y, NAMES, original=x, fitted=y[:120], n_resamples=25)
    values = {f"metric {name}": np.array([e.value, e.low, e.high]) for name, e in found.items()}
    return {**moved(x, y), **values}


def test_one_thread_and_two(tmp_path: Path) -> None:
    """A product that two threads share is summed in another order: equal up to float32's rounding, not to the bit."""
    path = tmp_path / "two.npz"
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", SCRIPT, str(path), str(Path(__file__).parent)], env=environment, check=True)
    with np.load(path) as arrays_:
        two = {name: arrays_[name] for name in arrays_.files}
    one = everything()
    assert one.keys() == two.keys()
    for name, value in one.items():
        # 30 steps of training carry the rounding of the first on.
        close = {"atol": 2e-3} if name == "diffusion-link" else {"rtol": 2e-4, "atol": 2e-5}
        np.testing.assert_allclose(two[name], value, **close, err_msg=name)


def test_numpy_and_torch() -> None:
    x, y = clouds()
    options: dict[str, Any] = {"metrics": [n for n in NAMES if n != NETWORK], "n_resamples": 25}
    from_numpy = measure(x, y, original=x, fitted=y[:120], **options)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    from_torch = measure(tx, ty, original=tx, fitted=ty[:120], **options)
    for name, found in from_numpy.items():
        assert found.value == from_torch[name].value or np.isnan(found.value), name
        np.testing.assert_array_equal(found.draws, from_torch[name].draws)
    for name, options in BRIDGES.items():
        a = make_bridge(name, **options).fit(x, y).transform(x)
        b = make_bridge(name, **options).fit(tx, ty).transform(tx)
        assert isinstance(a, np.ndarray)
        assert isinstance(b, torch.Tensor)
        np.testing.assert_array_equal(a, b.numpy(), err_msg=name)


def test_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks regroup sums: up to the rounding of float32, and none where a row is found and not summed."""
    x, y = clouds()
    options: dict[str, Any] = {"metrics": [n for n in NAMES if n != NETWORK], "n_resamples": 25}
    whole = measure(x, y, original=x, fitted=y[:120], **options)
    monkeypatch.setattr(arrays.slices, "__defaults__", (37 * DIM,))
    assert len(list(arrays.slices(ROWS, DIM))) == 7
    small = measure(x, y, original=x, fitted=y[:120], max_memory=2**22, **options)
    assert whole.keys() == small.keys()
    for name, found in whole.items():
        if small[name].why:
            assert "max_memory" in small[name].why
            continue
        np.testing.assert_allclose(small[name].value, found.value, rtol=1e-4, atol=2e-6, err_msg=name)
        if name.startswith(("recall", "map")):
            assert small[name].value == found.value


def test_a_study_twice_and_from_other_arrays(tmp_path: Path) -> None:
    x, y = clouds()
    split = np.array((["train"] * 4 + ["val"] + ["test"]) * (ROWS // 6))
    config = StudyConfig(
        bridges=("ridge", "diffusion-link"), metrics=("cosine", "mmd", "separability"), seeds=2, n_resamples=30,
        steps=20, device="cpu", threads=1, params={"diffusion-link": {"hidden": 32}},
    )  # fmt: skip
    pairs = [
        PairedEmbeddings(source=x, target=y, split=split),
        PairedEmbeddings(source=torch.from_numpy(x), target=y.astype(np.float64), split=split.tolist()),
    ]
    first, second = (run_study(p, config, out=tmp_path / str(k)) for k, p in enumerate(pairs))
    pd.testing.assert_frame_equal(
        first.frame.drop(columns="seconds"), second.frame.drop(columns="seconds"), check_exact=True
    )
    hashes = [
        json.loads((tmp_path / str(k) / "manifest.json").read_text(encoding="utf-8"))["input"]["content_hash"]
        for k in range(2)
    ]
    assert hashes[0] == hashes[1]
    other = run_study(pairs[0], dataclasses.replace(config, seed=7))
    assert not first.frame.drop(columns="seconds").equals(other.frame.drop(columns="seconds"))
