"""Projections of everything that the page shows, each found on all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.page.content import Map
from gapkit.page.ways import Track
from gapkit.projections import METHODS, Projection, project

MOST_ROWS = 40_000
"""Rows that a projection by neighbours is found on; linear ones take all."""
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
    tracks: Sequence[Track], target: NDArray[np.float32], method: str, *, unit: str, random_state: int
) -> Map:
    """One plane for the targets and every state of every bridge.

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
    clouds = 2 + sum(len(track.states) - 1 for track in tracks)
    some = min(n, max(MOST_ROWS // clouds, 5)) if method in BY_NEIGHBOURS else n
    chosen = np.linspace(0, n - 1, some).round().astype(int)
    given = {"before": tracks[0].states[0][chosen]}
    given |= {f"way {k}": track.states[1:, chosen] for k, track in enumerate(tracks)}
    given["target"] = target[chosen]
    options = {"pca": {"axes_from": ("before", "target")}, "lda": {"between": ("before", "target")}}
    options["gap"] = options["lda"]
    flat = project(given, method, random_state=random_state, **options.get(method, {}))
    ways = {}
    for k, track in enumerate(tracks):
        states = np.concatenate([flat.coordinates["before"][None], flat.coordinates[f"way {k}"]])
        ways[track.way.bridge] = _spread(states, chosen, n)
    note = NOTES[method].format(unit=unit) + _how(flat, clouds * some)
    if some < n:
        note += f" Shows {some:,} of {n:,} clips, evenly chosen."
    axes = _across(flat.labels, unit)
    return Map(method, LABELS[method], note, axes, _spread(flat.coordinates["target"], chosen, n), ways)


def _how(flat: Projection, rows: int) -> str:
    if flat.method == "umap":
        how = f"{flat.params['n_neighbors']} exact neighbours by cosine"
    elif flat.method == "tsne":
        how = f"perplexity {flat.params['perplexity']:g}"
    else:
        return ""
    return f" Found on {rows:,} rows at once, all states of all bridges: {how}, seed {flat.params['random_state']}."


def _across(labels: tuple[str, str], unit: str) -> tuple[str, str]:
    first, second = (label.replace("before to target", f"clips to {unit}s") for label in labels)
    return first, second


def _spread(points: NDArray[np.float64], chosen: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Points of the chosen clips among all of them; the others are NaN."""
    whole = np.full((*points.shape[:-2], n, 2), np.nan)
    whole[..., chosen, :] = points
    return whole
