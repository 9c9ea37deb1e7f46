"""The way of single clips through the reverse steps, as arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gapkit.plots.clouds import draw_points, frame, linked
from gapkit.plots.scene import SOURCE, Scene
from gapkit.plots.steps import check_steps
from gapkit.plots.style import BEFORE, COLUMN, TARGET, canvas
from gapkit.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def arrows(scene: Scene, *, ax: Axes | None = None, clips: int = 40) -> Axes:
    """An arrow a step for some clips, coloured by the step, and the mean of all clips in black.

    Parameters
    ----------
    scene : Scene
        Made by `gapkit.plots.stage_steps`.
    ax : Axes, optional
    clips : int
        Clips whose way is drawn.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        A scene of several bridges.
    """
    check_steps(scene)
    states = np.stack([scene.before, *scene.clouds.values()])
    chosen = linked(len(scene.before), clips)
    with canvas(ax, size=(COLUMN * 1.15, COLUMN * 1.08)) as axes:
        draw_points(axes, scene.target, TARGET, "target", order=1, alpha=0.4)
        draw_points(axes, scene.before, BEFORE, "source", order=1, alpha=0.4)
        moves = np.diff(states[:, chosen], axis=0)
        starts = states[:-1, chosen]
        step = np.repeat(np.arange(1, len(states)), len(chosen))
        drawn = axes.quiver(
            *starts.reshape(-1, 2).T, *moves.reshape(-1, 2).T, step, angles="xy", scale_units="xy", scale=1,
            cmap="plasma", width=0.0035, headwidth=4, headlength=4.5, headaxislength=4, zorder=3, alpha=0.9,
        )  # fmt: skip
        drawn.set_clim(0.5, len(states) + 0.5)
        mean = states.mean(axis=1)
        way = np.diff(mean, axis=0)
        axes.quiver(
            *mean[:-1].T, *way.T, angles="xy", scale_units="xy", scale=1, color="black", width=0.008, headwidth=4,
            headlength=4.5, headaxislength=4, zorder=5, label="mean of all clips",
        )  # fmt: skip
        *_, answer = scene.clouds
        said = {cloud: [cloud, *scene.lines(cloud)] for cloud in (SOURCE, answer)}
        frame(axes, [scene.before, scene.target, *scene.clouds.values()], room=0.047 * len(said[SOURCE]) + 0.01)
        for place, lines in zip((0.02, 0.52), said.values(), strict=True):
            axes.text(
                place, 0.98, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=6.0, linespacing=1.25,
                zorder=6, gid="numbers",
            )  # fmt: skip
        axes.set(xlabel=scene.labels[0], ylabel=scene.labels[1])
        axes.set_title(printable(scene.note or scene.name), fontweight="bold")
        bar = axes.figure.colorbar(drawn, ax=axes, ticks=range(1, len(states)), fraction=0.04, pad=0.02)
        bar.ax.set_yticklabels([printable(name, limit=12) for name in scene.clouds], parse_math=False)
        bar.ax.set_ylim(0.5, len(states) - 0.5)  # the palest end of the map has no arrow
        bar.outline.set_visible(False)
        handles = [
            _dot(TARGET, "target"), _dot(BEFORE, "source"), _line("black", "mean of all clips"),
            _line("#B12A90", f"{len(chosen)} clips, an arrow a step (colour)"),
        ]  # fmt: skip
        if ax is None:
            axes.figure.legend(handles=handles, loc="outside lower center", ncols=2)
        else:
            axes.legend(handles=handles, loc="lower right")
    return axes


def _dot(colour: str, label: str) -> object:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker="o", markersize=4, color=colour, label=label)


def _line(colour: str, label: str) -> object:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linewidth=1.6, label=label)
