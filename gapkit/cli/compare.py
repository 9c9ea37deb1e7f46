"""`gapkit compare`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gapkit.cli import options

Bridges = Annotated[
    str | None, typer.Option(metavar="A,B", help="Bridges, or `all`. Left out: those of the default table.")
]
Seeds = Annotated[int | None, typer.Option(metavar="N", help="Seeds of each stochastic bridge. Default: 3.")]
Resamples = Annotated[int | None, typer.Option(metavar="N", help="Bootstrap resamples. Default: 1000.")]
Folds = Annotated[
    int | None,
    typer.Option(metavar="K", help="Measure all items, each by one of K fits that has not seen it."),
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the study; it resumes there too.")]
Format = Annotated[str, typer.Option("--format", metavar="A,B", help="Files to write: csv, json, md, tex.")]
Jobs = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Cells computed at once. Default: what cores, memory and work are good for."),
]
Backend = Annotated[str, typer.Option(metavar="NAME", help="What runs them: loky (this machine), dask or ray.")]
Config = Annotated[Path | None, typer.Option(metavar="TOML", help="Settings from a file; flags go before it.")]


def compare(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    bridges: Bridges = None,
    metrics: options.Metrics = None,
    seeds: Seeds = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="First seed. Default: 0.")] = None,
    resamples: Resamples = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    device: options.Device = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads of each process. Default: 1.")
    ] = None,
    jobs: Jobs = None,
    backend: Backend = "loky",
    test: options.TestSet = None,
    folds: Folds = None,
    fit_split: options.FitSplit = None,
    validation_split: options.ValidationSplit = None,
    test_split: options.TestSplit = None,
    out: Out = Path("gapkit-out"),
    format_: Format = "csv,json,md,tex",
    config: Config = None,
    aim: options.Aim = "closure",
    columns: options.Columns = None,
    only_table: Annotated[
        bool, typer.Option("--only-table", help="Compute nothing; print what the folder has, finished or not.")
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare bridges: how far each closes the gap, at what price, and how sure that is.

    Fits every bridge on the train split, measures it on the test split and prints a verdict and one table; writes
    results, tables, fitted bridges and a manifest into the folder given by --out. Stopped and started again it goes on.
    With --test it measures on another set, with --folds on all items of a small one. Another run into the same folder
    adds its bridges, metrics and seeds to the table.
    """
    from gapkit.cli.printing import print_results
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import Results, StudyConfig, read_config, run_study
    from gapkit.comparison.manifest import read_manifest
    from gapkit.comparison.writing import check_formats
    from gapkit.errors import InputError
    from gapkit.machine import limit_threads
    from gapkit.study.processes import check_backend

    shown: dict[str, Any] = {"as_json": as_json, "aim": options.checked_aim(aim)}
    shown["columns"] = options.names(columns, "--columns")
    if only_table:
        print_results(Results.read(out), **shown)
        return
    formats = check_formats(options.names(format_) or ())
    flags: dict[str, Any] = {
        "bridges": options.names(bridges, "--bridges"), "metrics": options.names(metrics, "--metrics"),
        "seeds": seeds, "seed": seed,
        "n_resamples": resamples, "steps": steps, "epochs": epochs, "device": device, "threads": threads,
        "folds": folds, **options.given_splits(fit_split, validation_split, test_split),
    }  # fmt: skip
    settings = read_config(config) if config else {}
    if steps is not None or epochs is not None:
        # One replaces the other, whichever of them the file has.
        settings = {key: value for key, value in settings.items() if key not in ("steps", "epochs")}
    settings = {"threads": 1, **settings, **{key: value for key, value in flags.items() if value is not None}}
    study = StudyConfig(**settings).resolved()
    if test is not None and study.folds is not None:
        raise InputError("--test and --folds: expected one of the two, got both; leave one out")
    limit_threads(study.threads or 1)
    data = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    other = options.open_other(test)
    with reporting(quiet=quiet) as progress:
        results = run_study(
            data,
            study,
            test=other,
            out=out,
            progress=progress,
            formats=formats,
            jobs=jobs,
            backend=check_backend(backend),
        )
    print_results(results, **shown)
    if not quiet:
        say(f"written to {out}")
    # Rows that an earlier run left are not what this one was asked for.
    failures = results.failures_among(read_manifest(out)["planned"], study.metrics)
    if failures:
        if quiet:
            for line in failures:
                say(f"failed: {line}")
        raise typer.Exit(1)
