"""A bridge and a metric of another installed package show up without a change here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MODULE = '''
from gapkit.bridges import Bridge

class Halfway(Bridge):
    """Goes half of the gap vector."""
    needs_pairs = False
    name = "halfway"

    def _fit(self, source, target, context):
        self.shift_ = (target.mean(dim=0) - source.mean(dim=0)) / 2

    def _transform(self, source):
        return source + self.shift_

class Further(Halfway):
    """Goes the whole way."""

    def _transform(self, source):
        return source + 2 * self.shift_
'''
METRIC = '''
from gapkit.metrics.registry import register_metric

@register_metric("first-axis", group="closure", better="lower", label="First axis", best=0.0, needs_pairs=False)
def first_axis(source, target):
    """Distance of the means on the first axis."""
    return float(abs(source[:, 0].mean() - target[:, 0].mean()))
'''
POINTS = """
[gapkit.bridges]
further = gapkit_halfway.bridge:Further
halfway = gapkit_halfway.bridge:Halfway
torn = gapkit_halfway.torn:Torn

[gapkit.metrics]
first-axis = gapkit_halfway.metric
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """What an installer leaves of such a package."""
    site = tmp_path / "site"
    package, info = site / "gapkit_halfway", site / "gapkit_halfway-1.2.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("")
    (package / "bridge.py").write_text(MODULE)
    (package / "metric.py").write_text(METRIC)
    (package / "torn.py").write_text("import a_module_that_nobody_has\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gapkit-halfway\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(POINTS)
    return site


def _gapkit(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "gapkit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_list_names_them_and_their_package(installed: Path) -> None:
    done = _gapkit(installed, "list", "bridges", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["halfway"]["package"] == "gapkit-halfway"
    assert rows["halfway"]["what"] == "Goes half of the gap vector."
    # The one that does not import is a warning that names it.
    assert "torn" not in rows
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("gapkit: warning: bridge plugin 'torn' of package 'gapkit-halfway' could not be loaded")
    assert "a_module_that_nobody_has" in warning
    rows = {row["name"]: row for row in json.loads(_gapkit(installed, "list", "metrics", "--json").stdout)}
    assert rows["first-axis"]["package"] == "gapkit-halfway"


def test_compare_runs_them(installed: Path, npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--metrics", "cosine,first-axis", "--resamples", "20", "--out", str(out), "--json", "-q")
    done = _gapkit(installed, "compare", str(npz), "--bridges", "halfway", *options)
    assert done.returncode == 0, done.stderr
    rows = {(row["bridge"], row["metric"]): row for row in json.loads(done.stdout)["rows"]}
    assert rows["halfway", "cosine"]["block"] == "unpaired"
    values = [rows[bridge, "first-axis"]["value"] for bridge in ("mean-shift", "halfway", "identity")]
    assert values == sorted(values)
    assert np.isfinite(rows["halfway", "first-axis"]["ci_high"])
    # The fitted bridge comes back by its name.
    moved = tmp_path / "moved.npy"
    done = _gapkit(installed, "transform", str(out / "bridges" / "halfway"), str(npz), "-o", str(moved))
    assert done.returncode == 0, done.stderr
    assert np.load(moved).shape == (60, 8)


def test_what_an_entry_point_names_is_found_again(installed: Path, npz: Path, tmp_path: Path) -> None:
    # Without a decorator a class has no name of its own, or that of the class that it came from.
    fitted, moved = tmp_path / "fitted", {name: tmp_path / f"{name}.npy" for name in ("halfway", "further")}
    for name, file in moved.items():
        for command in (
            ("fit", name, str(npz), "-o", str(fitted)),
            ("transform", str(fitted), str(npz), "-o", str(file)),
        ):
            done = _gapkit(installed, *command, "-q")
            assert (done.returncode, len(done.stderr.splitlines())) == (0, 1), done.stderr  # that of the torn one
        assert json.loads((fitted / "config.json").read_text())["bridge"] == name
    assert not np.allclose(np.load(moved["halfway"]), np.load(moved["further"]))
