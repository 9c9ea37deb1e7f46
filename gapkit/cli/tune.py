"""`gapkit tune`: search a bridge's own parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.tuning import TuningResult

Trials = Annotated[int, typer.Option(metavar="N", help="Settings to try, the defaults included.")]
Seeds = Annotated[int, typer.Option(metavar="N", help="Seeds of a stochastic bridge at each setting.")]
Keep = Annotated[float, typer.Option(metavar="SHARE", help="Least share of R@10 that the chosen setting keeps.")]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Training steps of every trial; then not searched.")]
SpaceFile = Annotated[
    Path | None, typer.Option("--space", metavar="TOML", help="Ranges in place of those that the bridge declares.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Folder of the search. Default: gapkit-tune/BRIDGE."),
]


GAP = 3
"""Blanks between two columns of numbers; rich adds one to the padding."""


def tune(
    bridge: Annotated[str, typer.Argument(help="Name of the bridge: see `gapkit list bridges`.")],
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    trials: Trials = 40,
    seeds: Seeds = 1,
    keep: Keep = 0.95,
    seed: options.Seed = 0,
    steps: Steps = None,
    space: SpaceFile = None,
    fit_split: options.FitSplit = None,
    validation_split: options.ValidationSplit = None,
    device: options.Device = None,
    threads: options.Threads = 1,
    out: Out = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Search a bridge's parameters on the validation split: what closes the gap, and what it costs.

    Fits every setting on the train split and scores it on the validation split; the test split is never looked at.
    Prints the settings that no other beats, and writes the chosen one to DIR/tuned.toml, for `gapkit compare --config`
    and `gapkit fit --config`. Stopped and started again it goes on where it was.
    """
    from gapkit.bridges.registry import BRIDGES
    from gapkit.cli.progress import reporting, say
    from gapkit.machine import limit_threads
    from gapkit.tuning import read_space, tune_bridge

    ranges = read_space(space) if space else None
    bridge = BRIDGES.name_of(bridge)
    out = out or Path("gapkit-tune") / bridge
    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    with reporting(quiet=quiet) as progress:
        result = tune_bridge(
            data,
            bridge,
            trials=trials,
            seeds=seeds,
            keep=keep,
            seed=seed,
            steps=steps,
            space=ranges,
            device=device or "auto",
            **options.given_splits(fit_split, validation_split),
            out=out,
            progress=progress,
        )
    print_search(result, as_json=as_json)
    if not quiet:
        say(f"written to {out}; to see it on the test split: gapkit compare ... --config {out / 'tuned.toml'}")


def print_search(result: TuningResult, *, as_json: bool) -> None:
    """The frontier for a person, or everything as JSON for a program."""
    import shutil
    import sys

    if as_json:
        sys.stdout.write(result.to_json())
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    layout = result.layout
    # A pipe has no width; 100 columns show all numbers, fewer show them in several tables.
    width = shutil.get_terminal_size((100, 24)).columns
    columns = list(zip(map(broken, layout.heads), *layout.rows, strict=True))[:-1]
    panels = columns_that_fit(columns, width)
    tables = [Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0)) for _ in panels]
    for numbers, places in zip(tables, panels, strict=True):
        numbers.add_column(layout.heads[0], no_wrap=True, vertical="bottom")
        for place in places:
            numbers.add_column(broken(layout.heads[place]), justify="right", no_wrap=True)
    settings = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    settings.add_column(layout.heads[0], no_wrap=True)
    settings.add_column(layout.heads[-1], overflow="fold")
    for row in layout.rows:
        name, changes = row[0], row[-1]
        chosen = name.startswith(f"{result.best.number} ")
        style = "bold" if chosen else "dim" if not name[0].isdigit() else ""
        for numbers, places in zip(tables, panels, strict=True):
            numbers.add_row(name, *(row[place] for place in places), style=style)
        if changes:
            settings.add_row(name, changes, style=style)
    console = Console(width=width, highlight=False, markup=False)
    console.print(Text(layout.title, style="bold"))
    for place, numbers in enumerate(tables):
        if place:
            console.print()
        console.print(numbers)
    if settings.row_count:
        console.print()
        console.print(settings)
    for note in layout.notes:
        console.print()
        console.print(Text(note, style="dim"))


def columns_that_fit(columns: Sequence[Sequence[str]], width: int) -> list[list[int]]:
    """Places of the columns of each table, so that none is wider than `width`; the first stands in each."""
    first, *wide = (max(len(line) for cell in column for line in cell.split("\n")) for column in columns)
    panels: list[list[int]] = [[]]
    room = width - first
    for place, need in enumerate(wide, start=1):
        if panels[-1] and room < GAP + need:
            panels.append([])
            room = width - first
        panels[-1].append(place)
        room -= GAP + need
    return panels


def broken(head: str) -> str:
    """A heading in two lines of about the same length."""
    blanks = [place for place, letter in enumerate(head) if letter == " "]
    if len(head) <= 9 or not blanks:
        return head
    cut = min(blanks, key=lambda place: abs(2 * place + 1 - len(head)))
    return f"{head[:cut]}\n{head[cut + 1 :]}"
