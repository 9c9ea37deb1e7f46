"""`gapkit merge`: several studies, one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that `gapkit compare` or this wrote.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="New folder for all of them.")]
Label = Annotated[
    bool, typer.Option("--label", help="Call a bridge that has other parameters in a later run NAME [FOLDER].")
]
Format = Annotated[str, typer.Option("--format", metavar="A,B", help="Files to write: csv, json, md, tex.")]


def merge(
    runs: Runs,
    out: Out,
    label: Label = False,
    format_: Format = "csv,json,md,tex",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Merge several studies of one test into one table.

    Runs of other data, another split, other preparation or resamples, another version, or with one name for bridges of
    other parameters are refused, with the reason. Nothing is measured again and nothing is lost.
    """
    from gapkit.cli.printing import print_results
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import merge_runs
    from gapkit.comparison.writing import check_formats

    formats = check_formats(options.names(format_) or ())
    with reporting(quiet=quiet) as progress:
        results = merge_runs(runs, out, label=label, formats=formats, progress=progress)
    print_results(results, as_json=as_json)
    if not quiet:
        say(f"{len(runs)} runs merged, written to {out}")
