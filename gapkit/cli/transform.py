"""`gapkit transform`: move embeddings with a fitted bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options


def transform(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `gapkit fit` or `gapkit compare` wrote.")],
    source: Annotated[str, typer.Argument(help="Embeddings to move: file or file:key.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where they go; the suffix says how.")],
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Move embeddings into the target space with a fitted bridge."""
    from gapkit.bridges import load_bridge
    from gapkit.cli.progress import say
    from gapkit.files import load_embeddings, save_embeddings
    from gapkit.machine import limit_threads

    limit_threads(threads)
    bridge = load_bridge(folder)
    rows = load_embeddings(source, side="source")
    moved = bridge.transform(rows)
    save_embeddings(moved, out)
    if not quiet:
        say(f"{len(moved)} rows moved by {bridge.name}, written to {out}")
