"""`build_page`: from a finished study to what its page shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import gapkit
from gapkit.checks import inspect_pairs
from gapkit.comparison.anchors import first_targets
from gapkit.comparison.run import Run
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.registry import METRICS
from gapkit.page.captioned import caption_folder, read_captioned, shortened
from gapkit.page.content import Map, Page
from gapkit.page.facts import cells_of, facts_of
from gapkit.page.maps import LABELS, check_methods, project_all
from gapkit.page.ways import Track, tracks
from gapkit.page.words import question
from gapkit.study.manifest import manifest_text
from gapkit.study.progress import Progress, Silent

MOST_CLIPS = 2000


def build_page(
    run: Run,
    *,
    methods: Sequence[str] = ("pca", "umap"),
    max_clips: int = MOST_CLIPS,
    steps: int | None = None,
    captions: Path | None = None,
    aim: str = "closure",
    progress: Progress | None = None,
) -> Page:
    """Gather what the page of a study shows.

    Parameters
    ----------
    run : Run
        See `gapkit.comparison.run.open_run`.
    methods : sequence of str
        Projections: names of `gapkit.projections.METHODS`.
    max_clips : int
        Clips that the migration view and the table of clips show, at most: evenly chosen. The numbers of the page are
        of all measured clips.
    steps : int, optional
        Reverse steps that are shown, for bridges that can be told; left out, those of the study.
    captions : path, optional
        Folder of a caption study of the same data, whose captions are shown; left out: ``captions`` in that of the run,
        where there is one.
    aim : str
        What a bridge is wanted for: see `gapkit.comparison.Results.verdict`.
    progress : Progress, optional

    Returns
    -------
    Page
        The same for the same run and options.

    Raises
    ------
    InputError
        An unknown projection or aim, a number out of range, or captions of other data.
    """
    methods = check_methods(methods)
    for name, value in (("max_clips", max_clips), ("steps", steps)):
        if value is not None:
            whole(name, value, 1)
    listener = progress or Silent()
    test = run.test
    folder = caption_folder(run, captions)
    captioned = None if folder is None else read_captioned(run, folder, max_clips=max_clips)
    clips = np.linspace(0, len(test) - 1, min(len(test), max_clips)).round().astype(np.int64)
    unit = "target" if test.captions is None else "caption"
    listener.start(sum(name != "identity" for name in run.bridges) + len(methods) + 1)
    found, remarks = list[Track](), list[str]()
    for track in tracks(run, clips, steps=steps, progress=listener):
        (remarks if isinstance(track, str) else found).append(track)  # type: ignore[arg-type]
    maps = _maps(found, test, clips, methods, unit, run.config.seed, remarks, listener)
    remarks += _remarks(run, found, clips)
    listener.begin("checking the data")
    table = run.results.table()
    bridges = [row.name for block, rows in table.blocks.items() if block != "anchor" for row in rows]
    page = Page(
        name=run.name,
        question=question(run.name, len(test), bridges, unit),
        answers=run.results.verdict(aim).lines,
        table=table,
        findings=inspect_pairs(run.pairs),
        definitions={c.name: METRICS.get(c.name).definition for c in table.columns if c.name in METRICS.names()},
        unit=unit,
        failures=tuple(run.results.failures),
        ids=_ids(test, clips),
        captions=_captions(test, clips),
        ways=tuple(track.way for track in found),
        maps=maps,
        remarks=tuple(remarks),
        facts=facts_of(run),
        cells=cells_of(run),
        files={
            "results.csv": run.results.to_csv(),
            "table.md": run.results.to_markdown(aim),
            "table.tex": run.results.to_latex(),
            "manifest.json": manifest_text(run.manifest),
        },
        captioned=captioned,
    )
    listener.advance("checking the data", f"{len(page.findings.problems)} remarks")
    return page


def _maps(
    found: Sequence[Track],
    test: PairedEmbeddings,
    clips: NDArray[np.int64],
    methods: Sequence[str],
    unit: str,
    seed: int,
    remarks: list[str],
    progress: Progress,
) -> tuple[Map, ...]:
    maps = []
    target = test.target[first_targets(test)[clips]]
    for method in methods if found else ():
        label = f"projecting: {LABELS[method]}"
        progress.begin(label)
        try:
            maps.append(project_all(found, target, method, unit=unit, random_state=seed, progress=progress))
            progress.advance(label, f"{len(clips):,} clips")
        except InputError as error:
            remarks.append(f"{LABELS[method]} is not in this view: {error}.")
            progress.advance(label, f"left out: {error}")
    return tuple(maps)


def _remarks(run: Run, found: Sequence[Track], clips: NDArray[np.int64]) -> list[str]:
    """What the view leaves out, and what it is made of."""
    lines = []
    if not found:
        lines.append(
            f"The folder of the study holds no fitted bridge that gapkit {gapkit.__version__} can move the clips with, "
            "so there is nothing to see move here; the table and the rest of the page do not need them."
        )
    elif all(len(track.way.states) == 2 for track in found):
        lines.append("No bridge of this study moves in steps, so there is nothing between before and after.")
    if len(clips) < len(run.test):
        lines.append(
            f"Shows {len(clips):,} of {len(run.test):,} measured clips, evenly chosen; the numbers below the picture "
            "are of all."
        )
    made_by = run.manifest.get("gapkit")
    if made_by != gapkit.__version__:
        lines.append(
            f"The study was made by gapkit {made_by or 'of an unknown version'}, this page by {gapkit.__version__}: "
            "the table is that of the study, the clips were moved again by the bridges that it kept."
        )
    return lines


def _ids(test: PairedEmbeddings, clips: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(str(clip) if test.ids is None else str(test.ids[clip]) for clip in clips)


def _captions(test: PairedEmbeddings, clips: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
    if test.captions is None:
        return tuple(() for _ in clips)
    own: dict[int, list[str]] = {int(clip): [] for clip in clips}
    for clip, caption in zip(test.owner.tolist(), test.captions.tolist(), strict=True):
        if clip in own:
            own[clip].append(shortened(caption))
    return tuple(tuple(captions) for captions in own.values())
