"""How long the default `gapkit compare` takes on this machine, cell by cell, and how long to run it again.

python benchmarks/compare.py [--seeds 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROMISE = 180.0
"""Seconds that the default may take on 2 cores."""


def main() -> int:
    """Print the times; exit code 1 where the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--threads", type=int)
    given = vars(parser.parse_args())
    options = [text for name, value in given.items() if value is not None for text in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        first = _run([*options, "--out", folder])
        manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
        again = _run([*options, "--out", folder])
    print(f"{'cell':24}{'fit':>9}{'metrics':>9}")
    for name, cell in manifest["cells"].items():
        print(f"{name:24}{cell['fit_seconds']:7.2f} s{cell['metric_seconds']:7.2f} s")
    print(f"{'whole':24}{first:7.1f} s   promise {PROMISE:.0f} s{'  BROKEN' if first > PROMISE else ''}")
    print(f"{'again, all cells kept':24}{again:7.1f} s")
    return int(first > PROMISE)


def _run(options: list[str]) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "gapkit", "compare", "--quiet", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
