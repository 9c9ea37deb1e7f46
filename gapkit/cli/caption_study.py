"""`gapkit caption study`: what closing the gap does for captions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.captioning import CaptionResults

Protocols = Annotated[str, typer.Option(metavar="A,B", help="zero-shot, supervised.")]
Trainings = Annotated[
    str,
    typer.Option(metavar="A,B", help="How zero-shot decoders are trained and read: clean, noise, bridged, projected."),
]
Bridges = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Left out: controls, closed forms and the diffusion methods of the default."),
]
SupervisedBridges = Annotated[
    str | None, typer.Option(metavar="A,B", help="Fewer for the supervised protocol, which trains one decoder each.")
]
Seeds = Annotated[int, typer.Option(metavar="N", min=1, help="Seeds of decoders, and of bridges that have one.")]
Decoder = Annotated[str, typer.Option(metavar="NAME", help="Caption decoder.")]
Option = Annotated[
    list[str] | None, typer.Option("--decoder-option", metavar="KEY=VALUE", help="Option of the decoder; repeatable.")
]
Noise = Annotated[str | None, typer.Option(metavar="A,B", help="Variances of training noise to choose among.")]
Projections = Annotated[
    str | None, typer.Option(metavar="A,B", help="Weights of the projection onto fitted targets to choose among.")
]
Beams = Annotated[str | None, typer.Option(metavar="A,B", help="Beam widths to choose among.")]
Scores = Annotated[str | None, typer.Option(metavar="A,B", help="Scores; left out: the default set.")]
SelectBy = Annotated[str, typer.Option(metavar="NAME", help="Score by which validation chooses.")]
Tokenizer = Annotated[str, typer.Option(metavar="NAME", help="ptb (the literature's; needs Java) or words.")]
Resamples = Annotated[int, typer.Option(metavar="N", min=1, help="Bootstrap resamples.")]
Fitted = Annotated[
    Path | None, typer.Option(metavar="STUDY", help="Folder of a `gapkit compare` of the same data: its bridges.")
]
Jobs = Annotated[int, typer.Option(metavar="N", min=1, help="Decoders that are trained side by side.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the study; it resumes there too.")]


def study(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    protocols: Protocols = "zero-shot,supervised",
    trainings: Trainings = "clean,noise,bridged,projected",
    bridges: Bridges = None,
    supervised_bridges: SupervisedBridges = None,
    seeds: Seeds = 3,
    seed: options.Seed = 0,
    decoder: Decoder = "small",
    decoder_option: Option = None,
    noise: Noise = None,
    projections: Projections = None,
    beams: Beams = None,
    scores: Scores = None,
    select_by: SelectBy = "cider_d",
    tokenizer: Tokenizer = "ptb",
    resamples: Resamples = 1000,
    fitted: Fitted = None,
    fit_split: options.FitSplit = None,
    validation_split: options.ValidationSplit = None,
    test_split: options.TestSplit = None,
    jobs: Jobs = 1,
    out: Out = Path("gapkit-captions"),
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Caption the test split with every bridge, zero-shot and supervised, and say what each gains.

    Zero-shot decoders learn from captions alone and read bridged sources at test; supervised ones learn from bridged
    sources. Noise, beams and stops are chosen on the validation split. Stopped and started again it goes on.
    """
    from gapkit.captioning import CaptionStudyConfig, run_caption_study
    from gapkit.cli.fit import parameters
    from gapkit.cli.progress import reporting, say
    from gapkit.machine import limit_threads

    given: dict[str, Any] = {
        "protocols": options.names(protocols), "trainings": options.names(trainings),
        "supervised_bridges": options.names(supervised_bridges, "--supervised-bridges"),
        "seeds": seeds, "seed": seed, "decoder": decoder,
        "decoder_options": parameters(decoder_option or [], option="--decoder-option"), "select_by": select_by,
        "tokenizer": tokenizer, "draws": resamples,
        "bridges": options.names(bridges, "--bridges"), "noise": _numbers("--noise", noise, float),
        "projections": _numbers("--projections", projections, float),
        "beams": _numbers("--beams", beams, int), "scores": options.names(scores),
        **options.given_splits(fit_split, validation_split, test_split),
    }  # fmt: skip
    config = CaptionStudyConfig(**{key: value for key, value in given.items() if value is not None}).resolved()
    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    with reporting(quiet=quiet) as progress:
        results = run_caption_study(data, config, out=out, fitted=fitted, jobs=jobs, progress=progress)
    _print(results, as_json=as_json)
    if not quiet:
        say(f"written to {out}")
    failed = results.manifest["failed"]
    if failed:
        for name, why in failed.items():
            say(f"failed: {name}: {why}")
        raise typer.Exit(1)


def _print(results: CaptionResults, *, as_json: bool) -> None:
    """The table for a person, or JSON for a program."""
    from gapkit.captioning import caption_table
    from gapkit.cli.printing import print_rows, records_of
    from gapkit.cli.progress import say

    if as_json:
        print_rows(records_of(results.summary()), as_json=True)
        return

    print_rows([{**row} for row in caption_table(results)], as_json=False)
    for score, why in results.manifest["absent"].items():
        say(f"note: {score} is absent: {why}")


def _numbers(option: str, text: str | None, kind: type) -> tuple[Any, ...] | None:
    from gapkit.errors import InputError

    try:
        return None if text is None else tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"{option}: expected numbers with commas, got {text!r}") from None
