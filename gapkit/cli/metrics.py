"""`gapkit metrics`: the gap as it is."""

from __future__ import annotations

from typing import Annotated

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
    resamples: Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples.")] = 1000,
    seed: options.Seed = 0,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the gap as it is, without any bridge."""
    from gapkit.cli.printing import print_results
    from gapkit.cli.progress import reporting, say
    from gapkit.cli.runtime import limit_threads
    from gapkit.comparison import measure_gap

    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset)
    chosen = options.names(metrics) or ()
    with reporting(quiet=quiet) as progress:
        results = measure_gap(data, metrics=chosen, split=split, n_resamples=resamples, seed=seed, progress=progress)
    print_results(results, as_json=as_json)
    for line in results.failures:
        say(f"failed: {line}")
    if results.failures:
        raise typer.Exit(1)
