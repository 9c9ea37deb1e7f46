"""`gapkit metrics`: the gap as it is."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from gapkit.cli import options

Split = Annotated[
    str | None, typer.Option(metavar="NAME", help="Clips of this split, or `all`. Left out: test where there is one.")
]


def metrics(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    captions: options.Captions = None,
    dataset: options.Dataset = None,
    metrics: options.Metrics = None,
    split: Split = None,
    held_out: options.HeldOut = False,
    resamples: Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples.")] = 1000,
    seed: options.Seed = 0,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the gap as it is, without any bridge; rows are scaled to length one."""
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import measure_gap, measure_pairs
    from gapkit.machine import limit_threads

    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset)
    if held_out:
        data = data.held_out()
    chosen = options.names(metrics, "--metrics") or ()
    with reporting(quiet=quiet, patience=1.0) as progress:
        asked: dict[str, Any] = {
            "metrics": chosen,
            "split": split,
            "n_resamples": resamples,
            "seed": seed,
            "progress": progress,
        }
        if as_json:
            results = measure_gap(data, **asked)
            text, failed = results.to_json(), results.failures
        else:
            found = measure_pairs(data, **asked)
            text, failed = f"{found}\n", [f"metric {name}: {said}" for name, said in found.failed.items()]
    sys.stdout.write(text)
    for line in failed:
        say(f"failed: {line}")
    if failed:
        raise typer.Exit(1)
