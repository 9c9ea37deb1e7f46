"""`gapkit verify`: whether a finished study can be believed."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `gapkit compare` wrote.")]
Pairs = Annotated[str | None, typer.Argument(metavar="[PAIRS]", help="Its data; left out: where the study found them.")]
Cells = Annotated[int, typer.Option(metavar="N", min=0, help="Cells that are computed again.")]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of the draw of these cells.")]
Tolerance = Annotated[
    float, typer.Option(metavar="SHARE", min=0.0, help="Largest difference that is none; 0: every digit counts.")
]


def verify(
    run: Run,
    pairs: Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    cells: Cells = 3,
    seed: Seed = 0,
    tolerance: Tolerance = 1e-3,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Hash the inputs of a study again, hold its files together, and compute some of its cells anew.

    Prints what agrees and how far; exit code 1 where something differs. Nothing in the folder is changed.
    """
    from gapkit.cli.progress import reporting
    from gapkit.comparison import verify_run
    from gapkit.machine import limit_threads

    limit_threads(threads)
    data = None
    if pairs or target or owner or captions or groups:
        data = options.open_pairs(pairs, target, owner, captions, None, join=join, groups=groups, quiet=quiet)
    with reporting(quiet=quiet) as progress:
        found = verify_run(run, data, cells=cells, seed=seed, tolerance=tolerance, progress=progress)
    if as_json:
        sys.stdout.write(json.dumps({"agrees": found.agrees, **dataclasses.asdict(found)}, indent=2) + "\n")
    else:
        width = max(len(check.what) for check in found.checks)
        for check in found.checks:
            sys.stdout.write(f"{check.what:{width}}  {'' if check.agrees else 'DIFFERS: '}{check.said}\n")
        for note in found.notes:
            sys.stdout.write(f"note: {note}\n")
    if not found.agrees:
        raise typer.Exit(1)
