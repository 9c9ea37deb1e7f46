"""`gapkit inspect`: what these embeddings are, and what is wrong with them."""

from __future__ import annotations

import typer

from gapkit.cli import options


def inspect(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    captions: options.Captions = None,
    dataset: options.Dataset = None,
    threads: options.Threads = 1,
    as_json: options.Json = False,
) -> None:
    """Say what these embeddings are, and what is wrong with them."""
    from gapkit.cli.inspect import run_inspect
    from gapkit.cli.runtime import limit_threads

    limit_threads(threads)
    code = run_inspect(options.open_pairs(pairs, target, owner, captions, dataset), as_json=as_json)
    if code:
        raise typer.Exit(code)
