"""`gapkit metrics`: the gap as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from gapkit.cli import options


def metrics(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    captions: options.Captions = None,
    dataset: options.Dataset = None,
    metrics: Annotated[str | None, typer.Option(metavar="A,B", help="Metrics; left out: the default table; `all`: every one.")] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Clips of this split, or `all`. Left out: test where there is one.")] = None,
    resamples: Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples.")] = 1000,
    seed: options.Seed = 0,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the gap as it is, without any bridge."""
    from gapkit.cli.checking import check
    from gapkit.cli.printing import print_results
    from gapkit.cli.runtime import limit_threads
    from gapkit.comparison import measure_gap

    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset)
    check(data, quiet=quiet)
    chosen = options.names(metrics) or ()
    results = measure_gap(data, metrics=chosen, split=split, n_resamples=resamples, seed=seed)
    print_results(results, as_json=as_json)
