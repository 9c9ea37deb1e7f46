"""Similarity matrices: every clip against every target, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.plots.pairs import check_pairs, unit_rows
from gapkit.plots.style import PAGE, panels
from gapkit.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLIPS = 60


def similarity(
    sources: Mapping[str, ArrayLike],
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    clips: int = CLIPS,
    seed: int = 0,
    columns: int = 3,
) -> NDArray[np.object_]:
    """One matrix of cosines a source, in one scale of colours; the diagonal holds the pairs.

    Parameters
    ----------
    sources : mapping of name to array-like of shape (n, d)
        In order: the source before first.
    target : array-like of shape (m, d)
        The first target of each clip is shown.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    ax : Axes or sequence of Axes, optional
        As many as there are sources.
    clips : int
        Clips that are shown, drawn at random, in the order in which their targets are alike.
    seed : int
        Of the draw.
    columns : int
        Panels side by side.

    Returns
    -------
    array of Axes

    Raises
    ------
    InputError
        Nothing to draw, or shapes that do not fit each other.
    """
    if not sources:
        raise InputError("similarity: expected at least one source, got none")
    checked = {name: check_pairs(source, target, owner) for name, source in sources.items()}
    x, y, owners = next(iter(checked.values()))
    first = np.unique(owners, return_index=True)[1]
    shown = np.arange(len(x))
    if len(x) > clips:
        shown = np.random.default_rng([seed, 6]).choice(len(x), max(clips, 1), replace=False)
    right = unit_rows(y[first[shown]])
    order = _alike(right)
    shown, right = shown[order], right[order]
    tables = {name: unit_rows(rows[shown]) @ right.T for name, (rows, _, _) in checked.items()}
    every = np.concatenate([table.ravel() for table in tables.values()])
    low, high = (float(value) for value in np.quantile(every, [0.01, 0.995]))
    across = min(columns, len(tables))
    width = min(PAGE, 2.5 * across + 0.6)
    # A square matrix with its title and label, beside the scale of colours.
    size = (width, -(-len(tables) // across) * ((width - 0.7) / across * 0.91 + 0.38))
    with panels(ax, len(tables), columns=columns, size=size) as axes:
        for axis, (name, table) in zip(axes, tables.items(), strict=True):
            image = axis.imshow(table, vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
            axis.set(xticks=[], yticks=[], xlabel=f"target of {len(shown)} clips", ylabel="source of the same clips")
            axis.set_title(printable(name, limit=30), fontweight="bold")
        bar = axes[0].figure.colorbar(image, ax=list(axes), fraction=0.03, pad=0.02, shrink=0.8, extend="both")
        bar.set_label("Cosine")
        bar.outline.set_visible(False)
    return np.array(axes, dtype=object)


def _alike(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """An order in which neighbours are alike: the leaves of average linkage."""
    if len(rows) < 3:
        return np.arange(len(rows))
    from scipy.cluster.hierarchy import leaves_list, linkage

    return np.asarray(leaves_list(linkage(rows, "average", optimal_ordering=True)), dtype=np.int64)
