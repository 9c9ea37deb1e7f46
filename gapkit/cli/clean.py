"""`gapkit clean`: make the folder of a study smaller."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

Study = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY", help="Folder that `gapkit compare`, `gapkit tune` or `gapkit caption study` wrote."
    ),
]
Fits = Annotated[
    str | None,
    typer.Option(metavar="seeds|all", help="Fitted bridges of a comparison too: of all seeds but the first, or all."),
]
Unfinished = Annotated[
    bool, typer.Option("--unfinished", help="Checkpoints, fits and captions of unfinished work too: it begins again.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List every file that would go, and remove nothing.")]


def clean(
    study: Study,
    *,
    fits: Fits = None,
    unfinished: Unfinished = False,
    dry_run: DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove what a study can make again, and say what and how much; tables, results and cells stay.

    Without options it removes half files of killed runs, checkpoints of finished fits, arrays that no bridge holds any
    more, and captions that stand in a cell too.
    """
    from gapkit.cli.progress import say
    from gapkit.study.cleaning import clean_study

    done = clean_study(study, fits=fits, unfinished=unfinished, dry_run=dry_run)  # type: ignore[arg-type]
    if as_json:
        content = {
            "dry_run": dry_run,
            "removed": [
                {"file": str(file.path.relative_to(done.folder)), "bytes": file.n_bytes, "what": file.what}
                for file in done.removed
            ],
            "removed_bytes": done.removed_bytes,
            "left_bytes": done.left_bytes,
        }
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    elif dry_run:
        for file in done.removed:
            sys.stdout.write(f"{file.n_bytes / 1e6:8.2f} MB  {file.path.relative_to(done.folder)}  ({file.what})\n")
    else:
        for what in dict.fromkeys(file.what for file in done.removed):
            sizes = [file.n_bytes for file in done.removed if file.what == what]
            sys.stdout.write(f"{sum(sizes) / 1e6:8.2f} MB  {what} ({len(sizes)} files)\n")
    if quiet:
        return
    count = f"{len(done.removed)} file{'s' if len(done.removed) != 1 else ''}, {done.removed_bytes / 1e6:.1f} MB"
    said = f"{'would remove' if dry_run else 'removed'} {count}" if done.removed else "nothing to remove"
    say(f"{study}: {said}; {done.left_bytes / 1e6:.1f} MB {'would stay' if dry_run and done.removed else 'stay'}")
    for note in done.notes:
        say(note)
