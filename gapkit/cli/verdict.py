"""`gapkit verdict`: what a study says, printed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

Study = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Folder that `gapkit compare` or `gapkit merge` wrote, finished or not.")
]


def verdict(study: Study, aim: options.Aim = "closure", as_json: options.Json = False) -> None:
    """Say what a study found: is there a gap, does a bridge help and for what, which one to take, what not to believe.

    Nothing is computed but the paired tests of the rows. `gapkit compare` prints the same above its table.
    """
    from gapkit.captioning.helping import caption_lines
    from gapkit.cli.printing import print_verdict
    from gapkit.comparison import Results

    verdict = Results.read(study).verdict(options.checked_aim(aim))
    print_verdict(verdict.with_lines(caption_lines(study)), as_json=as_json)
