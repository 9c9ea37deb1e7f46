"""The drawings: a Debian package, downloaded and unpacked but not installed, and the program that renders them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "openclipart-svg"
INSIDE = Path("usr/share/openclipart/svg")
RENDERER = "rsvg-convert"
RENDERER_PACKAGE = "librsvg2-bin"


def drawings(work: Path) -> Path:
    """The folder of the unpacked drawings; downloads and unpacks the package where that has not been done."""
    tree = work / "tree"
    if not (tree / ".complete").exists():
        tree.mkdir(parents=True, exist_ok=True)
        # No sandbox of apt: its user may not write into the folders of others.
        _run("apt-get", "-o", "APT::Sandbox::User=root", "download", PACKAGE, cwd=work)
        deb = max(work.glob(f"{PACKAGE}_*.deb"), key=lambda file: file.stat().st_mtime)
        _run("dpkg-deb", "-x", str(deb.name), str(tree.resolve()), cwd=work)
        (tree / ".complete").write_text(deb.name.replace("%3a", ":") + "\n", encoding="utf-8")
    return tree / INSIDE


def package_version(work: Path) -> str:
    """Version of the package that was unpacked."""
    return (work / "tree" / ".complete").read_text(encoding="utf-8").split("_")[1]


def ensure_renderer() -> str:
    """Path of the renderer; installs its package where it is absent and this process may."""
    if shutil.which(RENDERER) is None:
        if os.geteuid() != 0:
            sys.exit(f"{RENDERER} is not installed and only root can: run `sudo apt-get install {RENDERER_PACKAGE}`")
        _run("apt-get", "install", "-y", "--no-install-recommends", RENDERER_PACKAGE)
    return shutil.which(RENDERER) or sys.exit(f"{RENDERER_PACKAGE} is installed, but {RENDERER} is not in PATH")


def renderer_version() -> str:
    """What the renderer calls itself."""
    return subprocess.run([RENDERER, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
