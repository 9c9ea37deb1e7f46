"""Every measure beside its peer, the cost of whole sets, of files, and against n, as a page.

    python benchmarks/metrics.py [--quick] [--repeat 2] [--keep FILE] [--out FILE]

Each side of a contest runs in a fresh process on one thread, in turns, so that a busy machine is busy for both; the
fastest of each counts. Times are CPU seconds: shared machines are noisy, ratios within one run are not.

alibi-detect is measured where it can be imported (its licence is not open source, and gapkit does not depend on it):

    pip install --no-deps --target FOLDER alibi-detect dill toml catalogue
    PYTHONPATH=FOLDER python benchmarks/metrics.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from metric_peers import distances, scale, structure, uncertainty
from metric_peers.contest import Outcome, apart, run
from metric_peers.drawing import draw

PARTS = ("outcomes", "sets", "large", "curves", "bound", "sharing")
PACKAGES = ("gapkit", "torch", "numpy", "scipy", "scikit-learn", "POT")


def results(quick: bool, repeat: int, keep: Path | None, parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """Measure these parts; what `keep` holds already is not measured again."""
    sizes = (250, 500, 1000) if quick else (250, 500, 1000, 2000, 4000)
    whole = (300, 600) if quick else (1000, 5000)
    found: dict[str, Any] = json.loads(keep.read_text()) if keep and keep.exists() else {}

    def once(key: str, make: Callable[[], Any]) -> None:
        if key in parts and key not in found:
            found[key] = make()
            print(f"{key} is done", file=sys.stderr, flush=True)
            if keep:
                keep.write_text(json.dumps(found))

    def contests() -> list[dict[str, Any]]:
        peers = (distances, structure, uncertainty)
        return [asdict(run(contest, repeat)) for part in peers for contest in part.contests(quick)]

    def large() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            return scale.large(folder, 20_000 if quick else 1_000_000, 2000 if quick else 20_000)

    once("outcomes", contests)
    once("sets", lambda: [apart(scale.full_set, n, metrics) for n in whole for metrics in ("default", "all")])
    once("large", large)
    once("curves", lambda: [apart(scale.curve, n) for n in sizes])
    once("bound", lambda: [apart(scale.bound, whole[1], 64)])
    once("sharing", lambda: apart(scale.sharing, whole[0], 4))
    return found


def page(found: dict[str, Any], figures: dict[str, str]) -> str:
    """The whole page; parts that were not measured are left out."""
    lines = [
        "# Performance of the measures",
        "",
        f"Written by `python benchmarks/metrics.py` on {datetime.now(UTC):%Y-%m-%d}. {_machine()}",
        "Times are CPU seconds of one thread; each side of a row ran in fresh processes in turns, the fastest run of",
        "each counts. Memory is the rise above what the data take. Rows have 512 dimensions.",
        "",
    ]
    for part, write in (
        ("outcomes", _peers),
        ("sets", _sets),
        ("bound", _bounds),
        ("sharing", _sharing),
        ("large", _large),
    ):
        if part in found:
            lines += [*write(found[part]), ""]
    if figures:
        lines += [
            "## Cost against n",
            "",
            "One row with 1,000 draws; what metrics share counts for the first that needs it. The most costly of each",
            "group.",
            "",
            *(f"![{group}: CPU seconds against pairs, log-log]({path})" for group, path in figures.items()),
            "",
        ]
    return "\n".join(lines)


def _peers(outcomes: list[dict[str, Any]]) -> list[str]:
    return [
        "## Beside their peers",
        "",
        "| measure | n | beside | gapkit, s | peer, s | times as fast | promise | memory, MB (peer) | values apart |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(Outcome(**outcome)) for outcome in outcomes),
        "",
        "A star marks a peer of which a part was timed and scaled up. For neighbours the last column is the share of",
        "entries that differ: a product in float32 cannot order rows that are nearly level. The intervals of the",
        "centroid distance differ by design: gapkit takes off the sampling noise that a resampled norm has twice.",
        *_short_of_promise([Outcome(**outcome) for outcome in outcomes]),
        *([] if any("alibi" in o["peer"] for o in outcomes) else ["alibi-detect was not installed and not measured."]),
    ]


def _short_of_promise(outcomes: list[Outcome]) -> list[str]:
    missed = [f"{o.what} at {o.n:,} ({o.ratio:.1f} of {o.promise:g})" for o in outcomes if o.ratio < o.promise]
    return [f"Short of the promise: {'; '.join(missed)}."] if missed else []


def _sets(sets: list[dict[str, Any]]) -> list[str]:
    promises = {("default", 1000): "10", ("default", 5000): "60"}
    return [
        "## Whole sets",
        "",
        "`measure(source, target, metrics)` with 1,000 bootstrap draws, the reference included; peak of the process",
        "with its libraries. The promise is one of the default set.",
        "",
        "| metrics | pairs | CPU, s | clock, s | promise, s | peak, MB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {s['metrics']} ({s['count']}) | {s['n']:,} | {s['cpu']:.1f} | {s['wall']:.1f} "
            f"| {promises.get((s['metrics'], s['n']), '–')} | {s['peak_mb']:,.0f} |"
            for s in sets
        ),
    ]


def _bounds(bounds: list[dict[str, Any]]) -> list[str]:
    return [
        f"With `max_memory` of {b['megabytes']} MB all metrics at {b['n']:,} pairs raise the memory by "
        f"{b['rise_mb']:,.0f} MB; metrics that say that they need more: {b['undefined']}."
        for b in bounds
    ]


def _sharing(s: dict[str, Any]) -> list[str]:
    return [
        f"A table of {s['rows']} bridges by {s['count']} metrics at {s['n']:,} pairs, as `gapkit compare` measures it: "
        f"{s['shared']:.1f} s; each cell by itself, with nothing shared: {s['alone']:.1f} s, "
        f"{s['alone'] / s['shared']:.1f} times as long. Values apart: {s['difference']:.0e}."
    ]


def _large(large: dict[str, Any]) -> list[str]:
    lines = [
        "## Large sets",
        "",
        "Memory-mapped files; peak of the process with its libraries.",
        "",
        "| what | pairs | CPU, s | clock, s | promise, s | peak, MB | promise, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, what, seconds, megabytes in (
        ("features", "MMD by 2,048 random features", "120", "1,500"),
        ("command", "`gapkit metrics x.npy --target y.npy`", "–", "2,000"),
    ):
        if key in large:
            f = large[key]
            lines.append(
                f"| {what} | {f['n']:,} | {f['cpu']:.0f} | {f['wall']:.0f} | {seconds} | {f['peak_mb']:,.0f} "
                f"| {megabytes} |"
            )
    if "command" in large:
        lines += ["", f"The metrics of the command: {', '.join(large['command']['metrics'])}."]
    if "exact" in large:
        e = large["exact"]
        off = abs(e["value"] - e["exact"])
        lines += [
            "",
            f"Random features against the exact value at {e['n']:,} pairs: {e['value']:.6f} beside {e['exact']:.6f},",
            f"{off / e['exact'] * 100:.1f} % off, {off / e['error']:.1f} of its standard errors ({e['error']:.1e}).",
        ]
    return lines


def _row(o: Outcome) -> str:
    promise = f"{o.promise:g}" if o.promise else "–"
    return (
        f"| {o.what} | {o.n:,} | {o.peer}{' *' if o.scaled else ''} | {o.ours:.3f} | {o.theirs:.3f} | {o.ratio:.1f} "
        f"| {promise} | {o.ours_mb:,.0f} ({o.theirs_mb:,.0f}) | {o.difference:.0e} |"
    )


def _machine() -> str:
    known = []
    for name in (*PACKAGES, "alibi-detect"):
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, 1 thread used; Python {platform.python_version()}, "
        f"{', '.join(known)}."
    )


def main() -> None:
    """Measure, print the page, and write it with its figures where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, once")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the page here, its figures into images/ beside it")
    parser.add_argument("--keep", type=Path, help="parts of a run that was stopped, in this file")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    found = results(options.quick, 1 if options.quick else options.repeat, options.keep, options.parts)
    figures: dict[str, str] = {}
    if options.out:
        folder = options.out.parent / "images"
        folder.mkdir(parents=True, exist_ok=True)
        drawn = draw(found["curves"], folder) if "curves" in found else {}
        figures = {group: f"images/{name}" for group, name in drawn.items()}
        options.out.write_text(page(found, figures), encoding="utf-8")
    else:
        print(page(found, figures))


if __name__ == "__main__":
    main()
