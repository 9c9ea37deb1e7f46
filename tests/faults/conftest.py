"""What the faults befall: small pairs, a few sounds, a finished study; and the commands, undisturbed."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from children import Child, Ended, boundaries, run
from commands import COMMANDS, Command, TinyEncoder, content

from gapkit.cli.main import run as run_here

Whole = tuple[dict[str, object], float, int]

SMALL = """
[compare]
bridges = ["ridge", "residual-mlp"]
metrics = ["cosine", "mmd"]
seeds = 1
n_resamples = 5
steps = 6
device = "cpu"
[bridges.residual-mlp]
hidden = 8
blocks = 1
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=3, help="Kills of each command in tests/faults, by boundary and by time."
    )


@pytest.fixture(scope="session")
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills", 3))


@contextmanager
def prepared() -> Iterator[None]:
    """The encoder of the commands, and a checkpoint at each step: the training would be over before the next."""
    from gapkit.encoders import ENCODERS
    from gapkit.training import loop

    ENCODERS.names()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
        patch.setitem(ENCODERS._items, "tiny", TinyEncoder)
        yield


@pytest.fixture(scope="module", autouse=True)
def _prepared() -> Iterator[None]:
    with prepared():
        yield


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read."""
    soundfile = pytest.importorskip("soundfile")
    home = tmp_path_factory.mktemp("given")
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((60, 6))
    gap = np.eye(6)[0] * 3
    np.savez(
        home / "pairs.npz",
        source=(meaning + 0.4 * rng.standard_normal((60, 6)) + gap).astype(np.float32),
        target=(meaning + 0.4 * rng.standard_normal((60, 6)) - gap).astype(np.float32),
        split=np.array((["train"] * 3 + ["val"] + ["test"] * 2) * 10),
    )
    (home / "small.toml").write_text(SMALL)
    with np.load(home / "pairs.npz") as pairs:
        np.savez(home / "said.npz", captions=np.array([f"sound number {i % 7}" for i in range(60)]), **pairs)
    (home / "sounds").mkdir()
    lines = ["path,caption"]
    for i in range(6):
        soundfile.write(home / "sounds" / f"{i}.wav", rng.standard_normal(400) / 10, 8000)
        lines.append(f"{i}.wav,sound number {i}")
    (home / "sounds" / "m.csv").write_text("\n".join(lines))
    return home


@pytest.fixture(scope="session")
def study(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study."""
    out = tmp_path_factory.mktemp("study") / "out"
    with prepared():
        assert run_here(COMMANDS["compare"].arguments(given, out)) == 0
    return out


class Task:
    """One command in one folder.

    Parameters
    ----------
    command : Command
    given, study : Path
    work : Path
        ``work/out`` is written.
    """

    def __init__(self, command: Command, given: Path, study: Path, work: Path) -> None:
        self.command, self.given, self.study = command, given, study
        self.work, self.out = work, work / "out"
        self.arguments = command.arguments(given, self.out)
        work.mkdir(parents=True, exist_ok=True)
        if command.study:
            shutil.copytree(study, self.out)

    def run(self, fault: Callable[[], None] | None = None) -> Ended:
        return run(self.arguments, fault)

    def start(self) -> Child:
        return Child(self.arguments)

    def finished(self) -> dict[Path, bytes]:
        found = self.command.finished(self.out)
        return {path: path.read_bytes() for path in found if not path.name.startswith(".")}

    def content(self, aside: Path | None = None) -> dict[str, object]:
        return content(self.out, aside)


@pytest.fixture(params=list(COMMANDS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def undisturbed(given: Path, study: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """By name of the command: what it leaves, its seconds, and how many steps of the file system it takes."""
    known: dict[str, Whole] = {}

    def get(name: str) -> Whole:
        if name not in known:
            pytest.importorskip(COMMANDS[name].needs)
            task = Task(COMMANDS[name], given, study, tmp_path_factory.mktemp(f"whole-{name}"))
            # In this process: what loads late is there in every child.
            assert run_here(task.arguments) == 0
            other = Task(COMMANDS[name], given, study, tmp_path_factory.mktemp(f"steps-{name}"))
            began = time.perf_counter()
            steps = boundaries(other.arguments, other.out)
            known[name] = task.content(), time.perf_counter() - began, steps
            assert other.content() == known[name][0], "the command does not give the same twice"
        return known[name]

    return get


@pytest.fixture
def make(given: Path, study: Path, tmp_path: Path, name: str) -> Callable[..., Task]:
    """A fresh folder for the command."""
    count = 0

    def fresh(home: Path | None = None) -> Task:
        nonlocal count
        count += 1
        return Task(COMMANDS[name], given, study, (home or tmp_path) / str(count))

    return fresh


@pytest.fixture
def survived(name: str) -> Callable[[int], None]:
    """Tells of kills that a command outlived; shown by ``-s``."""

    def tell(count: int) -> None:
        sys.stdout.write(f"\n{name}: {count} kills\n")

    return tell
