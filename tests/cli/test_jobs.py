"""`gapkit compare --jobs`: stopped in any way it leaves no process behind and keeps what is finished."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gapkit.bridges.registry import BRIDGES

WAITS = """
import os, time
from gapkit.bridges import Bridge, register_bridge

@register_bridge("waits")
class Waits(Bridge):
    needs_pairs = False
    stochastic = True

    def __init__(self, *, flag: str = "", random_state: int = 0) -> None:
        self.flag, self.random_state = flag, random_state

    def _fit(self, source, target, context):
        while not os.path.exists(self.flag):
            time.sleep(0.01)

    def _transform(self, source):
        return source
"""
"""A bridge whose fit ends when a file is there: whoever is stopped before is stopped in the middle."""

PATIENCE = 600.0
"""Seconds, on a machine that has much else to do."""


@pytest.fixture(scope="module")
def waits() -> Iterator[None]:
    BRIDGES.names()
    exec(WAITS, {"__name__": "waits"})
    yield
    del BRIDGES._items["waits"], BRIDGES._origins["waits"]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle(
    cli: Callable[..., Any], waits: None, npz: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    out, config, flag = tmp_path / "out", tmp_path / "waits.toml", tmp_path / "flag"
    config.write_text(f"[bridges.waits]\nflag = {json.dumps(str(flag))}\n")
    common = ["compare", npz, "--bridges", "ridge,waits", "--metrics", "cosine,mmd", "--resamples", "5", "--seeds", "2"]
    common += ["--device", "cpu", "--config", config]
    code = f"{WAITS}\nfrom gapkit.cli.main import main\nmain()"
    command = [sys.executable, "-c", code, *map(str, common), "--jobs", "2", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    # Tests that were started in the background by a script ignore Ctrl-C, and so would what they start.
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        _wait(lambda: list((out / "cells").glob("[a-z]*.json")) or process.poll() is not None)
    except BaseException:
        process.kill()
        raise
    assert process.poll() is None, process.communicate()
    # Ctrl-C goes to every process of the terminal, a signal of `kill` to one.
    if stop == signal.SIGINT:
        os.killpg(process.pid, stop)
    else:
        process.send_signal(stop)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == (-stop if stop == signal.SIGKILL else 128 + stop)
    assert "Traceback" not in said
    _wait(lambda: not _session(process.pid))
    assert not (out / "results.json").exists()
    kept = {path: path.read_bytes() for path in (out / "cells").glob("[a-z]*.json")}
    flag.touch()
    again = cli(*common, "--jobs", "1", "--out", out)
    once = cli(*common, "--jobs", "1", "--out", tmp_path / "once", "--quiet")
    assert (again.code, once.code) == (0, 0)
    assert again.out == once.out
    assert again.err.count(": kept") == len(kept)
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert not list(out.rglob(".*.tmp*"))


def test_options_that_do_not_serve(cli: Callable[..., Any], npz: Path, tmp_path: Path) -> None:
    answer = cli("compare", npz, "--backend", "slurm", "--out", tmp_path / "out")
    assert answer.code == 2
    assert "error: --backend: expected one of loky, dask, ray, got 'slurm'" in answer.err
    assert cli("compare", npz, "--jobs", "0", "--out", tmp_path / "out").code == 2


def _wait(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _session(leader: int) -> list[int]:
    """Processes of the session that `leader` began, zombies aside."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, session = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(folder.name))
    return found
