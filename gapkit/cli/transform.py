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
    from gapkit.files.sides import Side

MATRIX = ".npy"
"""Suffix of the format that holds a matrix and nothing beside it."""


def transform(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Bridge or study: a folder of `gapkit fit` or `compare`.")
    ],
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
    fold: Annotated[int | None, typer.Option(metavar="K", help="Its fold, of a study in folds; from 1.")] = None,
    dataset: options.Dataset = None,
    held_out: options.HeldOut = False,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Move embeddings into the target space with a fitted bridge.

    Whole pairs stay whole, and the file says which items the bridge was fitted on.
    """
    import numpy as np

    from gapkit.bridges import load_bridge
    from gapkit.checks import fitted_items
    from gapkit.cli.progress import say
    from gapkit.comparison.stored_bridges import stored_bridge
    from gapkit.files import save_embeddings, save_pairs, write_beside
    from gapkit.files.provenance import BESIDE
    from gapkit.machine import limit_threads

    limit_threads(threads)
    stored = stored_bridge(folder, bridge, seed, fold)
    fitted = load_bridge(stored.home)
    pairs, side = _given(source, dataset)
    rows, items, meta = side.rows, side.items, side.provenance
    seen, warnings = _held_against(fitted, rows, side.ids, meta)
    if "fitted" in items:
        seen = items["fitted"] if seen is None else seen | items["fitted"]
    numbers: list[int] = []
    if held_out:
        kept = _others(seen, fitted, folder)
        numbers = kept.tolist()
        pairs = None if pairs is None else pairs.take(kept)
        rows, seen = np.asarray(rows)[kept], np.zeros(len(kept), dtype=np.bool_)
        items = {part: values[kept] for part, values in items.items()}
    moved = fitted.transform(rows)
    meta = {**meta, "moved": {"bridge": fitted.name, "warnings": warnings}}
    marks = {} if seen is None else {"fitted": seen}
    if pairs is not None and out.suffix.lower() != MATRIX:
        name = f"{pairs.name} moved by {fitted.name}"
        save_pairs(dataclasses.replace(pairs, source=moved, name=name, meta=meta, fitted=seen), out)
    else:
        if numbers:
            meta["moved"] |= {"rows": numbers}
        save_embeddings(moved, out, beside={**items, **marks}, meta=meta)
        if seen is not None and out.suffix.lower() == MATRIX:
            write_beside(out, seen, meta)
    if quiet:
        return
    if stored.said:
        say(stored.said)
    for line in warnings:
        say(f"warning: {line}")
    if seen is None:
        say(f"{fitted.name} was fitted by an older gapkit and does not know on which items; fit it again to be told")
    elif line := fitted_items(seen):
        say(line)
    if numbers and out.suffix.lower() == MATRIX:
        first, more = ", ".join(map(str, numbers[:3])), f" and {len(numbers) - 3:,} more" if len(numbers) > 3 else ""
        say(f"rows {first}{more} of the input are held out; all their numbers stand in {out.name}{BESIDE}")
    say(f"{len(moved)} rows moved by {fitted.name}, written to {out}")


def _given(source: str | None, dataset: str | None) -> tuple[PairedEmbeddings | None, Side]:
    """Whole pairs where they were given, and the side that is to be moved."""
    from gapkit.errors import InputError
    from gapkit.files import holds_both_sides, load_pairs, load_side
    from gapkit.files.sides import Side

    if (source is None) == (dataset is None):
        got = "neither" if source is None else f"both ({source} and {dataset})"
        raise InputError(f"expected SOURCE, the file to move, or --dataset, got {got}; give one of them")
    if source is not None and not holds_both_sides(source):
        return None, load_side(source)
    if source is None:
        from gapkit.datasets import load_dataset

        pairs = load_dataset(str(dataset))
    else:
        pairs = load_pairs(source)
    items: dict[str, NDArray[Any]] = dict(pairs.per_item())
    if pairs.fitted is not None:
        items["fitted"] = pairs.fitted
    side = Side(where=pairs.name, count=len(pairs), rows=pairs.source, items=items, provenance=dict(pairs.meta))
    return pairs, side


def _held_against(
    bridge: Bridge, rows: Any, ids: NDArray[np.str_] | None, meta: dict[str, Any]
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Marks of the fitted rows, None where the bridge does not know them, and warnings about the rows."""
    record = bridge.fitted_on_
    # Of another width there is nothing to compare: the bridge refuses them in its own words.
    if record is None or rows.shape[1] != bridge.n_features_in_:
        return None, []
    return record.seen(rows, ids=ids), list(record.warnings(rows, meta))


def _others(seen: NDArray[np.bool_] | None, bridge: Bridge, folder: Path) -> NDArray[np.int64]:
    """Rows of the items that were not fitted on."""
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
    return kept
