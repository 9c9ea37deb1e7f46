"""`gapkit diff`: two studies of the same items against each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

First = Annotated[Path, typer.Argument(metavar="STUDY_A", help="Folder that `gapkit compare` wrote.")]
Second = Annotated[Path, typer.Argument(metavar="STUDY_B", help="Another one, of the same items.")]
PairsA = Annotated[
    str | None, typer.Option("--pairs-a", metavar="FILE", help="The data of STUDY_A, where they lie elsewhere by now.")
]
PairsB = Annotated[str | None, typer.Option("--pairs-b", metavar="FILE", help="Those of STUDY_B.")]


def diff(
    first: First,
    second: Second,
    pairs_a: PairsA = None,
    pairs_b: PairsB = None,
    metrics: options.Metrics = None,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Hold two studies of the same items against each other: B minus A of each bridge and metric, tested in pairs.

    Items are joined by id; p is adjusted by Holm for all rows shown. Studies of other items are refused.
    """
    from gapkit.cli.printing import print_rows, records_of
    from gapkit.cli.progress import say
    from gapkit.comparison import diff_runs
    from gapkit.machine import limit_threads

    limit_threads(threads)
    data = [None if given is None else options.open_other(given) for given in (pairs_a, pairs_b)]
    found = diff_runs(first, second, pairs=(data[0], data[1]), metrics=options.names(metrics, "--metrics"))
    if as_json:
        content = {"items": found.items, "joined": found.joined, "rows": records_of(found.frame)}
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return
    shown = found.frame.drop(columns=["p", "effect"])
    numbers = ["first", "second", "difference", "low", "high", "p_holm"]
    rows = records_of(shown)
    for row in rows:
        row.update({key: "" if row[key] is None else f"{row[key]:.4g}" for key in numbers})
    print_rows(rows, as_json=False)
    if not quiet:
        say(f"{found.items:,} items, joined by {found.joined}; better and worse are those of {second}")
