"""`gapkit inspect`: what these embeddings are, and what is wrong with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from gapkit.checks import Findings, Side
    from gapkit.embeddings import PairedEmbeddings


def inspect(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    threads: options.Threads = 1,
    as_json: options.Json = False,
) -> None:
    """Say what these embeddings are, and what is wrong with them."""
    from gapkit.machine import limit_threads

    limit_threads(threads)
    code = run_inspect(
        options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=as_json),
        as_json=as_json,
    )
    if code:
        raise typer.Exit(code)


def run_inspect(pairs: PairedEmbeddings, *, as_json: bool) -> int:
    """Print what `pairs` are and what is wrong with them to stdout.

    Parameters
    ----------
    pairs : PairedEmbeddings
    as_json : bool
        Print one JSON object instead of tables.

    Returns
    -------
    int
        Exit code: 2 where something must be mended before a comparison, otherwise 0.
    """
    from gapkit.checks import inspect_pairs

    findings = inspect_pairs(pairs)
    if as_json:
        sys.stdout.write(json.dumps(findings.as_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        _show(findings)
    return 2 if findings.errors else 0


def _show(findings: Findings) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.text import Text

    console = Console()
    splits = ", ".join(f"{name} {count:,}" for name, count in findings.splits.items()) or "none"
    console.print(f"[bold]{escape(findings.name)}[/]: {findings.clips:,} clips, {findings.targets:,} target rows")
    console.print(f"splits: {escape(splits)}\n", highlight=False, soft_wrap=True)
    console.print(_sides(findings))
    if findings.sampled:
        console.print(f"effective rank from {findings.sampled:,} rows a side", style="dim", highlight=False)
    console.print()
    console.print(_gap(findings))
    console.print()
    for problem in findings.problems:
        style = "bold red" if problem.severity == "error" else "yellow"
        console.print(Text.assemble((f"{problem.severity}: ", style), problem.message), highlight=False, soft_wrap=True)
    if not findings.problems:
        console.print("nothing wrong found", style="green")


def _sides(findings: Findings) -> Table:
    from rich.table import Table

    table = Table("", "source", "target", title="embeddings", title_justify="left", box=None, pad_edge=False)
    sides = (findings.source, findings.target)
    cells: dict[str, Callable[[Side], str]] = {
        "rows x dimensions": lambda s: f"{s.rows:,} x {s.dim:,}",
        "dtype of the file": lambda s: s.dtype or "from memory",
        "length of rows, mean": lambda s: f"{s.norm_mean:.4g}" + (" (unit)" if s.unit else ""),
        "length of rows, from to": lambda s: f"{s.norm_min:.4g} to {s.norm_max:.4g}",
        "mean cosine between rows": lambda s: f"{s.mean_cosine:.3f}",
        "effective rank": lambda s: f"{s.effective_rank:.1f}",
        "repeated rows": lambda s: f"{s.duplicates:,}",
        "NaN or infinite rows": lambda s: f"{s.non_finite:,}",
        "zero rows": lambda s: f"{s.zero:,}",
        "constant dimensions": lambda s: f"{s.constant:,}",
    }
    for label, cell in cells.items():
        table.add_row(label, *(cell(side) for side in sides))
    return table


def _gap(findings: Findings) -> Table:
    from rich.table import Table

    table = Table("", "", title="gap as it is", title_justify="left", box=None, pad_edge=False, show_header=False)
    gap = findings.gap
    for label, value in (
        ("centroid distance", gap and gap.centroid_distance),
        ("paired cosine", gap and gap.paired_cosine),
        ("unpaired cosine", gap and gap.unpaired_cosine),
    ):
        table.add_row(label, "undefined" if value is None else f"{value:.3f}")
    if findings.pairing is not None:
        table.add_row("p that rows are unrelated", f"{findings.pairing.p:.3f}")
    return table
