"""What goes into the wheel, and what does not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

import gapkit

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def tracked() -> set[str]:
    """Files of the package that the repository holds or that are about to be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "gapkit"]
    try:
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout: nothing says which files belong")
    return {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == tracked()
    assert {
        "gapkit/py.typed",
        "gapkit/datasets/soundscapes/soundscapes.npz",
        "gapkit/datasets/soundscapes/card.json",
        "gapkit/encoders/weights/offline-heads.safetensors",
        "gapkit/page/assets/page.html",
    } <= names


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    info = f"gapkit-{gapkit.__version__}.dist-info"
    about = message_from_bytes(wheel.read(f"{info}/METADATA"))
    assert (about["Name"], about["Version"]) == ("gapkit", gapkit.__version__)
    assert about["License-Expression"] == "Apache-2.0"
    licences = {f"{info}/licenses/{name}" for name in about.get_all("License-File") or ()}
    assert licences <= set(wheel.namelist())
    sets = {path.parent.name for path in (ROOT / "gapkit" / "datasets").glob("*/card.json")}
    assert {Path(name).parent.name for name in licences if name.endswith("LICENSE.md")} == sets
    assert "gapkit = gapkit.cli.main:main" in wheel.read(f"{info}/entry_points.txt").decode()
