import json
from collections.abc import Callable
from importlib import metadata
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make an installed package look as if it were not."""

    def remove(name: str) -> None:
        found = metadata.distribution

        def distribution(asked: str) -> metadata.Distribution:
            if asked.lower() == name:
                raise metadata.PackageNotFoundError(asked)
            return found(asked)

        monkeypatch.setattr(metadata, "distribution", distribution)

    return remove


def test_a_missing_extra_is_told_and_does_no_harm(
    cli: Cli, absent: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gapkit.datasets.dataset_names", lambda: ["sfx"])
    absent("pyarrow")
    answer = cli("doctor")
    line = next(line for line in answer.out.splitlines() if line.split()[1:2] == ["io"])
    assert line.split()[0] == "missing"
    assert line.endswith('; needs pyarrow>=17; pip install "gapkit[io]"')
    assert answer.out.endswith("sound: everything that gapkit always needs is here\n")
    assert (answer.code, answer.err) == (0, "")


def test_a_missing_core_package_is_a_failure(
    cli: Cli, absent: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gapkit.datasets.dataset_names", lambda: ["sfx"])
    absent("scipy")
    answer = cli("doctor", "--json")
    content = json.loads(answer.out)
    assert (answer.code, content["sound"]) == (1, False)
    bad = [f for f in content["findings"] if f["part"] in ("core", "data") and f["state"] != "ok"]
    assert bad == [
        {"part": "core", "name": "scipy", "state": "missing", "found": "", "needs": ">=1.13",
         "remedy": 'pip install "scipy>=1.13"'}
    ]  # fmt: skip


def test_every_declared_extra_is_told(cli: Cli) -> None:
    content = json.loads(cli("doctor", "--json").out)
    told = [f["name"] for f in content["findings"] if f["part"] == "extras"]
    assert told == metadata.metadata("gapkit").get_all("Provides-Extra")
    assert [f["name"] for f in content["findings"] if f["part"] == "data"] == ["openclipart", "sfx", "soundscapes"]
