"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gapkit.embeddings import PairedEmbeddings

Pairs = Annotated[
    str | None,
    typer.Argument(metavar="[PAIRS]", help="File or folder with both sides; left out: the bundled data."),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Target embeddings, where they lie in a file of their own; of pairs, their target."
    ),
]
Owner = Annotated[str | None, typer.Option(metavar="FILE", help="Source row, or id, of each target row.")]
Captions = Annotated[
    str | None, typer.Option(metavar="FILE", help="Text of each target row; may hold ids, splits and labels too.")
]
Groups = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|NAME",
        help="Origin of each item (recording, product, speaker): a table by id, or the name of a column of PAIRS.",
    ),
]
Join = Annotated[
    str, typer.Option(metavar="all|inner", help="Items: all, which both sides must have, or those that both have.")
]
Dataset = Annotated[
    str | None, typer.Option(metavar="NAME", help="Bundled data instead of a file: see `gapkit list datasets`.")
]
HeldOut = Annotated[bool, typer.Option("--held-out", help="Only the items that the bridge was not fitted on.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors; no progress, no notes.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of everything random.")]
Threads = Annotated[int, typer.Option(metavar="N", min=1, help="Processor threads.")]
Metrics = Annotated[
    str | None, typer.Option(metavar="A,B", help="Metrics; left out: the default table; `all`: every one.")
]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Training steps of every bridge that trains.")]
Epochs = Annotated[int | None, typer.Option(metavar="N", help="The same in passes over the fitted pairs.")]
Split = Annotated[
    str | None, typer.Option(metavar="NAME", help="Items of this split, or `all`. Left out: test where there is one.")
]
FitSplit = Annotated[str | None, typer.Option(metavar="NAME", help="Split to fit on. Default: train.")]
ValidationSplit = Annotated[
    str | None, typer.Option(metavar="NAME", help="Split to stop training by and to choose on. Default: val.")
]
TestSplit = Annotated[str | None, typer.Option(metavar="NAME", help="Split to measure on. Default: test.")]
TestSet = Annotated[
    str | None,
    typer.Option(
        "--test", metavar="OTHER", help="Measure on this set: file, folder or dataset:NAME. PAIRS only fit then."
    ),
]
Device = Annotated[str | None, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]

Aim = Annotated[
    str,
    typer.Option("--for", metavar="AIM", help="What a bridge is wanted for: closure, retrieval, pool or classes."),
]
Columns = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Columns to print, or `all` with their intervals. Left out: those that fit."),
]

DEFAULT_DATASET = "soundscapes"
DATASET = "dataset:"
"""Opens the name of a bundled set where a file could stand too."""


def open_pairs(
    pairs: str | None,
    target: str | None,
    owner: str | None,
    captions: str | None,
    dataset: str | None,
    *,
    join: str = "all",
    groups: str | None = None,
    quiet: bool = False,
) -> PairedEmbeddings:
    """The pairs that the options name; the bundled data where they name none.

    Where they come from more than one file, a line on stderr says how they were joined, unless `quiet`.

    Raises
    ------
    InputError
        Options that contradict each other, and all that `load_pairs` refuses.
    """
    from gapkit.errors import InputError

    if pairs is None:
        if target or owner or captions or groups:
            raise InputError("--target, --owner, --captions and --groups go with a file; give PAIRS too")
        from gapkit.datasets import load_dataset

        return load_dataset(dataset or DEFAULT_DATASET)
    if dataset is not None:
        raise InputError(f"expected PAIRS or --dataset, got both ({pairs} and {dataset}); leave one out")
    from gapkit.files import load_pairs

    opened = load_pairs(pairs, target=target, owner=owner, captions=captions, join=join, groups=groups)  # type: ignore[arg-type]
    if not quiet and (target or owner or captions or groups or Path(pairs).is_dir()):
        from gapkit.cli.progress import say

        splits = ", ".join(f"{count:,} {split}" for split, count in opened.splits.items())
        grouped = f" in {opened.origins.count}" if opened.origins is not None else ""
        say(
            f"{len(opened):,} items{grouped}, {opened.n_targets:,} targets, {opened.meta['joined']}; "
            f"{f'splits {splits}' if splits else 'no splits'}"
        )
    return opened


def open_other(other: str | None) -> PairedEmbeddings | None:
    """The set that `TestSet` names.

    Raises
    ------
    InputError
        All that `load_pairs` refuses, and an unknown dataset.
    """
    if other is None:
        return None
    if other.startswith(DATASET):
        from gapkit.datasets import load_dataset

        return load_dataset(other.removeprefix(DATASET))
    from gapkit.files import load_pairs

    return load_pairs(other)


def given_splits(fit: str | None, validation: str | None, test: str | None = None) -> dict[str, str]:
    """The splits that were named, by the fields of a configuration."""
    named = {"fit_split": fit, "validation_split": validation, "test_split": test}
    return {key: name for key, name in named.items() if name is not None}


def checked_aim(aim: str) -> str:
    """The aim, if it is one.

    Raises
    ------
    InputError
    """
    from gapkit.errors import InputError
    from gapkit.verdict import AIMS

    if aim not in AIMS:
        raise InputError(f"--for: expected one of {', '.join(AIMS)}, got {aim!r}")
    return aim


def names(text: str | None, option: str = "") -> tuple[str, ...] | None:
    """The names of a list with commas; None where the option was not given.

    Raises
    ------
    InputError
        No name for an `option` that takes some: a variable of a script that is empty asks for no default.
    """
    if text is None:
        return None
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if option and not found:
        from gapkit.errors import InputError

        raise InputError(f"{option}: expected names with commas between them, got {text!r}; or leave the option out")
    return tuple(dict.fromkeys(_as_registered(name, option) for name in found))


def _as_registered(name: str, option: str) -> str:
    """The name that a bridge or metric is registered under; others as they are, for their command to judge."""
    if option not in ("--metrics", "--columns", "--bridges", "--supervised-bridges"):
        return name
    from gapkit.bridges.registry import BRIDGES
    from gapkit.metrics.registry import METRICS
    from gapkit.registry import meant

    return meant(name, (METRICS if option in ("--metrics", "--columns") else BRIDGES).labels()) or name


def refuse_foreign_folder(folder: Path, *marks: str) -> None:
    """Refuse a folder that holds other things than those that are to be written there.

    Raises
    ------
    InputError
    """
    from gapkit.errors import InputError

    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, got a file; give another name")
    # What begins with a dot is a lock, or a half file of a run that was killed.
    others = folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir())
    if others and not any((folder / mark).exists() for mark in marks):
        raise InputError(f"{folder}: expected a new or empty folder, got one with other files; give another name")
