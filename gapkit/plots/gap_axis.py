"""Where clips stand on the line from the mean of the source to the mean of the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.plots.cosines import colours
from gapkit.plots.pairs import check_names, check_pairs, unit_rows
from gapkit.plots.style import COLUMN, TARGET, canvas
from gapkit.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gap_positions(
    source: ArrayLike,
    target: ArrayLike,
    moved: Mapping[str, ArrayLike] | None = None,
    *,
    owner: ArrayLike | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Positions on the gap axis, rows scaled to length one.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    moved : mapping of name to array-like of shape (n, d), optional
    owner : array-like of shape (m,), optional
        Source row of each target row.

    Returns
    -------
    dict of name to array
        Keys ``"source"``, those of `moved`, ``"target"``. In units of the embedding space: the mean of the source
        stands at 0, that of the target at their distance.

    Raises
    ------
    InputError
        Both have the same mean, shapes do not fit, or a moved cloud is called source or target.

    Examples
    --------
    >>> found = gap_positions([[1, 0], [1, 0]], [[0, 1], [0, 1]])
    >>> found["target"].round(3)
    array([1.414, 1.414])
    """
    check_names(moved or ())
    clouds = {"source": source, **(moved or {})}
    rows = {name: unit_rows(check_pairs(own, target, owner)[0].astype(np.float64)) for name, own in clouds.items()}
    reached = unit_rows(check_pairs(source, target, owner)[1].astype(np.float64))
    start = rows["source"].mean(axis=0)
    way = reached.mean(axis=0) - start
    length = float(np.linalg.norm(way))
    if length < 1e-9:
        raise InputError("axis: source and target have the same mean, so there is no axis between them")
    return {name: (own - start) @ (way / length) for name, own in {**rows, "target": reached}.items()}


def gap_axis(
    positions: Mapping[str, NDArray[np.float64]], *, ax: Axes | None = None, bins: int = 60, title: str = ""
) -> Axes:
    """Histograms along the gap axis: source, what bridges made of it, target.

    Parameters
    ----------
    positions : mapping of name to array
        What `gap_positions` gives: the source first, the target last.
    ax : Axes, optional
    bins : int
    title : str

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Fewer than two clouds.
    """
    if len(positions) < 2:
        raise InputError(f"axis: expected a source and a target, got {', '.join(positions) or 'nothing'}")
    every = np.concatenate(list(positions.values()))
    edges = np.linspace(every.min() - 1e-9, every.max() + 1e-9, max(bins, 1) + 1)
    *moved, last = positions
    shades = [*colours(len(moved)), TARGET]
    used = [c if c != TARGET else "#E69F00" for c in shades[:-1]]
    with canvas(ax, size=(COLUMN * 1.2, 2.3)) as axes:
        for name, colour in zip((*moved, last), (*used, TARGET), strict=True):
            own = positions[name]
            filled = name in (moved[0], last)
            label = f"{printable(name, limit=28)}, mean {round(own.mean(), 2) + 0.0:.2f}"
            axes.hist(
                own, bins=list(edges), density=True, color=colour, histtype="stepfilled" if filled else "step",
                alpha=0.45 if filled else 1.0, linewidth=1.3, label=label,
            )  # fmt: skip
        axes.set(xlabel="Position on the line from the source's mean to the target's", ylabel="Density")
        axes.set_yticks([])
        axes.set_ylim(top=axes.get_ylim()[1] * 1.08)
        axes.set_title(printable(title), fontweight="bold")
        axes.legend(loc="best")
    return axes
