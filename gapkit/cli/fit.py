"""`gapkit fit`: one bridge, kept in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gapkit.cli import options

Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder that the fitted bridge goes to.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the bridge; may be given again.")
]


def fit(
    bridge: Annotated[str, typer.Argument(help="Name of the bridge: see `gapkit list bridges`.")],
    out: Out,
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    captions: options.Captions = None,
    dataset: options.Dataset = None,
    set_: Set = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    seed: options.Seed = 0,
    device: options.Device = None,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Fit one bridge on the train split (on all clips where there are no splits) and keep it."""
    from gapkit.cli.progress import reporting, say
    from gapkit.cli.runtime import limit_threads
    from gapkit.comparison import StudyConfig, fit_alone

    config = StudyConfig(
        bridges=(bridge,),
        seed=seed,
        steps=steps,
        epochs=epochs,
        device=device or "auto",
        params={bridge: parameters(set_ or [])},
    ).resolved()
    options.refuse_foreign_folder(out, "config.json")
    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset)
    with reporting(quiet=quiet) as progress:
        fitted = fit_alone(data, bridge, config, progress=progress)
    fitted.save(out)
    if not quiet:
        say(f"{bridge} written to {out}")


def parameters(given: list[str]) -> dict[str, Any]:
    """Parameters from ``key=value``; a value is read as JSON where it is JSON, else as text.

    Raises
    ------
    InputError
        No ``=``, or one key twice.
    """
    from gapkit.errors import InputError

    answer: dict[str, Any] = {}
    for item in given:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set: expected KEY=VALUE, got {item!r}")
        if key.strip() in answer:
            raise InputError(f"--set: {key.strip()} is given twice; leave one out")
        try:
            answer[key.strip()] = json.loads(text)
        except ValueError:
            answer[key.strip()] = text
    return answer
