"""`gapkit curve`: the number of pairs that a bridge needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gapkit.cli import options

Counts = Annotated[
    str | None, typer.Option("--pairs", metavar="N,N,all", help="Numbers of fitted pairs. Default: 100,300,1000,all.")
]
Bridges = Annotated[
    str | None, typer.Option(metavar="A,B", help="Left out: those of the default table that depend on no seed.")
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the studies; a stopped run resumes.")]


def curve(
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    counts: Counts = None,
    bridges: Bridges = None,
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Seeds of each stochastic bridge.")] = 1,
    seed: options.Seed = 0,
    resamples: Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples.")] = 1000,
    steps: options.Steps = None,
    device: options.Device = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Cells computed at once.")] = 1,
    threads: options.Threads = 1,
    out: Out = Path("gapkit-curve"),
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit bridges on growing parts of the pairs: share of the gap closed and of R@10 kept against their number.

    Each number of pairs is a study in the folder given by --out, beside curve.csv and curve.pdf. All parts are measured
    on the same test items.
    """
    from gapkit.atomic import write_text
    from gapkit.cli.printing import print_rows, records_of
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import StudyConfig
    from gapkit.machine import limit_threads
    from gapkit.plots import pairs_curve_figure, save
    from gapkit.plots.style import figure_of
    from gapkit.tuning import pairs_curve

    limit_threads(threads)
    given: dict[str, Any] = {
        "bridges": options.names(bridges, "--bridges"), "steps": steps, "device": device, "seeds": seeds, "seed": seed,
        "n_resamples": resamples, "threads": threads,
    }  # fmt: skip
    config = StudyConfig(**{key: value for key, value in given.items() if value is not None})
    data = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    with reporting(quiet=quiet) as progress:
        found = pairs_curve(data, options.names(counts, "--pairs"), config, out=out, progress=progress, jobs=jobs)
    drawn = pairs_curve_figure(found.frame, title=found.name)
    save(drawn, out / "curve.pdf")
    import matplotlib.pyplot as plt

    plt.close(figure_of(drawn))
    write_text(out / "curve.csv", found.frame.to_csv(index=False))
    rows = records_of(found.frame)
    if as_json:
        sys.stdout.write(json.dumps({"rows": rows, "said": found.sentences}, indent=2, ensure_ascii=False) + "\n")
        return
    for row in rows:
        row.update({key: f"{row[key]:.3f}" for key in ("closed", "kept") if row[key] is not None})
        for key in ("closed", "kept"):
            low, high = row.pop(f"{key}_low"), row.pop(f"{key}_high")
            row[key] = (
                "" if row[key] is None else f"{row[key]}" + ("" if low is None else f" ({low:.3f} to {high:.3f})")
            )
    print_rows(rows, as_json=False)
    for line in found.sentences:
        sys.stdout.write(f"{line}\n")
    if not quiet:
        say(f"written to {out}")
