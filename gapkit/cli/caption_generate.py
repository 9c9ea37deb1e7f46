"""`gapkit caption generate`: captions of embeddings, as a csv."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gapkit.cli import options

Out = Annotated[Path, typer.Option("--out", "-o", metavar="CSV", help="Where the captions go: columns id, caption.")]
Side = Annotated[str, typer.Option(metavar="SIDE", help="source or target, where the file holds both.")]
Split = Annotated[str | None, typer.Option(metavar="NAME", help="Only the clips of this split.")]
Bridge = Annotated[Path | None, typer.Option(metavar="DIR", help="Fitted bridge that moves the rows first.")]
Beams = Annotated[int, typer.Option(metavar="N", min=1, help="Beam search; 1: the likeliest token each time.")]
TopP = Annotated[float | None, typer.Option(metavar="P", help="Sample from the likeliest tokens of this share.")]
Temperature = Annotated[float, typer.Option(metavar="T", help="Of the sampling; with --top-p.")]
MaxNewTokens = Annotated[int | None, typer.Option(metavar="N", help="Longest caption; left out: as in the training.")]
Device = Annotated[str | None, typer.Option(metavar="NAME", help="Left out: that of the training.")]
Model = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where the language model of `prefix` lies now, if it has moved.")
]
BatchSize = Annotated[int, typer.Option(metavar="N", min=1, help="Clips at a time.")]


def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `gapkit caption train` wrote.")],
    embeddings: Annotated[str, typer.Argument(help="File, file:key, pairs with ids, or the name of bundled data.")],
    out: Out,
    side: Side = "source",
    split: Split = None,
    bridge: Bridge = None,
    beams: Beams = 1,
    top_p: TopP = None,
    temperature: Temperature = 1.0,
    max_new_tokens: MaxNewTokens = None,
    batch_size: BatchSize = 64,
    seed: options.Seed = 0,
    device: Device = None,
    model: Model = None,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Write a caption for every embedding."""
    from gapkit.captioning.decoders import load_decoder
    from gapkit.captioning.files import write_captions
    from gapkit.captioning.scores.result import check_suffix
    from gapkit.cli.progress import reporting, say
    from gapkit.errors import InputError
    from gapkit.machine import limit_threads

    if side not in ("source", "target"):
        raise InputError(f"--side: expected source or target, got {side!r}")
    check_suffix(out)
    limit_threads(threads)
    elsewhere = {"device": device, "model": model}
    decoder = load_decoder(folder, **{key: value for key, value in elsewhere.items() if value is not None})
    ids, rows = clips_of(embeddings, side, split)
    if bridge is not None:
        from gapkit.bridges import load_bridge

        rows = load_bridge(bridge).transform(rows)
    with reporting(quiet=quiet, patience=1.0) as progress:
        progress.start(1)
        progress.begin(f"captions of {len(ids)} clips")
        texts = decoder.generate(
            rows,
            beams=beams,
            top_p=top_p,
            temperature=temperature,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            seed=seed,
            report=progress.step,
        )
        progress.advance(f"captions of {len(ids)} clips", "done")
    write_captions(out, dict(zip(ids, texts, strict=True)))
    if not quiet:
        say(f"{len(ids)} captions written to {out}")


def clips_of(embeddings: str, side: str, split: str | None) -> tuple[list[str], Any]:
    """Ids and rows (n, d) of the clips that are to be captioned; a clip with several targets has its first.

    Raises
    ------
    InputError
        What cannot be read, a split of embeddings that have none, and two clips of one id.
    """
    from gapkit.captioning.protocols import ids_of
    from gapkit.comparison.anchors import first_targets
    from gapkit.datasets import dataset_names, load_dataset
    from gapkit.errors import InputError
    from gapkit.files import load_embeddings, load_pairs
    from gapkit.files.reading import holds_both_sides

    if embeddings in dataset_names():
        pairs = load_dataset(embeddings)
    elif holds_both_sides(Path(embeddings)):
        pairs = load_pairs(embeddings)
    else:
        if split is not None:
            raise InputError(f"--split: {embeddings} holds one array and no splits; leave --split out")
        rows = load_embeddings(embeddings, side=side)
        return [str(row) for row in range(len(rows))], rows
    if split is not None:
        pairs = pairs.subset(split)
    return ids_of(pairs), pairs.source if side == "source" else pairs.target[first_targets(pairs)]
