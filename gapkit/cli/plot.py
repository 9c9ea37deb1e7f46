"""`gapkit plot`: one figure of a study or of embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.comparison import Progress, Run
    from gapkit.embeddings import PairedEmbeddings

KINDS = {
    "migration": "source before and after each bridge, and target, in one plane",
    "steps": "the same cloud at each reverse step of one bridge, side by side",
    "arrows": "the way of single clips through the reverse steps",
    "path": "metrics against the reverse step",
    "cosines": "cosines of pairs and of unrelated pairs, before and after",
    "similarity": "every clip against every target, before and after",
    "axis": "where clips stand between the means of source and target",
    "retrieval": "share of clips that find their target among the first k",
    "pool": "NDCG@10 in one pool of both modalities against the share of each",
    "frontier": "share of the gap that is closed against share of R@10 kept",
    "table": "the table of the study with dots and bars",
    "cost": "seconds to fit and to move against share of the gap closed",
}
"""Name and what is seen: the help must not load the figures themselves. A test holds them together."""

LISTED = "\n\n\b\n" + "\n".join(f"{name:<11}{what}" for name, what in KINDS.items())

Kind = Annotated[str, typer.Argument(metavar="KIND", help="What to draw; the kinds are listed above.")]
Data = Annotated[
    str | None,
    typer.Argument(metavar="[RUN_OR_PAIRS]", help="Folder of `gapkit compare`, or embeddings; left out: bundled data."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help=".pdf, .svg, .png, .gif or .mp4. Default: KIND.pdf."),
]
Pairs = Annotated[
    str | None, typer.Option(metavar="FILE", help="The data of the study, where they lie elsewhere by now.")
]
Bridges = Annotated[str | None, typer.Option(metavar="A,B", help="Bridges to draw; left out: the first that fit.")]
Projection = Annotated[str, typer.Option(metavar="NAME", help="Plane: pca, umap, tsne, lda or gap.")]
Numbers = Annotated[str | None, typer.Option("--metrics", metavar="A,B", help="Metrics in panels, path and table.")]
ReverseSteps = Annotated[
    int | None, typer.Option("--steps", metavar="N", min=1, help="Reverse steps; left out: those of the study.")
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Fitted seed to draw; left out: the first.")]
Clips = Annotated[int, typer.Option(metavar="N", min=3, help="Most clips that are drawn; numbers come from all.")]
Dpi = Annotated[
    float | None,
    typer.Option(metavar="N", min=20, max=1200, help="Dots an inch; left out: 300, and 150 where the picture moves."),
]


def plot(
    kind: Kind,
    data: Data = None,
    out: Out = None,
    pairs: Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    bridges: Bridges = None,
    projection: Projection = "pca",
    metrics: Numbers = None,
    steps: ReverseSteps = None,
    seed: Seed = None,
    random_state: Annotated[int, typer.Option(metavar="N", help="Seed of the plane and the drawn clips.")] = 0,
    clips: Clips = 1000,
    font: Annotated[str | None, typer.Option(metavar="NAME", help="Font; left out: DejaVu Sans.")] = None,
    dpi: Dpi = None,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Draw one figure of a study or of embeddings; migration as .gif or .mp4 shows the way through the steps."""
    from gapkit.cli.progress import reporting, say
    from gapkit.machine import limit_threads
    from gapkit.plots.animation import MOVING
    from gapkit.plots.drawing import check_kind
    from gapkit.plots.saving import FORMATS, check_suffix
    from gapkit.plots.style import FONT, style

    check_kind(kind)
    out = out or Path(f"{kind}.pdf")
    moving = check_suffix(out, (*FORMATS, *MOVING)) in MOVING
    with style(font=font or FONT):
        pass  # a font that is not there is told before anything is computed
    limit_threads(threads)
    opened = _open(data, pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    wishes: dict[str, Any] = {
        "bridges": options.names(bridges, "--bridges"), "method": projection,
        "metrics": options.names(metrics, "--metrics"), "seed": seed,
        "sample_steps": steps, "max_clips": clips, "random_state": random_state,
    }  # fmt: skip
    with reporting(quiet=quiet, patience=2.0) as progress:
        if moving:
            _animate(kind, opened, out, wishes, progress, font or FONT, dpi or 150.0)
        else:
            _draw(kind, opened, out, wishes, progress, font or FONT, dpi or 300.0)
    if not quiet:
        _say_what_is_missing(opened)
        say(f"written to {out}")


plot.__doc__ = f"{plot.__doc__}{LISTED}"


def _say_what_is_missing(opened: PairedEmbeddings | Run | Path) -> None:
    """Of a study that was stopped."""
    from gapkit.cli.progress import say
    from gapkit.comparison import Results, Run

    if isinstance(opened, Run | Path):
        results = opened.results if isinstance(opened, Run) else Results.read(opened, draws=False)
        for line in results.study.get("remarks", ()):
            say(line)


def _open(
    data: str | None, pairs: str | None, *sides: str | None, join: str, groups: str | None, quiet: bool
) -> PairedEmbeddings | Run | Path:
    """The folder of a study where it is one, opened where its data are given; otherwise embeddings."""
    from gapkit.errors import InputError

    marks = ("study.json", "results.json", "manifest.json")
    if data is None or not any((Path(data) / name).exists() for name in marks):
        if pairs is not None:
            raise InputError("--pairs: goes with the folder of a study; give embeddings in its place")
        return options.open_pairs(data, *sides, join=join, groups=groups, quiet=quiet)
    target, owner, captions, dataset = sides
    if dataset or (pairs is None and (target or owner or captions or groups)):
        raise InputError(
            f"{data}: a study knows its data; give them by --pairs, or leave out the options of embeddings"
        )
    if pairs is None:
        return Path(data)
    from gapkit.comparison import open_run

    given = options.open_pairs(pairs, target, owner, captions, None, join=join, groups=groups, quiet=quiet)
    return open_run(data, given)


def _draw(kind: str, opened: Any, out: Path, wishes: dict[str, Any], progress: Progress, font: str, dpi: float) -> None:
    from gapkit.plots.drawing import draw
    from gapkit.plots.saving import save
    from gapkit.plots.style import figure_of

    drawn = draw(kind, opened, progress=_Stages(progress), **wishes)
    save(drawn, out, dpi=dpi, font=font)
    import matplotlib.pyplot as plt

    plt.close(figure_of(drawn))


def _animate(
    kind: str, opened: Any, out: Path, wishes: dict[str, Any], progress: Progress, font: str, dpi: float
) -> None:
    from gapkit.errors import InputError
    from gapkit.plots.animation import animate, check_writer
    from gapkit.plots.drawing import Wishes, material_of, steps_scene

    if kind not in ("migration", "steps", "arrows"):
        raise InputError(f"{out}: only migration moves; expected .pdf, .svg or .png for {kind}")
    check_writer(out)
    scene = steps_scene(material_of(opened), Wishes(**wishes), _Stages(progress, more=1))
    progress.begin("moving picture")
    animate(scene, out, font=font, dpi=dpi, progress=progress.step)
    progress.advance("moving picture", f"{len(scene.clouds) + 1} states")


class _Stages:
    """Tells a `Progress` of stages as if they were cells."""

    def __init__(self, progress: Progress, *, more: int = 0) -> None:
        self.progress = progress
        self.more = more  # stages that the caller tells of itself
        self.running = ""

    def __call__(self, done: int, total: int, what: str) -> None:
        if done == 0:
            self.progress.start(total + self.more)
        elif self.running:
            self.progress.advance(self.running, "done")
        if what:
            self.progress.begin(what)
        self.running = what
