"""Every measure beside its peer, the cost of whole sets, of files, and against n; writes docs/performance.md.

    python benchmarks/metrics.py [--quick] [--repeat 2] [--keep FILE] [--out docs/performance.md]

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
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from metric_peers import distances, scale, structure, uncertainty
from metric_peers.contest import Outcome, apart, run
from metric_peers.drawing import draw

PACKAGES = ("gapkit", "torch", "numpy", "scipy", "scikit-learn", "POT")


def results(quick: bool, repeat: int, keep: Path | None) -> dict[str, Any]:
    """Measure everything; what `keep` holds already is not measured again."""
    sizes = (250, 500, 1000) if quick else (250, 500, 1000, 2000, 4000)
    whole = (300, 600) if quick else (1000, 5000)
    found: dict[str, Any] = json.loads(keep.read_text()) if keep and keep.exists() else {}

    def once(key: str, make: Callable[[], Any]) -> None:
        if key not in found:
            found[key] = make()
            print(f"{key} is done", file=sys.stderr, flush=True)
            if keep:
                keep.write_text(json.dumps(found))

    def contests() -> list[dict[str, Any]]:
        parts = (distances, structure, uncertainty)
        return [asdict(run(contest, repeat)) for part in parts for contest in part.contests(quick)]

    def large() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            return scale.large(folder, 20_000 if quick else 1_000_000, 2000 if quick else 20_000)

    once("outcomes", contests)
    once("sets", lambda: [apart(scale.full_set, n, metrics) for n in whole for metrics in ("default", "all")])
    once("large", large)
    once("curves", lambda: [apart(scale.curve, n) for n in sizes])
    once("bound", lambda: [apart(scale.bound, whole[1], 64)])
    return found


def page(found: dict[str, Any], figures: dict[str, str]) -> str:
    """The whole of docs/performance.md."""
    large, exact, command = (found["large"][key] for key in ("features", "exact", "command"))
    off = abs(exact["value"] - exact["exact"])
    lines = [
        "# Performance of the measures",
        "",
        f"Written by `python benchmarks/metrics.py` on {datetime.now(UTC):%Y-%m-%d}. {_machine()}",
        "Times are CPU seconds of one thread; each side of a row ran in fresh processes in turns, the fastest run of",
        "each counts. Memory is the rise above what the data take. Rows have 512 dimensions.",
        "",
        "## Beside their peers",
        "",
        "| measure | n | beside | gapkit, s | peer, s | times as fast | promise | memory, MB (peer) | values apart |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(Outcome(**outcome)) for outcome in found["outcomes"]),
        "",
        "A star marks a peer of which a part was timed and scaled up. For neighbours the last column is the share of",
        "entries that differ: a product in float32 cannot order rows that are nearly level. The intervals of the",
        "centroid distance are not the same by design: gapkit takes the sampling noise off that a resampled norm has",
        "twice, scipy's are those of the plain resamples.",
        *([] if find_spec("alibi_detect") else ["alibi-detect is not installed here and was not measured."]),
        "",
        "## Whole sets",
        "",
        "`measure(source, target, metrics)` with 1,000 bootstrap draws, the reference included; peak of the process",
        "with its libraries.",
        "",
        "| metrics | pairs | CPU, s | clock, s | promise, s | peak, MB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {s['metrics']} ({s['count']}) | {s['n']:,} | {s['cpu']:.1f} | {s['wall']:.1f} "
            f"| {dict(zip((1000, 5000), (10, 60), strict=True)).get(s['n'], '–')} | {s['peak_mb']:,.0f} |"
            for s in found["sets"]
        ),
        "",
        *(
            f"With `max_memory` of {b['megabytes']} MB the full set at {b['n']:,} pairs raises the memory by "
            f"{b['rise_mb']:,.0f} MB, {b['undefined']} metrics say that they need more."
            for b in found["bound"]
        ),
        "",
        "## Large sets",
        "",
        f"Two memory-mapped files of {large['n']:,} rows.",
        "",
        "| what | CPU, s | clock, s | peak, MB |",
        "|---|---|---|---|",
        f"| MMD by 2,048 random features | {large['cpu']:.0f} | {large['wall']:.0f} | {large['peak_mb']:,.0f} |",
        f"| `gapkit metrics x.npy --target y.npy`, {len(scale.SCALING)} metrics | {command['cpu']:.0f} "
        f"| {command['wall']:.0f} | {command['peak_mb']:,.0f} |",
        "",
        f"Random features against the exact value at {exact['n']:,} pairs: {exact['value']:.6f} beside "
        f"{exact['exact']:.6f}, {off / exact['exact']:.1%} off, {off / exact['error']:.1f} of its standard errors "
        f"({exact['error']:.1e}).",
        "",
        f"The metrics: {', '.join(scale.SCALING)}.",
        "",
        "## Cost against n",
        "",
        "One row with 1,000 draws; what metrics share counts for the first that needs it. The most costly of each",
        "group.",
        "",
        *(f"![{group}: CPU seconds against the number of pairs, log-log]({path})" for group, path in figures.items()),
        "",
    ]
    return "\n".join(lines)


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
    options = parser.parse_args()
    found = results(options.quick, 1 if options.quick else options.repeat, options.keep)
    figures: dict[str, str] = {}
    if options.out:
        folder = options.out.parent / "images"
        folder.mkdir(parents=True, exist_ok=True)
        figures = {group: f"images/{name}" for group, name in draw(found["curves"], folder).items()}
        options.out.write_text(page(found, figures), encoding="utf-8")
    else:
        print(page(found, figures))


if __name__ == "__main__":
    main()
