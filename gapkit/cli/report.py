"""`gapkit report`: a finished study as one page that can be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gapkit.cli import options

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a study that `gapkit compare` finished.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The page. Default: RUN/report.html.")]
Projection = Annotated[str, typer.Option(metavar="A,B", help="Projections: pca, umap, tsne, lda, gap.")]
MaxClips = Annotated[int, typer.Option(metavar="N", help="Clips that can be seen one by one, at most.")]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Reverse steps to show; left out, those of the study.")]
Parquet = Annotated[Path | None, typer.Option(metavar="FILE|DIR", help="Write the points for Embedding Atlas, too.")]
Pairs = Annotated[
    str | None, typer.Option(metavar="FILE", help="The data of the study, where they lie elsewhere by now.")
]
CaptionStudy = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of `gapkit caption study` to show. Default: RUN/captions, if it is there."
    ),
]


def report(
    run: Run,
    out: Out = None,
    projection: Projection = "pca,umap",
    max_clips: MaxClips = 2000,
    steps: Steps = None,
    parquet: Parquet = None,
    pairs: Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    caption_study: CaptionStudy = None,
    aim: options.Aim = "closure",
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Write one HTML page that needs nothing beside itself: the answer, the table, the clips on their way."""
    from gapkit.atomic import write_text
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import open_run
    from gapkit.errors import InputError
    from gapkit.machine import limit_threads
    from gapkit.page import build_page, to_html, write_points
    from gapkit.page.document import LARGEST
    from gapkit.page.maps import check_methods

    methods, aim = check_methods(options.names(projection) or ()), options.checked_aim(aim)
    home = run / "report.html" if out is None else out
    if home.is_dir():
        raise InputError(f"{home}: expected a file to write, got a folder; give a name such as {home / 'report.html'}")
    if (target or owner or captions or groups) and pairs is None:
        raise InputError("--target, --owner, --captions and --groups go with a file; give --pairs too")
    limit_threads(threads)
    given = (
        None
        if pairs is None
        else options.open_pairs(pairs, target, owner, captions, None, join=join, groups=groups, quiet=quiet)
    )
    opened = open_run(run, given)
    with reporting(quiet=quiet) as progress:
        page = build_page(
            opened,
            methods=methods,
            max_clips=max_clips,
            steps=steps,
            captions=caption_study,
            aim=aim,
            progress=progress,
        )
        html = to_html(page)
    write_text(home, html)
    size = len(html.encode("utf-8"))
    if not quiet:
        say(f"{home}: {size / 1e6:.1f} MB")
        if size > LARGEST:
            say(f"note: more than {LARGEST / 1e6:.0f} MB; --max-clips makes it smaller")
    if parquet is not None:
        rows = write_points(page, parquet)
        if not quiet:
            say(f"{parquet}: {rows:,} points")
