"""`draw`: a figure by the name of its kind, from a finished study or from embeddings."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.comparison.results import Results
from gapkit.comparison.run import Run, open_run
from gapkit.comparison.summary import mean_draws
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.plots.arrows import arrows
from gapkit.plots.bridge_table import bridge_table
from gapkit.plots.cosines import cosines, pair_cosines
from gapkit.plots.cost import cost
from gapkit.plots.frontier import frontier
from gapkit.plots.gap_axis import gap_axis, gap_positions
from gapkit.plots.material import PREFERRED, Material
from gapkit.plots.migration import migration
from gapkit.plots.path import path
from gapkit.plots.pool import pool_curves, pool_table
from gapkit.plots.retrieval import retrieval, retrieval_table
from gapkit.plots.scene import Scene
from gapkit.plots.similarity import similarity
from gapkit.plots.staging import NUMBERS, Progress, check_metrics, stage, stage_steps
from gapkit.plots.steps import steps
from gapkit.records import read_json
from gapkit.verdict import CLOSED, KEPT
from gapkit.verdict.trade_off import trade_off

BEFORE = "source before"
ALONG = ("cosine", "cosine-margin", "recall@10", "separability")
"""Metrics of the denoising path."""


@dataclass(frozen=True)
class Wishes:
    """What may be chosen of a figure.

    Parameters
    ----------
    bridges : sequence of str, optional
        Left out: the first of the study, as many as fit.
    method : str
        Projection, of migration, steps and arrows.
    metrics : sequence of str, optional
        Of the numbers in panels, of path and of table.
    seed : int, optional
        Which fitted bridge; left out, the first.
    sample_steps : int, optional
        Reverse steps, where the bridge can take another number than that of the study.
    max_clips : int
        Drawn clips; numbers come from all.
    random_state : int
        Of the projection and the drawn clips.
    """

    bridges: Sequence[str] | None = None
    method: str = "pca"
    metrics: Sequence[str] | None = None
    seed: int | None = None
    sample_steps: int | None = None
    max_clips: int = 1000
    random_state: int = 0


def draw(
    kind: str, data: Run | PairedEmbeddings | str | Path, *, progress: Progress | None = None, **wishes: Any
) -> Any:
    """A figure of the kind.

    Parameters
    ----------
    kind : str
        One of `gapkit.plots.KINDS`.
    data : Run, PairedEmbeddings or path
        A study, opened or the folder where it lies; pairs, for the gap as it is. For table, frontier and cost the
        folder is enough, its data may be gone.
    progress : callable, optional
        ``progress(done, total, what)``.
    **wishes
        See `Wishes`.

    Returns
    -------
    Axes or array of Axes

    Raises
    ------
    InputError
        An unknown kind, a study that lacks what the kind shows, unknown bridges or metrics.
    """
    check_kind(kind)
    try:
        chosen = Wishes(**wishes)
    except TypeError as error:
        raise InputError(f"figure {kind}: {str(error).split('() ')[-1]}; see gapkit.plots.drawing.Wishes") from None
    if chosen.metrics is not None:
        check_metrics(chosen.metrics)
    if kind in _OF_RESULTS:
        if isinstance(data, PairedEmbeddings):
            raise InputError(f"figure {kind}: needs the folder of a study, got embeddings; run `gapkit compare` first")
        opened = (data.results, data.folder) if isinstance(data, Run) else (Results.read(data), Path(data))
        return _OF_RESULTS[kind](*opened, chosen)
    return _OF_CLOUDS[kind](material_of(data), chosen, progress)


def material_of(data: Run | PairedEmbeddings | str | Path) -> Material:
    """What the figures of clouds are made of."""
    return Material.of(open_run(data) if isinstance(data, str | Path) else data)


def check_kind(kind: str) -> None:
    """Refuse an unknown kind, and name those that there are."""
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InputError(f"figure: expected one of {', '.join(KINDS)}, got {kind!r}{hint}")


def steps_scene(material: Material, wishes: Wishes, progress: Progress | None) -> Scene:
    """The states of one bridge in one plane."""
    name = material.stepping(wishes.bridges, 1)[0]
    states, names, note = material.states(name, wishes.seed, wishes.sample_steps)
    title = f"{note} on {material.name}"
    return stage_steps(states, material.test.target, names=names, **_staging(material, wishes, progress), note=title)


def _staging(material: Material, wishes: Wishes, progress: Progress | None) -> dict[str, Any]:
    captions = material.test.captions
    return {
        "owner": material.test.owner, "groups": material.test.origins, "method": wishes.method,
        "metrics": wishes.metrics or NUMBERS,
        "captions": None if captions is None else [str(caption) for caption in captions],
        "max_clips": wishes.max_clips, "random_state": wishes.random_state, "name": material.name, "progress": progress,
    }  # fmt: skip


def _migration(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    moved = material.moved(material.bridges(wishes.bridges, 5), wishes.seed)
    return migration(stage(material.test.source, material.test.target, moved, **_staging(material, wishes, progress)))


def _steps(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    return steps(steps_scene(material, wishes, progress))


def _arrows(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    return arrows(steps_scene(material, wishes, progress))


def _path(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    numbers = {}
    names = material.stepping(wishes.bridges, 5)
    for done, name in enumerate(names):
        if progress is not None:
            progress(done, len(names), name)
        states, labels, note = material.states(name, wishes.seed, wishes.sample_steps)
        scene = stage_steps(
            states, material.test.target, names=labels, owner=material.test.owner, metrics=wishes.metrics or ALONG,
            random_state=wishes.random_state, max_clips=wishes.max_clips,
        )  # fmt: skip
        numbers[note] = scene.numbers
    if progress is not None:
        progress(len(names), len(names), "")
    return path(numbers, columns=2)


def _cosines(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    sources = {BEFORE: material.test.source, **material.moved(material.bridges(wishes.bridges, 1), wishes.seed)}
    target, owner = material.test.target, material.test.owner
    found = {name: pair_cosines(own, target, owner=owner, seed=wishes.random_state) for name, own in sources.items()}
    return cosines(found, title=material.name)


def _similarity(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    sources = {BEFORE: material.test.source, **material.moved(material.bridges(wishes.bridges, 2), wishes.seed)}
    return similarity(sources, material.test.target, owner=material.test.owner, seed=wishes.random_state)


def _axis(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    moved = material.moved(material.bridges(wishes.bridges, 3), wishes.seed)
    found = gap_positions(material.test.source, material.test.target, moved, owner=material.test.owner)
    return gap_axis(found, title=material.name)


def _retrieval(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    sources = {BEFORE: material.test.source, **material.moved(material.bridges(wishes.bridges, 5), wishes.seed)}
    test, seed = material.test, wishes.random_state
    table = retrieval_table(sources, test.target, owner=test.owner, groups=test.origins, seed=seed)
    return retrieval(table, title=material.name)


def _pool(material: Material, wishes: Wishes, progress: Progress | None) -> Any:
    sources = {BEFORE: material.test.source, **material.moved(material.bridges(wishes.bridges, 5), wishes.seed)}
    test, seed = material.test, wishes.random_state
    return pool_curves(
        pool_table(sources, test.target, owner=test.owner, groups=test.origins, seed=seed), title=material.name
    )


def _frontier(results: Results, folder: Path, wishes: Wishes) -> Any:
    return frontier(_trade_off(results, wishes), highlight=[PREFERRED], title=str(results.study.get("name", "")))


def _cost(results: Results, folder: Path, wishes: Wishes) -> Any:
    table = _trade_off(results, wishes).join(cell_seconds(folder), on="bridge")
    return cost(table, highlight=[PREFERRED], title=str(results.study.get("name", "")))


def _table(results: Results, folder: Path, wishes: Wishes) -> Any:
    try:
        shares = _trade_off(results, replace(wishes, bridges=None))
    except InputError:
        shares = None  # a study of other metrics has a table all the same
    table = results.table(bridges=wishes.bridges)
    measured = [column.name for column in table.columns if column.name not in (CLOSED, KEPT)]
    return bridge_table(table, shares, metrics=wishes.metrics or measured)


def _trade_off(results: Results, wishes: Wishes) -> pd.DataFrame:
    table = trade_off(results.summary(), lambda name, metric: mean_draws(results.frame, results.draws, name, metric))
    if wishes.bridges is None:
        return table
    unknown = [name for name in wishes.bridges if name not in set(table["bridge"])]
    if unknown:
        raise InputError(f"figure: no bridge {unknown[0]!r} in this study; here are: {', '.join(table['bridge'])}")
    return table[table["bridge"].isin(list(wishes.bridges))]


def cell_seconds(folder: str | Path) -> pd.DataFrame:
    """Mean seconds that the fits and the moves of each bridge took, out of the manifest of a study.

    Raises
    ------
    InputError
        The manifest is missing or holds none.
    """
    file = Path(folder) / "manifest.json"
    try:
        cells = read_json(file)["cells"]
        rows = [
            {
                "bridge": _bridge_of(stem),
                "fit_seconds": cell["fit_seconds"],
                "transform_seconds": cell["transform_seconds"],
            }
            for stem, cell in cells.items()
        ]
        return pd.DataFrame(rows).groupby("bridge")[["fit_seconds", "transform_seconds"]].mean()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file}: holds no times; expected what `gapkit compare` wrote") from None


def _bridge_of(stem: str) -> str:
    """The bridge of a cell: NAME or NAME-sSEED."""
    name, _, seed = stem.rpartition("-s")
    return name if name and seed.isdigit() else stem


_OF_CLOUDS: Mapping[str, Callable[[Material, Wishes, Progress | None], Any]] = {
    "migration": _migration, "steps": _steps, "arrows": _arrows, "path": _path, "cosines": _cosines,
    "similarity": _similarity, "axis": _axis, "retrieval": _retrieval, "pool": _pool,
}  # fmt: skip
_OF_RESULTS: Mapping[str, Callable[[Results, Path, Wishes], Any]] = {
    "frontier": _frontier, "table": _table, "cost": _cost,
}  # fmt: skip

KINDS = (*_OF_CLOUDS, *_OF_RESULTS)
"""Names of the figures that `draw` makes."""
