"""Projections of everything that the page shows, each found on all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.metrics.neighbours import nearest_neighbours
from gapkit.page.content import Map
from gapkit.page.ways import Track
from gapkit.projections import METHODS, Projection, project
from gapkit.study.progress import Progress

MOST_ROWS = 40_000
"""Rows that projections by neighbours are found on, all bridges together; linear ones take all."""
BY_NEIGHBOURS = ("umap", "tsne")
NEIGHBOURS = 15
"""Rows by which a state between is placed."""
LABELS = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE", "lda": "LDA axis", "gap": "gap axis"}
NOTES = {
    "pca": "The two directions in which the clips before and their {unit}s together vary most. What varies in other "
    "directions is not seen: two clouds that lie on each other here may lie apart.",
    "umap": "Neighbours stay neighbours; distances between groups, their sizes and their densities mean nothing.",
    "tsne": "Neighbours stay neighbours; distances between groups, their sizes and their densities mean nothing.",
    "lda": "Across: the direction that tells clips before and {unit}s apart best. Up: what varies most beside it.",
    "gap": "Across: the line from the mean of the clips before to that of the {unit}s. Up: what varies most beside it.",
}


def check_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """The same without doubles.

    Raises
    ------
    InputError
        None, or one that is not there.
    """
    for name in methods:
        if name not in METHODS:
            raise InputError(f"projection: expected some of {', '.join(METHODS)}, got {name!r}")
    if not methods:
        raise InputError(f"projection: expected at least one of {', '.join(METHODS)}, got none")
    return tuple(dict.fromkeys(methods))


def project_all(
    tracks: Sequence[Track],
    target: NDArray[np.float32],
    method: str,
    *,
    unit: str,
    random_state: int,
    progress: Progress | None = None,
) -> Map:
    """The targets and every state of every bridge in the plane.

    A linear plane is one for all bridges and takes every state. By neighbours each bridge has a plane of its own, found
    on the clips before, after and the targets: with all bridges and states in one, the nearest neighbours of a clip
    would be the same clip, moved by the others or a step before. States between are placed afterwards, at the mean of
    the places of their nearest rows, nearer ones weighing more.

    Parameters
    ----------
    tracks : sequence of Track
        At least one.
    target : array of shape (k, d)
        First target of each shown clip.
    method : str
    unit : str
        What a target is called.
    random_state : int
    progress : Progress, optional
        Told of each plane.

    Returns
    -------
    Map
        Found on all shown clips, or, by neighbours, on as many of them, evenly chosen, as give `MOST_ROWS` rows.

    Raises
    ------
    InputError
        Too few rows.
    """
    n = len(target)
    own = method in BY_NEIGHBOURS
    some = min(n, max(MOST_ROWS // (3 * len(tracks)), 5)) if own else n
    chosen = np.linspace(0, n - 1, some).round().astype(int)
    targets, ways = {}, {}
    planes = [[track] for track in tracks] if own else [list(tracks)]
    for number, together in enumerate(planes):
        if progress is not None and own:
            progress.step(number, len(planes), f"{LABELS[method]} of {together[0].way.bridge}")
        place = _by_neighbours if own else _linear
        flat, before, after = place(together, target[chosen], chosen, method, random_state)
        goal = _spread(flat.coordinates["target"], chosen, n)
        for track, states in zip(together, after, strict=True):
            ways[track.way.bridge] = _spread(np.concatenate([before[None], states]), chosen, n)
            targets[track.way.bridge] = goal
    note = NOTES[method].format(unit=unit) + _how(flat, any(len(track.states) > 2 for track in tracks))
    if some < n:
        note += f" Shows {some:,} of {n:,} clips, evenly chosen."
    axes = flat.axes if own else _shares(flat, np.concatenate([tracks[0].states[0][chosen], target[chosen]]))
    named = [axis.replace("before to target", f"clips to {unit}s") for axis in axes]
    return Map(method, LABELS[method], note, (named[0], named[1]), targets, ways)


Places = NDArray[np.float64]


def _linear(
    together: Sequence[Track], target: NDArray[np.float32], chosen: NDArray[np.int64], method: str, random_state: int
) -> tuple[Projection, Places, list[Places]]:
    """The plane, the clips before in it, and the later states of each bridge."""
    given = {"before": together[0].states[0][chosen]}
    given |= {f"way {k}": track.states[1:, chosen] for k, track in enumerate(together)}
    given["target"] = target
    ends = ("before", "target")
    options = {"axes_from": ends} if method == "pca" else {"between": ends}
    flat = project(given, method, random_state=random_state, **options)
    return flat, flat.coordinates["before"], [flat.coordinates[f"way {k}"] for k in range(len(together))]


def _by_neighbours(
    together: Sequence[Track], target: NDArray[np.float32], chosen: NDArray[np.int64], method: str, random_state: int
) -> tuple[Projection, Places, list[Places]]:
    """The same for one bridge, found on the ends of its way."""
    states = together[0].states[:, chosen]
    given = {"before": states[0], "after": states[-1], "target": target}
    flat = project(given, method, random_state=random_state, **({"n_epochs": 200} if method == "umap" else {}))
    found = np.concatenate([flat.coordinates[name] for name in given])
    rows = np.concatenate(list(given.values()))
    between = [_placed(state, rows, found) for state in states[1:-1]]
    return flat, flat.coordinates["before"], [np.stack([*between, flat.coordinates["after"]])]


def _placed(state: NDArray[np.float32], rows: NDArray[np.float32], found: Places) -> Places:
    near = nearest_neighbours(state, rows, k=min(NEIGHBOURS, len(rows)))
    distances = near.distances.numpy()
    beyond = distances - distances[:, :1]
    weights = np.exp(-beyond / np.maximum(beyond.mean(axis=1, keepdims=True), 1e-12))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("nk,nkd->nd", weights, found[near.indices.numpy()]))


def _how(flat: Projection, steps: bool) -> str:
    if flat.method == "umap":
        how = f"{flat.params['n_neighbors']} exact neighbours by cosine"
    elif flat.method == "tsne":
        how = f"perplexity {flat.params['perplexity']:g}"
    else:
        return ""
    between = f" States between are placed among their {NEIGHBOURS} nearest rows." if steps else ""
    return (
        " Each bridge has a plane of its own, found on the clips before, after and the targets together: "
        f"{how}, seed {flat.params['random_state']}.{between}"
    )


def _shares(flat: Projection, rows: NDArray[np.float32]) -> tuple[str, str]:
    """The axes with their shares of the variance of the rows that they were found on: clips before, and targets."""
    places = np.concatenate([flat.coordinates["before"], flat.coordinates["target"]])
    total = float(rows.var(axis=0, dtype=np.float64).sum())
    first, second = places.var(axis=0) / total if total > 0 else np.zeros(2)
    return f"{flat.axes[0]} ({first:.0%} of variance)", f"{flat.axes[1]} ({second:.0%} of variance)"


def _spread(points: NDArray[np.float64], chosen: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Points of the chosen clips among all of them; the others are NaN."""
    whole = np.full((*points.shape[:-2], n, 2), np.nan)
    whole[..., chosen, :] = points
    return whole
