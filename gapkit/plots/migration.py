"""The migration: where the source was, where each bridge has brought it, and where the target is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.plots.clouds import axis_names, draw_cloud, legend, page_size
from gapkit.plots.scene import Scene
from gapkit.plots.style import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3


def migration(
    scene: Scene, *, ax: Axes | Sequence[Axes] | None = None, links: int = 40, columns: int = COLUMNS
) -> NDArray[np.object_]:
    """Small multiples in one plane: the source before, then one panel a bridge, all with the same limits.

    Parameters
    ----------
    scene : Scene
        Made by `gapkit.plots.stage`.
    ax : Axes or sequence of Axes, optional
        As many as there are panels: one more than bridges.
    links : int
        Pairs that a line joins, the same clips in each panel; 0 for none.
    columns : int
        Panels side by side.

    Returns
    -------
    array of Axes
        Each panel prints what was measured in the original space: a plane shows, it does not measure.

    Raises
    ------
    InputError
        Too few Axes.
    """
    names = [None, *scene.clouds]
    with panels(ax, len(names), columns=columns, size=page_size(len(names), columns)) as axes:
        for axis, name in zip(axes, names, strict=True):
            draw_cloud(axis, scene, name, links=links, after="source after", heading=name or "before any bridge")
        axis_names(scene, axes, min(columns, len(names)))
        legend(axes, ax is None)
    return np.array(axes, dtype=object)
