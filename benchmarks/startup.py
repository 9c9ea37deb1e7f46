"""How long `gapkit --help` and `import gapkit` take, and what they load.

python benchmarks/startup.py [--runs 9]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

HEAVY = ("torch", "sklearn", "numba", "matplotlib", "pandas")
PROBES = {
    "python -c pass": ("pass", None),
    "import gapkit": ("import gapkit", 0.15),
    "gapkit --help": ("from gapkit.cli.main import main; main(['--help'])", 0.3),
    "gapkit compare --help": ("from gapkit.cli.main import main; main(['compare', '--help'])", None),
}
"""Code and the seconds that it may take."""


def main() -> int:
    """Print one line a probe; exit code 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    broken = False
    print(f"{'':24}{'median':>9}{'fastest':>9}{'promise':>9}  loaded")
    for label, (code, promise) in PROBES.items():
        seconds = [_time(code) for _ in range(runs + 1)][1:]  # the first fills the file cache
        loaded = _loaded(code)
        slow = promise is not None and statistics.median(seconds) > promise
        broken |= slow or bool(loaded)
        shown = "" if promise is None else f"{promise:.2f} s"
        print(
            f"{label:24}{statistics.median(seconds):7.3f} s{min(seconds):7.3f} s{shown:>9}  "
            f"{', '.join(loaded) or 'nothing heavy'}{'  BROKEN' if slow else ''}"
        )
    return int(broken)


def _time(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _loaded(code: str) -> list[str]:
    ask = f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    report = f"import atexit, sys; atexit.register(lambda: {ask})"
    done = subprocess.run([sys.executable, "-c", f"{report}\n{code}"], capture_output=True, text=True, check=True)
    return [name for name in HEAVY if f"'{name}'" in done.stderr]


if __name__ == "__main__":
    sys.exit(main())
