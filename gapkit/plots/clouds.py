"""Clouds in a plane: points, lines between pairs, numbers, and limits that all panels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gapkit.plots.scene import SOURCE, Scene
from gapkit.plots.style import AFTER, BEFORE, COLUMN, FAINT, PAGE, TARGET
from gapkit.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = NDArray[np.float64]

MANY = 300
"""Points from which PDF and SVG hold them as one picture: a file of ten thousand circles opens slowly."""

ORDER = ("source before", "source on its way", "source after", "target", "pairs")
"""Of the legend."""


def point_size(n: int) -> float:
    """Area of a point, in square points: less where there are more."""
    return float(np.clip(900 / max(n, 1), 1.5, 9.0))


def draw_points(ax: Axes, points: Points, colour: str, label: str, *, order: float, alpha: float = 0.75) -> Any:
    """One cloud."""
    return ax.scatter(
        points[:, 0], points[:, 1], s=point_size(len(points)), color=colour, alpha=alpha, linewidths=0, label=label,
        zorder=order, rasterized=len(points) > MANY,
    )  # fmt: skip


def draw_links(ax: Axes, first: Points, second: Points, chosen: NDArray[np.int64], label: str) -> Any:
    """Straight lines between some pairs."""
    from matplotlib.collections import LineCollection

    lines = LineCollection(
        list(np.stack([first[chosen], second[chosen]], axis=1)), colors="#333333", linewidths=0.45, alpha=0.6,
        label=label, zorder=4,
    )  # fmt: skip
    ax.add_collection(lines)
    return lines


def linked(n: int, links: int, seed: int = 0) -> NDArray[np.int64]:
    """Clips whose pairs are joined, the same in every panel."""
    if links >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 3]).choice(n, max(links, 0), replace=False))


def frame(ax: Axes, clouds: Sequence[Points], *, ratio: float = 0.92, room: float = 0.0) -> None:
    """The same limits around all clouds; `room`: share of the height left free at the top."""
    points = np.concatenate(list(clouds))
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.maximum(high - low, 1e-9) * 0.04
    (left, bottom), (right, top) = low - margin, high + margin
    ax.set(xlim=(left, right), ylim=(bottom, bottom + (top - bottom) / (1 - room)))
    ax.set_box_aspect(ratio)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set(visible=True, color=FAINT)


def draw_cloud(ax: Axes, scene: Scene, cloud: str | None, *, links: int, after: str, heading: str) -> None:
    """One panel: target, source before and one cloud after, or only the first two where `cloud` is None."""
    draw_points(ax, scene.target, TARGET, "target", order=1, alpha=0.55)
    chosen = linked(len(scene.before), links)
    if cloud is None:
        draw_points(ax, scene.before, BEFORE, "source before", order=2)
        moved = scene.before
    else:
        draw_points(ax, scene.before, BEFORE, "source before", order=0.5, alpha=0.35)
        moved = scene.clouds[cloud]
        draw_points(ax, moved, AFTER, after, order=2)
    if links:
        draw_links(ax, moved, scene.target, chosen, "pairs")
    lines = scene.lines(SOURCE if cloud is None else cloud)
    ax.set_title(printable(heading, limit=34), fontweight="bold")
    frame(ax, [scene.before, scene.target, *scene.clouds.values()], room=0.06 * len(lines) + (0.02 if lines else 0.0))
    ax.text(
        0.025, 0.975, "\n".join(lines), transform=ax.transAxes, va="top", ha="left", fontsize=6.0, linespacing=1.25,
        zorder=6, gid="numbers",
    )  # fmt: skip


def page_size(n: int, columns: int) -> tuple[float, float]:
    """Width and height in inches of `n` panels."""
    across = min(columns, n)
    width = {1: COLUMN, 2: 4.9}.get(across, PAGE)
    return width, -(-n // across) * (width / across * 0.98 + 0.12) + 0.35


def axis_names(scene: Scene, axes: Sequence[Axes], columns: int) -> None:
    """The names of the axes, once a row and once a column."""
    n = len(axes)
    for place, ax in enumerate(axes):
        if place % columns == 0:
            ax.set_ylabel(scene.labels[1])
        if place + columns >= n:
            ax.set_xlabel(scene.labels[0])


def legend(axes: Sequence[Axes], own_figure: bool) -> None:
    """What the signs mean, below the figure, or in the last of Axes that came from outside."""
    from matplotlib.lines import Line2D

    seen: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            seen.setdefault(label, handle)
    handles = []
    for label, handle in seen.items():
        colour = handle.get_facecolor() if hasattr(handle, "get_offsets") and len(handle.get_facecolor()) else None
        if label == "pairs":
            handles.append(Line2D([], [], color="#333333", linewidth=0.8, label=label))
        elif colour is not None:
            handles.append(Line2D([], [], linestyle="", marker="o", markersize=4, color=colour[0][:3], label=label))
        else:
            handles.append(handle)
    handles = sorted(handles, key=lambda handle: ORDER.index(handle.get_label()) if handle.get_label() in ORDER else 9)
    if own_figure:
        axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    else:
        axes[-1].legend(handles=handles, loc="lower right")
