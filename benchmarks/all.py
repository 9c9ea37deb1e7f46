"""Run benchmarks, keep what each said with its day and machine, and write docs/performance.md from all that is kept.

    python benchmarks/all.py                     # every one, an hour or more
    python benchmarks/all.py startup training    # these; the sections of the others stay as they are
    python benchmarks/all.py --page              # none: only write the page again

A section is a file in benchmarks/results/. A benchmark that has none is named on the page as not measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HOME = Path(__file__).resolve().parent
RESULTS = HOME / "results"
PAGE = HOME.parent / "docs" / "performance.md"
PACKAGES = ("gapkit", "torch", "numpy", "scipy", "scikit-learn")
OWN_PAGE = ("metrics",)
"""Those that write a page of their own with --out, and figures into images/ beside it."""


def scripts() -> dict[str, Path]:
    """Every benchmark by its name."""
    return {path.stem: path for path in sorted(HOME.glob("*.py")) if path != Path(__file__).resolve()}


def measure(name: str) -> bool:
    """Run one benchmark and keep its section; false where it did not end or broke a promise."""
    path = scripts()[name]
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "section.md"
        options = ["--out", str(own)] if name in OWN_PAGE else []
        began = time.perf_counter()
        done = subprocess.run([sys.executable, str(path), *options], stdout=subprocess.PIPE, text=True, check=False)
        minutes = (time.perf_counter() - began) / 60
        paged = own.exists()
        said = own.read_text(encoding="utf-8") if paged else done.stdout
        # 1: a promise is broken, and the output says which.
        if done.returncode not in (0, 1) or not said.strip():
            print(f"{name}: stopped with exit code {done.returncode}; its section stays as it is", file=sys.stderr)
            return False
        for image in Path(folder).glob("images/*"):
            shutil.copy(image, PAGE.parent / "images" / image.name)
    RESULTS.mkdir(exist_ok=True)
    text = said if paged else f"# {_title(path)}\n\n{machine(path.name, minutes)}\n\n{_shown(said)}\n"
    (RESULTS / f"{name}.md").write_text(text.strip() + "\n", encoding="utf-8")
    if done.returncode:
        print(f"{name}: a promise is broken", file=sys.stderr)
    return done.returncode == 0


def page() -> str:
    """docs/performance.md from the sections that are kept; the same for the same sections."""
    kept = {name: RESULTS / f"{name}.md" for name in scripts()}
    missing = [name for name, path in kept.items() if not path.exists()]
    lines = [
        "# Performance",
        "",
        "Written by `make bench` from what the scripts in `benchmarks/` said when they last ran; each section names",
        "its day and machine. Numbers of different sections were not measured beside each other: compare within one.",
        "What is promised stands in [benchmarks](../benchmarks/README.md).",
        "",
    ]
    if missing:
        lines += [f"Not measured yet: {', '.join(f'`{name}.py`' for name in missing)}.", ""]
    sections = [_deeper(path.read_text(encoding="utf-8").strip()) for path in kept.values() if path.exists()]
    return "\n".join(lines) + "\n" + "\n\n".join(sections) + "\n"


def machine(script: str, minutes: float) -> str:
    """Where and when: one line."""
    known = []
    for name in PACKAGES:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    busy = (
        f", load {os.getloadavg()[0] / (os.cpu_count() or 1):.1f} a core at the end"
        if hasattr(os, "getloadavg")
        else ""
    )
    return (
        f"`python benchmarks/{script}` on {datetime.now(UTC):%Y-%m-%d}, {minutes:.1f} minutes{busy}. {_processor()}, "
        f"{os.cpu_count()} cores; Python {platform.python_version()}, {', '.join(known)}."
    )


def _processor() -> str:
    try:
        found = re.search(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _title(path: Path) -> str:
    first = path.read_text(encoding="utf-8").split('"""')[1].strip().splitlines()[0]
    return first.rstrip(".")


def _shown(said: str) -> str:
    """Markdown as it is, anything else as it was printed."""
    said = said.strip("\n")
    return said if re.search(r"^\|", said, flags=re.MULTILINE) else f"```text\n{said}\n```"


def _deeper(text: str) -> str:
    """Headings one level down, outside of code."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(p if p.startswith("```") else re.sub(r"^#", "##", p, flags=re.MULTILINE) for p in parts)


def main() -> int:
    """Measure what is named, everything where nothing is, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(scripts())}")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from what is kept")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(scripts()))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(scripts())}")
    good = True
    for name in [] if given.page else given.names or list(scripts()):
        print(f"{name} ...", file=sys.stderr, flush=True)
        good &= measure(name)
        PAGE.write_text(page(), encoding="utf-8")  # after each: a run that is stopped leaves a page that is true
    PAGE.write_text(page(), encoding="utf-8")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
