"""Bridges of one study hold equal arrays once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gapkit.bridges import load_bridge, make_bridge
from gapkit.bridges.saving import read_config, shared_files
from gapkit.errors import InputError

ROWS = np.random.default_rng(0).standard_normal((2, 40, 8)).astype(np.float32)
NAMES = ("memory", "nearest-caption", "ridge")


@pytest.fixture(scope="module")
def bridges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("bridges")
    for name in NAMES:
        make_bridge(name).fit(*ROWS).save(home / name, shared=home / "shared")
    return home


def test_equal_arrays_are_one_file(bridges: Path) -> None:
    held = {name: read_config(bridges / name)["shared"] for name in NAMES}
    assert held["memory"] == held["nearest-caption"]
    assert held["memory"].keys() == {"memory_", "fitted_on_"}
    assert held["ridge"] == {"fitted_on_": held["memory"]["fitted_on_"]}
    assert len(list((bridges / "shared").iterdir())) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_bridge_reads_them_back(bridges: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = make_bridge(name).fit(*ROWS)
    fitted.save(tmp_path / name)
    assert shared_files(tmp_path / name) == []
    monkeypatch.chdir(bridges)
    for folder in (bridges / name, Path(name), tmp_path / name):
        again = load_bridge(folder)
        np.testing.assert_array_equal(again.transform(ROWS[0]), fitted.transform(ROWS[0]))
        assert again.fitted_on_.seen(ROWS[0]).all()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_file_that_is_gone_or_broken_is_named(bridges: Path, damage, tmp_path: Path) -> None:
    home = Path(shutil.copytree(bridges, tmp_path / "bridges"))
    (path,) = shared_files(home / "ridge")
    damage(path)
    with pytest.raises(InputError, match=rf"{path.name}: not .*; copy it along, or fit the bridge again"):
        load_bridge(home / "ridge")
    make_bridge("ridge").fit(*ROWS).save(home / "ridge", shared=home / "shared")
    assert load_bridge(home / "memory").fitted_on_ is not None


@pytest.mark.parametrize("digest", ["../../secret", "AA", 3])
def test_a_name_that_leads_elsewhere_is_refused(bridges: Path, digest: object, tmp_path: Path) -> None:
    home = Path(shutil.copytree(bridges / "ridge", tmp_path / "ridge"))
    config = read_config(home) | {"shared": {"fitted_on_": digest}}
    (home / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"config\.json: expected the keys"):
        read_config(home)
