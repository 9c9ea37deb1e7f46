"""Projections of everything that the page shows, each found on all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.comparison.progress import Progress
from gapkit.errors import InputError
from gapkit.page.content import Map
from gapkit.page.ways import Track
from gapkit.projections import METHODS, Projection, project

MOST_ROWS = 60_000
"""Rows that projections by neighbours are found on, all bridges together; linear ones take all."""
BY_NEIGHBOURS = ("umap", "tsne")
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

    A linear plane is one for all bridges. By neighbours each bridge has a plane of its own, found on its own states,
    the clips before and the targets: with all bridges in one, the nearest neighbours of a clip would be the same clip
    moved by the others.

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
    clouds = sum(len(track.states) + 1 for track in tracks)
    some = min(n, max(MOST_ROWS // clouds, 5)) if own else n
    chosen = np.linspace(0, n - 1, some).round().astype(int)
    targets, ways = {}, {}
    planes = [[track] for track in tracks] if own else [list(tracks)]
    for number, together in enumerate(planes):
        if progress is not None and own:
            progress.step(number, len(planes), f"{LABELS[method]} of {together[0].way.bridge}")
        flat = _plane(together, target[chosen], chosen, method, random_state)
        goal = _spread(flat.coordinates["target"], chosen, n)
        for k, track in enumerate(together):
            states = np.concatenate([flat.coordinates["before"][None], flat.coordinates[f"way {k}"]])
            ways[track.way.bridge] = _spread(states, chosen, n)
            targets[track.way.bridge] = goal
    note = NOTES[method].format(unit=unit) + _how(flat)
    if some < n:
        note += f" Shows {some:,} of {n:,} clips, evenly chosen."
    return Map(method, LABELS[method], note, _across(flat.labels, unit), targets, ways)


def _plane(
    together: Sequence[Track], target: NDArray[np.float32], chosen: NDArray[np.int64], method: str, random_state: int
) -> Projection:
    given = {"before": together[0].states[0][chosen]}
    given |= {f"way {k}": track.states[1:, chosen] for k, track in enumerate(together)}
    given["target"] = target
    ends = ("before", "target")
    options: dict[str, dict[str, object]] = {
        "pca": {"axes_from": ends}, "lda": {"between": ends}, "gap": {"between": ends}, "umap": {"n_epochs": 200}
    }  # fmt: skip
    return project(given, method, random_state=random_state, **options.get(method, {}))


def _how(flat: Projection) -> str:
    if flat.method == "umap":
        how = f"{flat.params['n_neighbors']} exact neighbours by cosine"
    elif flat.method == "tsne":
        how = f"perplexity {flat.params['perplexity']:g}"
    else:
        return ""
    return (
        " Each bridge has a plane of its own, found on its states, the clips before and the targets together: "
        f"{how}, seed {flat.params['random_state']}."
    )


def _across(labels: tuple[str, str], unit: str) -> tuple[str, str]:
    first, second = (label.replace("before to target", f"clips to {unit}s") for label in labels)
    return first, second


def _spread(points: NDArray[np.float64], chosen: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Points of the chosen clips among all of them; the others are NaN."""
    whole = np.full((*points.shape[:-2], n, 2), np.nan)
    whole[..., chosen, :] = points
    return whole
