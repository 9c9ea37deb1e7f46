"""`gapkit caption score`: how good captions are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    import pandas as pd

    from gapkit.captioning.scores import CaptionScores

Candidates = Annotated[Path, typer.Argument(metavar="CANDIDATES", help="A caption a clip: CSV, TSV, JSON, parquet.")]
References = Annotated[Path, typer.Argument(metavar="REFERENCES", help="Captions that people gave: the same.")]
Scores = Annotated[str, typer.Option(metavar="A,B", help="Scores, or sets: default, overlap, diversity, all.")]
Against = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Captions of another system of the same clips; both are compared.")
]
GroupTable = Annotated[
    Path | None,
    typer.Option("--groups", metavar="FILE", help="Origin of each clip, by id; left out: group of the references."),
]
TokenizerName = Annotated[
    str, typer.Option("--tokenizer", metavar="NAME", help="ptb, that of the field, or words, which needs no Java.")
]
Training = Annotated[Path | None, typer.Option(metavar="FILE", help="Training captions, for novelty.")]
Common = Annotated[bool, typer.Option("--common", help="Score only the clips that all files have.")]
Java = Annotated[str | None, typer.Option(metavar="FILE", help="The java program. Default: JAVA_HOME, PATH.")]
SpiceJars = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the jars of CoreNLP 3.6.0, for SPICE.")]
Fluency = Annotated[str | None, typer.Option(metavar="FILE", help="Error detector of FENSE: .ckpt, folder, hub name.")]
FluencyEncoder = Annotated[str | None, typer.Option(metavar="NAME", help="Its encoder: folder or hub name.")]
Sbert = Annotated[str | None, typer.Option(metavar="NAME", help="Sentence encoder of FENSE: folder or hub name.")]
AacPython = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The python of an environment with aac-metrics, which then scores.")
]
Confidence = Annotated[float, typer.Option(metavar="SHARE", help="Level of the intervals.")]
Draws = Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples of the clips.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the scores: .csv or .json.")]
PerClip = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores of each clip: .csv or .json.")]


def score(
    candidates: Candidates,
    references: References,
    scores: Scores = "default",
    against: Against = None,
    groups: GroupTable = None,
    tokenizer: TokenizerName = "ptb",
    training: Training = None,
    common: Common = False,
    java: Java = None,
    spice_jars: SpiceJars = None,
    fluency: Fluency = None,
    fluency_encoder: FluencyEncoder = None,
    sbert: Sbert = None,
    aac_python: AacPython = None,
    device: options.Device = None,
    confidence: Confidence = 0.95,
    draws: Draws = 1000,
    seed: options.Seed = 0,
    out: Out = None,
    per_clip: PerClip = None,
    threads: options.Threads = 1,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score captions against references, with intervals; with --against, test which of two systems is better.

    Tables (csv, tsv, json, jsonl, parquet) with the columns id and caption, references a row a caption or several in a
    row; JSON also as {id: caption} or {id: list of captions}. Columns of published sets are known by their names.
    """
    from gapkit.captioning.files import match_names, read_candidates, read_item_groups, read_references, read_texts
    from gapkit.captioning.scores import SCORES, Tools, compare_scores, score_systems
    from gapkit.captioning.scores.result import check_suffix
    from gapkit.cli.progress import say
    from gapkit.errors import InputError
    from gapkit.machine import limit_threads

    for path in (out, per_clip):
        if path is not None:
            check_suffix(path)
    names = options.names(scores) or ()
    systems = {str(candidates): read_candidates(candidates)}
    if against is not None:
        if not draws:
            raise InputError("--against: the test resamples clips; give --draws of at least 1")
        # One file beside itself is two systems all the same.
        systems[f"{against} (against)" if str(against) in systems else str(against)] = read_candidates(against)
    known = read_texts(training) if training is not None else None
    people = read_references(references)
    for system, captions in systems.items():
        systems[system], note = match_names(captions, people)
        if note is not None and not quiet:
            say(f"{system}: {note}")
    limit_threads(threads)
    found = score_systems(
        systems,
        people,
        scores=names,
        tokenizer=tokenizer,  # type: ignore[arg-type]
        training=known,
        common=common,
        tools=Tools(
            java=java,
            spice_jars=spice_jars,
            fluency=fluency,
            fluency_encoder=fluency_encoder,
            sbert=sbert,
            aac_python=aac_python,
            device=device or "cpu",
        ),
        confidence=confidence,
        draws=draws,
        seed=seed,
        groups=read_item_groups(groups or references, asked=groups is not None),
    )
    first, *other = found.values()
    test = compare_scores(first, other[0]) if other and first.draws else None
    _print(first, test, as_json=as_json)
    if out is not None:
        first.save(out)
    if per_clip is not None:
        first.save_per_clip(per_clip)
    if not quiet:
        for path in (out, per_clip):
            if path is not None:
                say(f"written to {path}")
        for note in dict.fromkeys(note for result in found.values() for note in result.notes):
            say(note)
        say(f"tokenizer: {first.tokenizer}")
    missing = {name: reason for result in found.values() for name, reason in result.absent.items()}
    for name, reason in missing.items():
        say(f"absent: {SCORES[name].label}: {reason}")
    # What was asked for by its own name, and all there is, is not missed in silence.
    if not first.corpus.size or any(name in missing for name in names):
        raise typer.Exit(1)


def _print(scores: CaptionScores, test: pd.DataFrame | None, *, as_json: bool) -> None:
    from gapkit.captioning.scores import SCORES
    from gapkit.cli.printing import print_rows, records_of

    if as_json:
        import json

        content = json.loads(scores.to_json())
        if test is not None:
            content["against"] = records_of(test)
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return
    rows: list[dict[str, object]] = [
        {
            "score": SCORES[str(row.score)].label,
            "": {"higher": "↑", "lower": "↓"}.get(SCORES[str(row.score)].better, ""),
            "value": _number(row.value),
            "low": _number(row.ci_low),
            "high": _number(row.ci_high),
            "clips": row.n,
        }
        for row in scores.corpus.itertuples()
    ]
    print_rows(rows, as_json=False)
    if test is not None:
        print_rows(
            [
                {
                    "score": SCORES[str(row.score)].label,
                    "against": _number(row.b),
                    "difference": _number(row.difference),
                    "low": _number(row.low),
                    "high": _number(row.high),
                    "p (Holm)": _number(row.p_holm),
                    "better": {"a": "candidates", "b": "against"}.get(str(row.better), ""),
                }
                for row in test.itertuples()
            ],
            as_json=False,
        )


def _number(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]
    if number != number:
        return ""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.4f}"
