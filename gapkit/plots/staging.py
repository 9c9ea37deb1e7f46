"""From arrays to a `Scene`: one plane for all clouds, and each cloud measured in the space that it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics import METRICS, Reference, measure
from gapkit.plots.pairs import as_owner, as_rows, check_names
from gapkit.plots.scene import SOURCE, Scene, state_names
from gapkit.projections import project
from gapkit.statistics import Groups

NUMBERS = ("cosine", "centroid-distance", "recall@10")
"""Metrics that stand in each panel."""

LINEAR = ("pca", "gap", "lda")

Progress = Callable[[int, int, str], None]
"""Called with what is done, how much there is, and what begins."""


def stage(
    source: ArrayLike,
    target: ArrayLike,
    moved: Mapping[str, ArrayLike] | None = None,
    *,
    owner: ArrayLike | None = None,
    groups: Groups | None = None,
    method: str = "pca",
    metrics: Sequence[str] = NUMBERS,
    captions: Sequence[str] | None = None,
    max_clips: int = 1000,
    n_resamples: int = 1000,
    random_state: int = 0,
    name: str = "",
    note: str = "",
    progress: Progress | None = None,
    **options: Any,
) -> Scene:
    """Put the source, what bridges made of it, and the target into one plane.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    moved : mapping of bridge name to array-like of shape (n, d), optional
        Left out: the gap as it is.
    owner : array-like of shape (m,), optional
        Source row of each target row; left out, pairs are one to one.
    groups : Groups, optional
        Origins of the clips: the units of the intervals.
    method : {"pca", "umap", "tsne", "lda", "gap"}
        See `gapkit.projections.project`. The linear ones take their axes from source and target alone, so that a
        bridge does not choose the plane that it is seen in; for umap versions of one clip are no neighbours, since
        they would tie the source to what bridges made of it over any gap.
    metrics : sequence of str
        Registered metrics, measured on all clips in the original space, with 95 % intervals over clips.
    captions : sequence of str, optional
        Text of each target row.
    max_clips : int
        More clips than these are drawn from at random; each brings one target row along.
    n_resamples : int
        Bootstrap resamples behind the intervals.
    random_state : int
        Of the projection, the drawn clips and the resamples.
    name, note : str
        What the data are called; what a reader has to know.
    progress : callable, optional
        ``progress(done, total, what)``.
    **options
        Of the projection method.

    Returns
    -------
    Scene

    Raises
    ------
    InputError
        Shapes that do not fit each other, an unknown method, metric or option.
    """
    before = as_rows(source, "source")
    reached = as_rows(target, "target", before.shape[1])
    clouds = {str(key): as_rows(rows, str(key), before.shape[1]) for key, rows in (moved or {}).items()}
    check_names(clouds)
    for key, rows in clouds.items():
        if len(rows) != len(before):
            raise InputError(f"figure: {key}: expected {len(before)} rows, one a source row, got {len(rows)}")
    owners = as_owner(owner, len(before), len(reached))
    if max_clips < 1:
        raise InputError(f"figure: max_clips: expected at least 1, got {max_clips}")
    tell = progress or (lambda done, total, what: None)
    total = len(clouds) + 2
    reference = Reference.from_target(
        reached, owner=owners, groups=groups, seed=random_state, n_resamples=n_resamples, normalise=True
    )
    records = []
    for done, (key, rows) in enumerate({SOURCE: before, **clouds}.items()):
        tell(done, total, f"measuring {key}")
        found = measure(rows, reference, list(metrics), original=before)
        records += [(key, metric, e.value, e.low, e.high) for metric, e in found.items()]
    tell(total - 1, total, f"projecting ({method})")
    shown = _shown(len(before), max_clips, random_state)
    chosen = np.unique(owners, return_index=True)[1][shown]
    drawn = {"source": before[shown], **{f"to {key}": rows[shown] for key, rows in clouds.items()}}
    if method in LINEAR:
        options = {"axes_from": ["source", "target"], **options}
    if method == "umap":
        options = {"same_clips": list(drawn), **options}
    plane = project({**drawn, "target": reached[chosen]}, method, random_state=random_state, **options)
    tell(total, total, "")
    import pandas as pd

    return Scene(
        plane.coordinates["source"],
        plane.coordinates["target"],
        {key: plane.coordinates[f"to {key}"] for key in clouds},
        plane.labels,
        method,
        pd.DataFrame(records, columns=["cloud", "metric", "value", "low", "high"]),
        len(before),
        name,
        () if captions is None else tuple(str(captions[row]) for row in chosen),
        note=note,
        params={k: v for k, v in plane.params.items() if v is not None and k not in ("axes_from", "same_clips")},
    )


def stage_steps(states: ArrayLike, target: ArrayLike, *, names: Sequence[str] | None = None, **options: Any) -> Scene:
    """The states of one bridge, from the source to the answer.

    Parameters
    ----------
    states : array-like of shape (s, n, d)
        The first is the source, the last the answer: what ``bridge.trajectory`` gives.
    target : array-like of shape (m, d)
    names : sequence of str, optional
        One for each state but the first. Left out: start (where the process begins), step 1, step 2, ...
    **options
        As for `stage`.

    Returns
    -------
    Scene

    Raises
    ------
    InputError
        See `stage`.
    """
    from dataclasses import replace

    array = np.asarray(states)
    if array.ndim != 3 or len(array) < 2:
        raise InputError(f"figure: states: expected shape (s, n, d) with s >= 2, got {array.shape}")
    if names is None:
        names = ["answer"] if len(array) == 2 else state_names(len(array))
    if len(set(names)) != len(array) - 1:
        raise InputError(f"figure: names: expected {len(array) - 1} different ones, got {', '.join(names)}")
    scene = stage(array[0], target, dict(zip(names, array[1:], strict=True)), **options)
    return replace(scene, steps=True)


def check_metrics(metrics: Sequence[str]) -> None:
    """Refuse unknown names before anything is computed."""
    for metric in metrics:
        METRICS.get(metric)


def _shown(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Clips that are drawn, ascending."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 2]).choice(n, most, replace=False))
