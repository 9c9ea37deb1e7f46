"""Fuzz the reader of one format: ``python tests/fuzz/run.py npz -runs=1000000``.

Needs ``pip install atheris``. Options are those of libFuzzer; what it finds new goes to build/fuzz/FORMAT, what it
fails on to the working folder.
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np  # noqa: F401  # loaded before: only what reads is instrumented

MOST_MEMORY = 2 * 2**30
"""Bytes of address space beyond those of the start: whoever asks for more is caught."""

with atheris.instrument_imports(include=["gapkit.files", "gapkit.records", "zipfile", "tomllib", "csv", "json"]):
    import targets


def main() -> None:
    """Fuzz until the runs are over or something is found."""
    name = sys.argv.pop(1)
    target = targets.TARGETS[name]
    found = Path("build") / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="gapkit-fuzz-", dir=memory if memory.is_dir() else None))
    for given in sorted((targets.CORPUS / name).iterdir()):
        target(given.read_bytes(), folder)  # whatever loads late is loaded before memory is counted
    if name == "json":
        shutil.copy(targets.CORPUS / "model.safetensors", folder)
    status = Path("/proc/self/status").read_text()
    now = 1024 * int(next(line for line in status.splitlines() if line.startswith("VmSize")).split()[1])
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_MEMORY, resource.RLIM_INFINITY))
    atheris.Setup([*sys.argv, str(found), str(targets.CORPUS / name)], lambda data: target(data, folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
