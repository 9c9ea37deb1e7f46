"""Where the time of the default `gapkit compare` goes, function by function.

    python benchmarks/compare_profile.py [--seeds 1] [--bridges A,B] [--keep FILE] [--read FILE]

Own time of each function by the clock, writing to disk included: on a busy machine all of it is longer, and the shares
say more than the seconds. --keep leaves the profile in a file for `python -m pstats`, --read prints one that is there.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import io
import pstats
import re
import tempfile
from pathlib import Path

MOST = 20


def profile(seeds: int, bridges: str | None) -> cProfile.Profile:
    """Run the comparison on one thread, watched."""
    from gapkit.cli.main import run

    watch = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--seeds", str(seeds), "--threads", "1", "--out", folder, "--quiet"]
        options += ["--bridges", bridges] if bridges else []
        with contextlib.redirect_stdout(io.StringIO()):
            watch.runcall(run, ["compare", *options])
    return watch


def table(stats: pstats.Stats) -> list[str]:
    """The costliest functions, and what the steps of a comparison take with all that they call."""
    total = stats.total_tt  # type: ignore[attr-defined]
    entries = stats.stats  # type: ignore[attr-defined]
    rows = sorted(entries.items(), key=lambda entry: -entry[1][2])[:MOST]
    lines = ["| function | calls | own time, s | share |", "|:--|--:|--:|--:|"]
    lines += [f"| {_name(*place)} | {row[1]:,} | {row[2]:.0f} | {row[2] / total:.1%} |" for place, row in rows]
    steps = {
        "training, all of it": ("training/loop.py", "train"),
        "its saves": ("training/state.py", "write"),
        "its looks at held-out pairs": ("training/state.py", "look"),
        "measuring": ("measuring.py", "estimate_all"),
        "means over seeds": ("summary.py", "summarise"),
    }
    lines += ["", "| step | with all that it calls, s | share |", "|:--|--:|--:|"]
    for label, (file, function) in steps.items():
        spent = max(
            (row[3] for place, row in entries.items() if place[0].endswith(file) and place[2] == function), default=0
        )
        lines.append(f"| {label} | {spent:.0f} | {spent / total:.1%} |")
    return [f"Whole: {total:.0f} s.", "", *lines]


def _name(path: str, line: int, function: str) -> str:
    """Where a function stands, without the folders of this machine."""
    inside = re.search(r"(gapkit/(?:[\w/]+)\.py|[\w-]+/[\w-]+\.py)$", path.replace("\\", "/"))
    home = "" if path == "~" or inside is None else f"`{inside[1]}` "
    return f"{home}`{function.strip('<>').replace('|', '')}`"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--bridges", help="these instead of those of the default table")
    parser.add_argument("--keep", type=Path, help="leave the profile here")
    parser.add_argument("--read", type=Path, help="print this profile instead of making one")
    given = parser.parse_args()
    stats = pstats.Stats(str(given.read)) if given.read else pstats.Stats(profile(given.seeds, given.bridges))
    if given.keep:
        stats.dump_stats(given.keep)
    print("\n".join(table(stats)))


if __name__ == "__main__":
    main()
