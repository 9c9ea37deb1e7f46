"""`gapkit matrix`: the gap between every two of several modalities."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

Files = Annotated[list[str], typer.Argument(metavar="FILE FILE...", help="One modality each; joined by id.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Heat maps too: .pdf, .svg or .png.")]


def matrix(
    files: Files,
    metrics: options.Metrics = None,
    resamples: Annotated[int, typer.Option(metavar="N", min=0, help="Bootstrap resamples.")] = 1000,
    seed: options.Seed = 0,
    threads: options.Threads = 1,
    out: Out = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the gap of every pair of modalities, and whether a wide gap goes with poor retrieval."""
    from gapkit.cli.printing import print_rows, records_of
    from gapkit.cli.progress import say
    from gapkit.comparison import gap_matrix
    from gapkit.machine import limit_threads
    from gapkit.plots import gap_heat_map, save
    from gapkit.plots.saving import FORMATS, check_suffix
    from gapkit.plots.style import figure_of

    limit_threads(threads)
    if out is not None:
        check_suffix(out, FORMATS)
    found = gap_matrix(files, metrics=options.names(metrics, "--metrics"), n_resamples=resamples, seed=seed)
    if out is not None:
        import matplotlib.pyplot as plt

        drawn = gap_heat_map(found.frame, found.names)
        save(drawn, out)
        plt.close(figure_of(drawn))
    if as_json:
        content = {
            "modalities": found.names, "joined": found.joined, "rows": records_of(found.frame),
            "prediction": records_of(found.prediction),
        }  # fmt: skip
        sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return
    wide: dict[str, dict[str, object]] = {}
    for record in records_of(found.frame):
        value = "" if record["value"] is None else f"{record['value']:.4g}"
        row = wide.setdefault(str(record["metric"]), {"metric": record["metric"]})
        row[f"{record['first']} - {record['second']}"] = value
    rows = list(wide.values())
    print_rows(rows, as_json=False)
    told = [
        {key: f"{v:.3g}" if isinstance(v, float) else v for key, v in line.items()}
        for line in records_of(found.prediction)
    ]
    print_rows(told, as_json=False)
    if not quiet:
        items = f"{int(found.frame['n'].max()):,} items, joined by {found.joined}"
        say(f"{items}; spearman: of the gap with mean R@10, over the pairs of modalities")
        if out is not None:
            say(f"written to {out}")
