"""The readers, fuzzed a little in every run; `python tests/fuzz/run.py FORMAT` does it at length."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import CORPUS, TARGETS

SEEDS = {name: [path.read_bytes() for path in sorted((CORPUS / name).iterdir())] for name in TARGETS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes((CORPUS / "model.safetensors").read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_stays_found(name: str, folder: Path) -> None:
    for data in SEEDS[name]:
        TARGETS[name](data, folder)


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A known file, cut, repeated and overwritten here and there."""
    data = bytearray(draw(st.sampled_from(SEEDS[name])))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        data[at : at + length] = draw(st.binary(max_size=8) | st.just(bytes(data[at : at + 2 * length])))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_files(name: str, folder: Path, data: st.DataObject) -> None:
    TARGETS[name](data.draw(mutated(name)), folder)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_noise(name: str, folder: Path, data: bytes) -> None:
    TARGETS[name](data, folder)
