"""The reverse steps of one bridge as small multiples: the cloud at each state of the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.plots.clouds import axis_names, draw_cloud, legend, page_size
from gapkit.plots.scene import Scene
from gapkit.plots.style import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def steps(
    scene: Scene, *, ax: Axes | Sequence[Axes] | None = None, links: int = 40, columns: int = 4, most: int = 8
) -> NDArray[np.object_]:
    """One panel a state, from the source to the answer, all with the same limits.

    Parameters
    ----------
    scene : Scene
        Made by `gapkit.plots.stage_steps`.
    ax : Axes or sequence of Axes, optional
        As many as there are panels.
    links : int
        Pairs that a line joins.
    columns : int
        Panels side by side.
    most : int
        With more states than this, evenly chosen ones, the first and the last among them.

    Returns
    -------
    array of Axes

    Raises
    ------
    InputError
        A scene of several bridges, or too few Axes.
    """
    check_steps(scene)
    names: list[str | None] = [None, *scene.clouds]
    if len(names) > most:
        names = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, max(most, 2)).round().astype(int))]
    with panels(ax, len(names), columns=columns, size=page_size(len(names), columns)) as axes:
        for axis, name in zip(axes, names, strict=True):
            draw_cloud(axis, scene, name, links=links, after="source on its way", heading=name or "source")
        axis_names(scene, axes, min(columns, len(names)))
        legend(axes, ax is None)
    return np.array(axes, dtype=object)


def check_steps(scene: Scene) -> None:
    """Refuse a scene whose clouds are bridges."""
    if not scene.steps or not scene.clouds:
        raise InputError("figure: expected the states of one bridge; make the scene with stage_steps")
