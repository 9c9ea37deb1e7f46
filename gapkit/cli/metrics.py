"""`gapkit metrics`: the gap as it is."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from gapkit.cli import options

Unpaired = Annotated[
    bool, typer.Option("--unpaired", help="Two sets that are not pairs, of any sizes: FAD is frechet, KAD is mmd.")
]
AsTheyAre = Annotated[bool, typer.Option("--no-normalise", help="Measure rows as they are, of any length.")]


def metrics(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    metrics: options.Metrics = None,
    split: options.Split = None,
    held_out: options.HeldOut = False,
    unpaired: Unpaired = False,
    no_normalise: AsTheyAre = False,
    resamples: Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples.")] = 1000,
    seed: options.Seed = 0,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the gap as it is, without any bridge; rows are scaled to length one unless told otherwise."""
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import measure_gap, measure_pairs
    from gapkit.errors import InputError
    from gapkit.machine import limit_threads

    limit_threads(threads)
    sets = None
    if unpaired:
        foreign = {"--owner": owner, "--captions": captions, "--split": split, "--groups": groups}
        sets = _two_sets(pairs, target, foreign)
    data: tuple[Any, ...] = () if sets is None else sets[:2]
    if sets is None:
        found_pairs = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
        data = (found_pairs.held_out() if held_out else found_pairs,)
    elif held_out:
        raise InputError("--held-out: two files that are not pairs tell of no fitted items; leave it out")
    chosen = options.names(metrics, "--metrics") or ()
    with reporting(quiet=quiet, patience=1.0) as progress:
        asked: dict[str, Any] = {
            "metrics": chosen,
            "split": split,
            "paired": not unpaired,
            "normalise": not no_normalise,
            "n_resamples": resamples,
            "seed": seed,
            "progress": progress,
            **({} if sets is None else sets[2]),
        }
        if as_json:
            results = measure_gap(*data, **asked)
            text, failed = results.to_json(), results.failures
        else:
            found = measure_pairs(*data, **asked)
            text, failed = f"{found}\n", [f"metric {name}: {said}" for name, said in found.failed.items()]
    sys.stdout.write(text)
    for line in failed:
        say(f"failed: {line}")
    if failed:
        raise typer.Exit(1)


def _two_sets(pairs: str | None, target: str | None, given: dict[str, str | None]) -> tuple[Any, Any, Any] | None:
    """Both of two unrelated sets in files of their own, and their groups; None where one holds both sides."""
    if pairs is None or target is None:
        return None
    from gapkit.errors import InputError
    from gapkit.files import load_side

    foreign = [option for option, value in given.items() if value is not None]
    if foreign:
        raise InputError(f"--unpaired: two files that are not pairs have no {foreign[0]}; leave it out")
    source, other = load_side(pairs, side="source"), load_side(target, side="target")
    origins = other.items.get("groups")
    if origins is not None and other.owner is not None:
        origins = origins[other.owner]
    return source.rows, other.rows, {"groups": origins, "source_groups": source.items.get("groups")}
