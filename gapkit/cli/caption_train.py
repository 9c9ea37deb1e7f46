"""`gapkit caption train`: a caption decoder, kept in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gapkit.cli import options

Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder that the decoder goes to.")]
Decoder = Annotated[
    str, typer.Option(metavar="NAME", help="small: from scratch, in minutes; prefix: on any language model.")
]
Model = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Language model of `prefix`: smollm2-135m, a hub name, a folder or a .gguf."),
]
Tune = Annotated[str | None, typer.Option(metavar="HOW", help="frozen, lora or full: what `prefix` tunes of it.")]
Read = Annotated[
    str, typer.Option(metavar="SIDE", help="target: from captions alone; source: from what they describe.")
]
Bridge = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Fitted bridge that moves the source rows first; with --read source.")
]
Noise = Annotated[float, typer.Option(metavar="V", help="Variance of the noise on each coordinate (CapDec).")]
Epochs = Annotated[float | None, typer.Option(metavar="N", help="Passes over the captions.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the decoder; may be given again.")
]


def train(
    out: Out,
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    decoder: Decoder = "small",
    model: Model = None,
    tune: Tune = None,
    read: Read = "target",
    bridge: Bridge = None,
    noise: Noise = 0.0,
    epochs: Epochs = None,
    fit_split: options.FitSplit = None,
    validation_split: options.ValidationSplit = None,
    set_: Set = None,
    seed: options.Seed = 0,
    device: options.Device = None,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Train a caption decoder on the train split (on all clips where there are no splits) and keep it.

    The validation split, where there is one, stops the training early. Stopped and started again it goes on where it
    was. Under `accelerate launch -m gapkit` it trains on several processes.
    """
    from gapkit.atomic import drop_leftovers
    from gapkit.captioning.decoders import make_decoder, process_rank
    from gapkit.cli.fit import parameters
    from gapkit.cli.progress import reporting, say
    from gapkit.errors import InputError
    from gapkit.machine import limit_threads

    given: dict[str, Any] = {"model": model, "tune": tune, "epochs": epochs, "device": device}
    given = {key: value for key, value in given.items() if value is not None}
    twice = given.keys() & (chosen := parameters(set_ or [])).keys()
    if twice:
        raise InputError(f"--set: {min(twice)} is given twice; leave one out")
    if read not in ("source", "target"):
        raise InputError(f"--read: expected source or target, got {read!r}")
    if bridge is not None and read == "target":
        raise InputError("--bridge moves source rows; give --read source too, or leave it out")
    options.refuse_foreign_folder(out, "config.json", CHECKPOINT)
    limit_threads(threads)
    made = make_decoder(decoder, **given, **chosen)
    data = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    parts = rows_and_captions(data, read, bridge, **options.given_splits(fit_split, validation_split))
    quiet = quiet or process_rank() > 0
    with reporting(quiet=quiet, patience=1.0) as progress:
        progress.start(1)
        progress.begin(f"{decoder} on {len(parts['train'][1])} captions")
        made.fit(
            *parts["train"],
            validation=parts.get("val"),
            noise=noise,
            seed=seed,
            checkpoint=out / CHECKPOINT,
            report=progress.step,
        )
        report = getattr(made, "report_", None)
        progress.advance(decoder, f"{report.steps} steps, {report.note()}" if report else "done")
    if process_rank() > 0:
        return
    made.save(out)
    (out / CHECKPOINT).unlink(missing_ok=True)
    # A kill in the midst of a checkpoint leaves half of one, which may be as large as a language model.
    drop_leftovers(out)
    if not quiet:
        say(f"caption decoder {decoder} written to {out}")


CHECKPOINT = "checkpoint.safetensors"


def rows_and_captions(
    data: Any, read: str, bridge: Path | None, *, fit_split: str = "train", validation_split: str = "val"
) -> dict[str, tuple[Any, list[str]]]:
    """Embeddings and captions of the fit split (``train``) and the validation split (``val``), one row a caption.

    Raises
    ------
    InputError
        Pairs without captions, or splits without that to fit on.
    """
    from gapkit.comparison.config import StudyConfig
    from gapkit.comparison.splits import named_part, with_known_names
    from gapkit.errors import InputError

    if data.captions is None:
        raise InputError(f"{data.name}: holds no captions to learn from; give --captions CSV")
    named = with_known_names(data, StudyConfig(fit_split=fit_split, validation_split=validation_split))
    wanted: dict[str, Any] = {"train": data if data.split is None else named_part(data, named.fit_split)}
    if named.validation_split in data.splits:
        wanted["val"] = data.subset(named.validation_split)
    moved = None
    if bridge is not None:
        from gapkit.bridges import load_bridge

        moved = load_bridge(bridge)
    parts = {}
    for name, part in wanted.items():
        rows = part.target
        if read == "source":
            rows = (part.source if moved is None else moved.transform(part.source))[part.owner]
        parts[name] = (rows, [str(caption) for caption in part.captions])
    return parts
