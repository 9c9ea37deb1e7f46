"""`gapkit transform`: move embeddings with a fitted bridge."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gapkit.bridges import Bridge
    from gapkit.embeddings import PairedEmbeddings

MATRIX = ".npy"
"""Suffix of the format that holds a matrix and nothing beside it."""


def transform(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `gapkit fit` or `gapkit compare` wrote.")],
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="Embeddings or whole pairs to move: file, file:key, folder."),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where they go; the suffix says how.")],
    bridge: Annotated[str | None, typer.Option(metavar="NAME", help="Bridge of a study folder.")] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Its seed in the study; left out: the first one.")
    ] = None,
    dataset: options.Dataset = None,
    held_out: options.HeldOut = False,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Move embeddings into the target space with a fitted bridge.

    Whole pairs stay whole, and the file says which items the bridge was fitted on.
    """
    from gapkit.bridges import load_bridge
    from gapkit.checks import fitted_items
    from gapkit.cli.progress import say
    from gapkit.comparison.folder import bridge_folder
    from gapkit.files import save_embeddings, save_pairs, write_beside
    from gapkit.machine import limit_threads

    limit_threads(threads)
    fitted = load_bridge(bridge_folder(folder, bridge, seed))
    pairs, rows, meta, ids = _given(source, dataset)
    seen, warnings = _held_against(fitted, rows, ids, meta)
    if pairs is not None and pairs.fitted is not None:
        seen = pairs.fitted if seen is None else seen | pairs.fitted
    if held_out:
        pairs, rows, seen = _others(pairs, rows, seen, fitted, folder)
    moved = fitted.transform(rows)
    meta = {**meta, "moved": {"bridge": fitted.name, "warnings": warnings}}
    if pairs is not None and out.suffix.lower() != MATRIX:
        save_pairs(dataclasses.replace(pairs, source=moved, meta=meta, fitted=seen), out)
    else:
        save_embeddings(moved, out)
        if seen is not None:
            write_beside(out, seen, meta)
    if quiet:
        return
    for line in warnings:
        say(f"warning: {line}")
    if seen is None:
        say(f"{fitted.name} was fitted by an older gapkit and does not know on which items; fit it again to be told")
    elif line := fitted_items(seen):
        say(line)
    say(f"{len(moved)} rows moved by {fitted.name}, written to {out}")


def _given(
    source: str | None, dataset: str | None
) -> tuple[PairedEmbeddings | None, Any, dict[str, Any], NDArray[np.str_] | None]:
    """Whole pairs where they were given, the rows to move, what is known of them, and the ids."""
    from gapkit.errors import InputError
    from gapkit.files import holds_pairs, load_embeddings, load_pairs

    if (source is None) == (dataset is None):
        got = "neither" if source is None else f"both ({source} and {dataset})"
        raise InputError(f"expected SOURCE, the file to move, or --dataset, got {got}; give one of them")
    if source is not None and not holds_pairs(source):
        return None, load_embeddings(source, side="source"), {}, None
    if source is None:
        from gapkit.datasets import load_dataset

        pairs = load_dataset(str(dataset))
    else:
        pairs = load_pairs(source)
    return pairs, pairs.source, dict(pairs.meta), pairs.ids


def _held_against(
    bridge: Bridge, rows: Any, ids: NDArray[np.str_] | None, meta: dict[str, Any]
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Which rows the bridge was fitted on, None where it does not know, and why they may be unlike those."""
    record = bridge.fitted_on_
    # Of another width there is nothing to compare: the bridge refuses them in its own words.
    if record is None or rows.shape[1] != bridge.n_features_in_:
        return None, []
    return record.seen(rows, ids=ids), list(record.warnings(rows, meta))


def _others(
    pairs: PairedEmbeddings | None, rows: Any, seen: NDArray[np.bool_] | None, bridge: Bridge, folder: Path
) -> tuple[PairedEmbeddings | None, Any, NDArray[np.bool_]]:
    """Pairs, rows and marks of the items that were not fitted on."""
    import numpy as np

    from gapkit.errors import InputError

    if seen is None:
        raise InputError(
            f"--held-out: {folder}: {bridge.name} was fitted by an older gapkit and does not know on which items; "
            "fit it again"
        )
    kept = np.flatnonzero(~seen)
    if not len(kept):
        raise InputError(
            f"--held-out: {bridge.name} was fitted on all {len(seen):,} items of these; give others, or fit with "
            "--hold-out 30%"
        )
    return None if pairs is None else pairs.take(kept), np.asarray(rows)[kept], seen[kept]
