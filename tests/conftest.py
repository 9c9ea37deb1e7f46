import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import typer.main
from hypothesis import settings

from gapkit import products
from gapkit.machine import limit_threads

torch.set_num_threads(1)

# The same examples each time: a red run is about the change. HYPOTHESIS_PROFILE=default looks for new ones.
settings.register_profile("fixed", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# Commands are declared once: making click's of them takes longer than many a command that is tried.
typer.main.get_command = functools.cache(typer.main.get_command)
# No test cuts the power, and what is written outlives the process without it. Disks that are shared wait long.
os.fsync = lambda descriptor: None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long go first, so that no worker is alone with one in the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """A command that a test runs in this process sets its threads; sums of the tests after it would round otherwise."""
    yield
    if torch.get_num_threads() != 1:
        limit_threads(1)


@pytest.fixture
def prefer_onednn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """A processor on which oneDNN multiplies, whatever this one is; the shapes of the left sides it was given."""
    monkeypatch.setattr(products, "processor_maker", lambda: "AuthenticAMD")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    products._operator.cache_clear()
    operator = products._operator()
    assert operator is not None
    shapes = []

    def counted(*args: Any) -> torch.Tensor:
        shapes.append(tuple(args[0].shape))
        return operator(*args)

    monkeypatch.setattr(products, "_operator", lambda: counted)
    yield shapes
    monkeypatch.undo()
    products._operator.cache_clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data that is not part of the repository; tests that need it skip where it is absent."""
    given = os.environ.get("GAPKIT_SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data: set GAPKIT_SHARED_DATA to its folder")
    return folder.resolve()
