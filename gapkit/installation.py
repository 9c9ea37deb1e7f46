"""What is installed here and what is missing: packages, extras, devices, the cache folder, the bundled data."""

from __future__ import annotations

import csv
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gapkit.errors import GapkitError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

State = Literal["ok", "missing", "old", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes
    ----------
    part : str
        ``"core"``, ``"extras"``, ``"weights"``, ``"data"`` or ``"machine"``.
    name : str
        Package, extra, dataset or device.
    state : str
        ``"ok"``, ``"missing"``, ``"old"`` (below what is needed) or ``"broken"``.
    found : str
        Versions and numbers, as they are here.
    needs : str
        What is needed and not here; empty where nothing is.
    remedy : str
        The command that adds it; empty where nothing has to be added.
    """

    part: str
    name: str
    state: State
    found: str
    needs: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Installation:
    """What `examine_installation` found.

    Attributes
    ----------
    gapkit, python : str
        Their versions.
    findings : tuple of Finding
    """

    gapkit: str
    python: str
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether the core works: Python, the packages that gapkit always needs, the bundled data."""
        return all(found.state == "ok" for found in self.findings if found.part in ("core", "data"))

    def part(self, name: str) -> tuple[Finding, ...]:
        """The findings of one part."""
        return tuple(found for found in self.findings if found.part == name)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "findings": [asdict(found) for found in self.findings], "sound": self.sound}


def examine_installation(distribution: str = "gapkit") -> Installation:
    """Look at what is installed here.

    Packages, their least versions and the extras are those that the installed distribution declares. Of a package
    its metadata and its place are looked at; only torch and what reads the bundled data are imported.

    Parameters
    ----------
    distribution : str
        Whose requirements to check.

    Returns
    -------
    Installation

    Raises
    ------
    GapkitError
        The distribution, or `packaging` that reads its requirements, is not installed.
    """
    try:
        about = metadata.metadata(distribution)
        from packaging.requirements import Requirement
    except ImportError as error:
        absent = error.name or distribution
        raise GapkitError(
            f"{distribution}: cannot say what it needs, {absent} is not installed; pip install {absent}"
        ) from None
    needs = [Requirement(line) for line in metadata.requires(distribution) or ()]
    findings = [
        _python(*(about.get_all("Requires-Python") or [""])),
        *(_core(need) for need in needs if _applies(need, "")),
        *(_extra(extra, needs, distribution) for extra in about.get_all("Provides-Extra") or ()),
        *_weights({need.name for need in needs}),
        *_data(),
        *_machine(),
    ]
    return Installation(about["Version"], platform.python_version(), tuple(findings))


def _applies(need: Requirement, extra: str) -> bool:
    """Whether a requirement belongs to an extra ("": to the core) on this platform."""
    if need.marker is None:
        return not extra
    return need.marker.evaluate({"extra": extra}) and not (extra and need.marker.evaluate({"extra": ""}))


def _python(needs: str) -> Finding:
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    good = SpecifierSet(needs).contains(version, prereleases=True)
    return Finding("core", "Python", "ok" if good else "old", version, "" if good else needs)


def _core(need: Requirement) -> Finding:
    state, version = _package(need)
    wanted = str(need.specifier)
    if state == "ok":
        return Finding("core", need.name, state, version)
    again = "--force-reinstall " if state == "broken" else ""
    return Finding("core", need.name, state, version, wanted, f'pip install {again}"{need.name}{wanted}"')


def _extra(extra: str, needs: list[Requirement], distribution: str) -> Finding:
    """An extra is as good as the worst of its packages."""
    ready, lacking = [], []
    worst: State = "ok"
    for need in needs:
        if not _applies(need, extra):
            continue
        state, version = _package(need)
        if version:
            ready.append(f"{need.name} {version}")
        if state != "ok":
            lacking.append(f"{need.name}{need.specifier}")
            worst = "missing" if "missing" in (state, worst) else state
    remedy = f'pip install "{distribution}[{extra}]"' if lacking else ""
    return Finding("extras", extra, worst, ", ".join(ready), ", ".join(lacking), remedy)


def _package(need: Requirement) -> tuple[State, str]:
    """State and version of a package, without importing it."""
    try:
        found = metadata.distribution(need.name)
    except metadata.PackageNotFoundError:
        return "missing", ""
    if not all(_is_there(name) for name in _import_names(found)):
        return "broken", found.version
    return "ok" if need.specifier.contains(found.version, prereleases=True) else "old", found.version


def _import_names(found: metadata.Distribution) -> set[str]:
    """Top-level names that a distribution brings; none where it keeps no list of its files."""
    listed = (found.read_text("top_level.txt") or "").split()
    if not listed:
        # Not by `files` where there is a RECORD: the importlib_metadata package leaves out what is lost.
        rows = csv.reader((found.read_text("RECORD") or "").splitlines())
        files = [tuple(row[0].split("/")) for row in rows if row] or [file.parts for file in found.files or ()]
        listed = [parts[0] for parts in files if len(parts) == 2 and parts[1] == "__init__.py"]
        listed += [parts[0][:-3] for parts in files if len(parts) == 1 and parts[0].endswith(".py")]
    return {name for name in listed if name.isidentifier() and not name.startswith("_")}


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _weights(brought: set[str]) -> Iterator[Finding]:
    """Packages that no extra can bring, since what they ask for themselves fits no recent Python."""
    try:
        from gapkit.encoders.packages import INSTALL
    except ImportError:
        return
    for module, remedy in INSTALL.items():
        if "gapkit[" in remedy or module.replace("_", "-") in brought:
            continue
        there = _is_there(module)
        yield Finding("weights", module, "ok" if there else "missing", "", "", "" if there else remedy)


def _data() -> Iterator[Finding]:
    try:
        from gapkit.datasets import dataset_names, describe, load_dataset
    except ImportError as error:
        yield Finding("data", "all", "broken", f"not looked at: {error.name} cannot be imported")
        return
    for name in dataset_names():
        try:
            same = load_dataset(name).content_hash() == describe(name).content
            found = "content as published" if same else "content differs from what was published"
        except (GapkitError, OSError, ValueError, KeyError, TypeError) as error:
            same, found = False, " ".join(str(error).split())
        remedy = "" if same else "pip install --force-reinstall --no-deps gapkit"
        yield Finding("data", name, "ok" if same else "broken", found, "", remedy)


def _machine() -> Iterator[Finding]:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("machine", "processor", "ok", f"{platform.machine()}, {count} cores, {platform.system()}")
    yield _torch_device()
    yield _cache_folder()
    yield _java()


def _torch_device() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library of the system is missing
        return Finding("machine", "torch device", "broken", f"torch cannot be imported ({error})")
    if torch.cuda.is_available():
        name = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    elif torch.backends.mps.is_available():
        name = "mps"
    else:
        name = "cpu"
    return Finding("machine", "torch device", "ok", f"{name}, {torch.get_num_threads()} threads unless told otherwise")


def _cache_folder() -> Finding:
    try:
        from gapkit.encoders.pipeline import default_cache
    except ImportError as error:
        return Finding("machine", "cache folder", "broken", f"not looked at: {error.name} cannot be imported")
    folder = default_cache()
    home = next(place for place in (folder, *folder.parents) if place.exists())
    if not (home.is_dir() and os.access(home, os.W_OK)):
        return Finding(
            "machine", "cache folder", "broken", f"{folder} cannot be written", "", "export XDG_CACHE_HOME=FOLDER"
        )
    return Finding("machine", "cache folder", "ok", f"{folder}, {shutil.disk_usage(home).free / 1e9:,.0f} GB free")


def _java() -> Finding:
    """Some scores of captions run a Java program."""
    remedy = "apt-get install default-jre-headless"
    path = shutil.which("java")
    if path is None:
        return Finding("machine", "Java", "missing", "", "some scores of captions", remedy)
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("machine", "Java", "broken", f"{Path(path)} does not run ({error})", "", remedy)
    version = re.search(r'"([^"]+)"', said)
    return Finding("machine", "Java", "ok", version[1] if version else "of an unknown version")
