"""A study that is killed again and again ends with the same files as one that was not."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Checkpoints come often, so that a short training has one.
CODE = """
import sys
from gapkit.training import loop
loop.SAVE_EVERY_SECONDS = 0.02
from gapkit.cli.main import main
main()
"""
SMALL = """
[bridges.residual-mlp]
hidden = 64
[bridges.diffusion-link]
hidden = 64
"""
TIMES = {"seconds", "fit_seconds", "transform_seconds", "metric_seconds", "started", "finished", "digest"}


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _kill_when(process: subprocess.Popen[bytes], path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, f"ended before {path.name} was there"
        assert time.monotonic() < end
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def _files(root: Path) -> dict[str, Any]:
    """Content of every file, without times."""
    return {str(path.relative_to(root)): _content(path) for path in sorted(root.rglob("*")) if path.is_file()}


def _content(path: Path) -> Any:
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text()))
    if path.suffix == ".csv":
        return [
            {k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(io.StringIO(path.read_text()))
        ]
    return path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in TIMES}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


@pytest.mark.slow
def test_killed_at_several_moments(cli: Callable[..., Any], npz: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    common = ["compare", str(npz), "--bridges", "ridge,residual-mlp,diffusion-link"]
    common += ["--metrics", "cosine,mmd,separability", "--config", str(tmp_path / "small.toml")]
    common += ["--resamples", "30", "--seeds", "1", "--steps", "300", "--quiet", "--device", "cpu"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    checkpoint = killed / "checkpoints" / "diffusion-link-s0.safetensors"
    for moment in (killed / "cells" / "identity.json", checkpoint, killed / "bridges" / "residual-mlp-s0" / "fit.json"):
        _kill_when(_start([*common, "--out", str(killed)]), moment)
    assert not (killed / "results.json").exists()
    again = cli(*common, "--out", killed)
    once = cli(*common, "--out", whole)
    assert (again.code, once.code) == (0, 0)
    assert again.out == once.out
    assert not checkpoint.parent.exists()
    left, right = _files(killed), _files(whole)
    assert left.keys() == right.keys()
    for name, content in left.items():
        assert content == right[name], name


def test_a_checkpoint_is_gone_on_from(npz: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    common = ["compare", str(npz), "--bridges", "residual-mlp", "--metrics", "cosine", "--resamples", "5"]
    common += ["--config", str(tmp_path / "small.toml"), "--seeds", "1", "--steps", "400", "--quiet", "--device", "cpu"]
    out = tmp_path / "out"
    checkpoint = out / "checkpoints" / "residual-mlp-s0.safetensors"
    process = _start([*common, "--out", str(out)])
    _kill_when(process, checkpoint)
    # What lies there is a whole file, although the process died at any moment.
    from safetensors.numpy import load_file

    assert all(np.isfinite(array).all() for array in load_file(checkpoint).values() if array.dtype.kind == "f")
    assert cli(*common, "--out", out).code == 0
    assert not checkpoint.exists()
