"""`gapkit table`: the table of a study, for a paper."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.report.table import Intervals, Table

FORMATS = ("markdown", "latex", "csv")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `gapkit compare` or `gapkit merge` wrote.")]
Format = Annotated[str, typer.Option("--format", "-f", metavar="NAME", help="markdown, latex or csv.")]
Bridges = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Rows, in this order inside a block; `anchors`, `unpaired`, `paired`: all of a kind."
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option("--metrics", "--columns", metavar="A,B", help="Columns in this order. Default: all of the study."),
]
Best = Annotated[
    str, typer.Option(metavar="HOW", help="Mark the best of unpaired and paired bridges `apart` or `together`.")
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

    Bold is every row that cannot be told from the best of its column; anchors and controls are shown and not marked.
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
    rows, columns = options.names(bridges, "--bridges"), options.names(metrics, "--metrics")
    laid_out = Results.read(run).table(apart=best == "apart", bridges=rows, columns=columns)
    text = _text(laid_out, format_, intervals=intervals, label=label)  # type: ignore[arg-type]
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out, text)


def _text(table: Table, format_: str, *, intervals: Intervals, label: str | None) -> str:
    from gapkit.report import to_csv, to_latex, to_markdown

    if format_ == "csv":
        return to_csv(table)
    if format_ == "latex":
        return to_latex(table, intervals=intervals, label=label)
    return to_markdown(table, intervals=intervals)


def _one_of(option: str, given: str, known: tuple[str, ...]) -> None:
    from gapkit.errors import InputError

    if given not in known:
        raise InputError(f"{option}: expected one of {', '.join(known)}, got {given!r}")
