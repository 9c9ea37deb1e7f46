from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from gapkit.cli.main import run


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs one command inside this process."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def arrays() -> dict[str, np.ndarray]:
    """Named arrays of small pairs with a gap and splits."""
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((60, 8))
    gap = np.eye(8)[0] * 3
    return {
        "source": (meaning + 0.4 * rng.standard_normal((60, 8)) + gap).astype(np.float32),
        "target": (meaning + 0.4 * rng.standard_normal((60, 8)) - gap).astype(np.float32),
        "split": np.array((["train"] * 3 + ["val"] + ["test"] * 2) * 10),
        "captions": np.array([f"sound {i}" for i in range(60)]),
    }


@pytest.fixture
def npz(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Path:
    path = tmp_path / "tiny.npz"
    np.savez(path, **arrays)
    return path
