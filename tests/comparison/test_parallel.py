"""Several processes give the numbers of one, whoever runs them and whatever happens to them."""

import contextlib
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from joblib._parallel_backends import LokyBackend

from gapkit.bridges import Bridge
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.metrics.registry import METRICS, register_metric
from gapkit.study.processes import BACKENDS

CONFIG = StudyConfig(
    bridges=("ridge", "residual-mlp", "diffusion-link"),
    metrics=("cosine", "mmd", "separability"),
    seeds=2,
    n_resamples=40,
    steps=20,
    device="cpu",
    threads=1,
    params={"residual-mlp": {"hidden": 8}, "diffusion-link": {"hidden": 8}},
)

# Old workers that are idle, and what a killed one leaves, are of no concern here.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Notes:
    """Remembers what it is told."""

    def __init__(self, when: Callable[[], None] = lambda: None) -> None:
        self.cells: dict[str, str] = {}
        self.messages: list[str] = []
        self.begun: list[str] = []
        self.when = when

    def start(self, total: int) -> None:
        self.total = total

    def begin(self, label: str) -> None:
        self.begun.append(label)

    def step(self, done: int, total: int, note: str) -> None:
        pass

    def advance(self, label: str, note: str) -> None:
        self.cells[label] = note
        self.when()

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture(autouse=True)
def _as_eager_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's workers step back behind every other process by default: on a busy machine they hardly move."""
    monkeypatch.setenv("RAY_worker_niceness", "0")


@pytest.fixture(scope="module")
def many(make_pairs: Callable[..., PairedEmbeddings]) -> PairedEmbeddings:
    """Rows wide enough that joblib maps them instead of sending them."""
    return make_pairs(1_200, 256)


@pytest.fixture(scope="module")
def serial(many: PairedEmbeddings) -> Results:
    return run_study(many, CONFIG)


def _same(a: Results, b: Results) -> None:
    pd.testing.assert_frame_equal(a.frame.drop(columns="seconds"), b.frame.drop(columns="seconds"), check_exact=True)
    assert a.draws.keys() == b.draws.keys()
    for key, draws in a.draws.items():
        np.testing.assert_array_equal(draws, b.draws[key])


def _needs(backend: str) -> None:
    for package in {"dask": ["distributed"], "ray": ["ray"]}.get(backend, []):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'gapkit[cluster]'")


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_gives_the_numbers_of_one_process_though_a_worker_is_killed(
    many: PairedEmbeddings, serial: Results, tmp_path: Path, backend: Any
) -> None:
    _needs(backend)
    notes = Notes()
    with _workers(backend) as pids:
        killed: list[int] = []

        def kill_one() -> None:
            if not killed:
                killed.append(pids()[0])
                os.kill(killed[0], signal.SIGKILL)

        notes.when = kill_one
        results = run_study(many, CONFIG, out=tmp_path, progress=notes, jobs=2, backend=backend)
        assert killed[0] not in pids()
    _same(results, serial)
    assert notes.begun[0] == f"{notes.total} cells in 2 processes"
    assert len(notes.cells) == notes.total
    again = Notes()
    _same(run_study(many, CONFIG, out=tmp_path, progress=again), serial)
    assert set(again.cells.values()) == {"kept"}
    # Dask begins the cells of a lost worker again by itself.
    assert backend == "dask" or any("was killed" in message for message in notes.messages)


class Script:
    """What a notebook or a script defines: no other process can import it."""

    CODE = """
import os
import threading
from gapkit.bridges import Bridge

class {name}(Bridge):
    "Moves by what its author typed."
    needs_pairs = False
    pid = os.getpid()
    {more}

    def _fit(self, source, target, context):
        {fit}
        self.shift_ = (target.mean(dim=0) - source.mean(dim=0)) / 2

    def _transform(self, source):
        return source + self.shift_
"""

    @classmethod
    def bridge(cls, name: str, *, more: str = "", fit: str = "pass", module: str = "__main__") -> type[Bridge]:
        space = {"__name__": module}
        exec(cls.CODE.format(name=name, more=more, fit=fit), space)
        return space[name]  # type: ignore[return-value]


def test_bridges_of_a_notebook(
    pairs: PairedEmbeddings, bridge_for_a_test: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some can travel; those that cannot are computed at home, and it is said. One that fails has its row."""
    elsewhere = "assert os.getpid() != self.pid"
    bridge_for_a_test("travels", Script.bridge("Travels", fit=elsewhere))
    bridge_for_a_test("fails", Script.bridge("Fails", fit="raise ZeroDivisionError('no way')"))
    bridge_for_a_test("holds-a-lock", Script.bridge("HoldsALock", more="lock = threading.Lock()"))
    at_home = Script.bridge("AtHome", module="only_here")
    only_here = types.ModuleType("only_here")
    only_here.AtHome = at_home  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "only_here", only_here)
    bridge_for_a_test("at-home", at_home)
    # In a worker it ends the process, over and over: the last resort is this one.
    bridge_for_a_test("kills", Script.bridge("Kills", fit="os.getpid() == self.pid or os._exit(9)"))
    config = replace(CONFIG, bridges=("travels", "fails", "holds-a-lock", "at-home"), metrics=("cosine",))
    notes = Notes()
    results = run_study(pairs, config, progress=notes, jobs=2)
    assert results.failures == ["fails: ZeroDivisionError: no way"]
    kept = [message.split(":")[0] for message in notes.messages if "runs in this process" in message]
    assert sorted(kept) == ["at-home", "holds-a-lock"]
    values = results.pivot()["cosine"]
    assert values["travels"] == values["holds-a-lock"] == values["at-home"]

    notes = Notes()
    results = run_study(pairs, replace(config, bridges=("kills",)), progress=notes, jobs=2)
    assert results.pivot()["cosine"]["kills"] == values["travels"]
    assert notes.messages[-1].endswith("its cells are begun again in this one")


def test_a_metric_of_a_notebook(pairs: PairedEmbeddings) -> None:
    METRICS.names()
    space: dict[str, Any] = {"__name__": "__main__"}
    exec('def answer(source, target):\n    "Forty-two."\n    return 42.0', space)
    register_metric("answer", group="closure", better="lower")(space["answer"])
    try:
        results = run_study(pairs, replace(CONFIG, bridges=("ridge",), metrics=("cosine", "answer")), jobs=2)
    finally:
        del METRICS._items["answer"], METRICS._origins["answer"]
    assert results.pivot()["answer"]["ridge"] == 42.0


def test_where_no_process_may_be_started(pairs: PairedEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As inside a worker of joblib: its tasks then run in the process that asked for them, which must live on."""
    monkeypatch.setattr(LokyBackend, "effective_n_jobs", lambda self, n_jobs: 1)
    config = replace(CONFIG, bridges=("ridge",))
    before = signal.getsignal(signal.SIGINT)
    _same(run_study(pairs, config, jobs=2), run_study(pairs, config))
    assert signal.getsignal(signal.SIGINT) is before
    time.sleep(1.0)


def test_jobs_and_backends_that_are_none(pairs: PairedEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    for jobs in (0, -1, True, 1.5):
        with pytest.raises(InputError, match="jobs: expected a whole number of at least 1"):
            run_study(pairs, CONFIG, jobs=jobs)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="backend: expected one of loky, dask, ray, got 'slurm'"):
        run_study(pairs, CONFIG, backend="slurm")  # type: ignore[arg-type]
    for backend, package in (("dask", "distributed"), ("ray", "ray")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(InputError, match=rf"needs the package {package}; pip install 'gapkit\[cluster\]'"):
            run_study(pairs, CONFIG, jobs=2, backend=backend)  # type: ignore[arg-type]


@contextlib.contextmanager
def _workers(backend: str) -> Iterator[Callable[[], list[int]]]:
    """Gives what lists the process ids of the workers; clusters are those of a user, begun before the study."""
    if backend == "dask":
        import distributed

        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield lambda: list(client.run(os.getpid).values())
    elif backend == "ray":
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            yield lambda: _descendants("ray::PoolActor")
        finally:
            ray.shutdown()
    else:
        yield lambda: _descendants("LokyProcess")


def _descendants(name: str) -> list[int]:
    """Processes that this one began, at any remove, with `name` in their command."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
    ours = {os.getpid()}
    while found := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= found
    return sorted(pid for pid in ours if name in commands.get(pid, ""))
