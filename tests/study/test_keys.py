"""Keys: equal for equal parts, different for everything that changes a number, the version of a plugin included."""

from typing import Any

import numpy as np
import pytest

import gapkit
from gapkit.bridges.registry import BRIDGES
from gapkit.captioning.decoders.registry import DECODERS
from gapkit.comparison.fitting import bridge_key
from gapkit.metrics.registry import METRICS
from gapkit.registry import Registry
from gapkit.study import keys
from gapkit.study.keys import job_key, plugin_version, versions

REGISTRIES = {"bridge": (BRIDGES, "ridge"), "metric": (METRICS, "cosine"), "decoder": (DECODERS, "small")}


@pytest.fixture(params=list(REGISTRIES))
def plugin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Registry[Any], str]:
    """Something that gapkit brings, as if another package had brought it."""
    registry, name = REGISTRIES[request.param]
    registry.names()
    monkeypatch.setitem(registry._origins, name, "numpy")
    return registry, name


def test_parts_make_the_key() -> None:
    assert job_key(a=1, b=2) == job_key(b=2, a=1)
    assert len({job_key(a=1), job_key(a=1.5), job_key(a="1"), job_key(a=True), job_key(b=1)}) == 5


def test_numpy_numbers_are_numbers() -> None:
    assert job_key(a=np.int64(3), b=np.float64(0.5), c=np.arange(2)) == job_key(a=3, b=0.5, c=[0, 1])


def test_the_version_of_a_plugin_counts(plugin: tuple[Registry[Any], str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions(*plugin) == [gapkit.__version__, "numpy", np.__version__]
    assert plugin_version(*plugin) == f"numpy {np.__version__}"
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    assert versions(*plugin)[-1] == "9.9"


def test_what_gapkit_brings_is_no_plugin() -> None:
    for registry, name in REGISTRIES.values():
        assert plugin_version(registry, name) == ""


def test_an_upgraded_plugin_gives_another_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """`compare` and `caption study` ask for the same key, so neither takes a bridge of an older plugin."""
    monkeypatch.setitem(BRIDGES._origins, "ridge", "numpy")
    before = bridge_key("ridge", {"alpha": 1.0}, None)
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    assert bridge_key("ridge", {"alpha": 1.0}, None) != before
