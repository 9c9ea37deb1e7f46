"""`gapkit table`: the table of a study, for a paper."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.comparison import Results
    from gapkit.report.table import Intervals

FORMATS = ("markdown", "latex", "csv")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `gapkit compare` or `gapkit merge` wrote.")]
Format = Annotated[str, typer.Option("--format", "-f", metavar="NAME", help="markdown, latex or csv.")]
Bridges = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Rows, in this order inside a block; `anchors`, `unpaired`, `paired`: all of a kind."
    ),
]
Metrics = Annotated[str | None, typer.Option(metavar="A,B", help="Columns in this order. Default: all of the study.")]
Best = Annotated[
    str, typer.Option(metavar="HOW", help="Mark best and second of unpaired and paired bridges `apart` or `together`.")
]
Shown = Annotated[
    str, typer.Option("--intervals", metavar="HOW", help="`ends`: low and high, `half`: ± half the width, or `none`.")
]
Label = Annotated[
    str | None, typer.Option(metavar="NAME", help="LaTeX: wrap it in a table with this label, and a caption.")
]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: stdout.")]


def table(
    run: Run,
    format_: Format = "markdown",
    bridges: Bridges = None,
    metrics: Metrics = None,
    best: Best = "apart",
    intervals: Shown = "ends",
    label: Label = None,
    out: Out = None,
) -> None:
    """Write the table of a study as Markdown, LaTeX or CSV.

    Best bold, second underlined by each metric's direction, ties alike; anchors and controls are shown and not marked.
    LaTeX needs the booktabs package. CSV holds every digit, in the units of the metrics.
    """
    from gapkit.atomic import write_text
    from gapkit.comparison import Results
    from gapkit.errors import InputError
    from gapkit.report.table import INTERVALS

    _one_of("--format", format_, FORMATS)
    _one_of("--best", best, ("apart", "together"))
    _one_of("--intervals", intervals, INTERVALS)
    if label is not None and format_ != "latex":
        raise InputError(f"--label: goes with --format latex, got --format {format_}")
    results = Results.read(run).select(options.names(bridges, "--bridges"), options.names(metrics, "--metrics"))
    text = _text(results, format_, apart=best == "apart", intervals=intervals, label=label)  # type: ignore[arg-type]
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out, text)


def _text(results: Results, format_: str, *, apart: bool, intervals: Intervals, label: str | None) -> str:
    from gapkit.report import to_csv, to_latex, to_markdown

    table = results.table(apart=apart)
    if format_ == "csv":
        return to_csv(table)
    if format_ == "latex":
        return to_latex(table, intervals=intervals, label=label)
    return to_markdown(table, intervals=intervals)


def _one_of(option: str, given: str, known: tuple[str, ...]) -> None:
    from gapkit.errors import InputError

    if given not in known:
        raise InputError(f"{option}: expected one of {', '.join(known)}, got {given!r}")
