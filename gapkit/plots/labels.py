"""Names beside points, moved until they do not cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from gapkit.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ANGLES = np.deg2rad([0, 180, 45, -45, 135, -135, 90, -90, 20, -20, 160, -160])
DISTANCES = (6, 10, 15, 21, 28, 36, 45, 55)
"""Where a name may stand, in points from its sign."""


def place_labels(
    ax: Axes,
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    *,
    bold: Sequence[str] = (),
    size: float = 6.0,
) -> None:
    """Write each name near its point, those of `bold` first; a thin line where it stands far off.

    A name for which there is no free place is written at the least covered one.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    renderer: Any = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    dots = ax.transData.transform(np.column_stack([x, y]))
    inside = ax.get_window_extent(renderer)
    taken = [_box(dot[0], dot[1], 5 * scale, 5 * scale) for dot in dots]
    written: list[tuple[float, float, float, float]] = []
    leaders: list[tuple[Any, Any]] = []
    for place in sorted(range(len(names)), key=lambda i: (names[i] not in bold, -dots[i][1])):
        text = ax.text(
            0, 0, printable(names[place], limit=24), fontsize=size, parse_math=False, in_layout=False, zorder=6,
            fontweight="bold" if names[place] in bold else "normal", gid="name",
            bbox={"facecolor": "white", "alpha": 0.9, "linewidth": 0, "pad": 0.2},
        )  # fmt: skip
        extent = text.get_window_extent(renderer)
        others = [box for dot, box in enumerate(taken[: len(dots)]) if dot != place]
        best, least = None, np.inf
        for distance, angle in product(DISTANCES, ANGLES):
            way = np.array([np.cos(angle), np.sin(angle)])
            centre = dots[place] + way * distance * scale + way * [extent.width / 2, 0]
            box = _box(centre[0], centre[1], extent.width + 2 * scale, extent.height)
            out = not (inside.x0 <= box[0] and box[2] <= inside.x1 and inside.y0 <= box[1] and box[3] <= inside.y1)
            cover = sum(_overlap(box, other) for other in taken) + distance * scale * 0.02 + (1e9 if out else 0)
            crossed = _crossed(dots[place], centre, [*others, *written])
            crossed += sum(_crossed(start, end, [box]) for start, end in leaders)
            cover += 40 * scale**2 * crossed
            if cover < least:
                best, least = (centre, box, distance), cover
        assert best is not None
        centre, box, distance = best
        taken.append(box)
        written.append(box)
        point = ax.transData.inverted().transform(centre)
        text.set(position=tuple(point), ha="center", va="center")
        if distance > 12:
            leaders.append((dots[place], centre))
            near = np.clip(dots[place], [box[0], box[1]], [box[2], box[3]])
            ends = ax.transData.inverted().transform(np.array([dots[place], near]))
            ax.plot(*ends.T, color="#999999", linewidth=0.4, zorder=1.5, gid="leader", scalex=False, scaley=False)


def _box(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _crossed(start: Any, end: Any, boxes: Sequence[tuple[float, float, float, float]]) -> int:
    """Boxes of other signs and names that the way from a sign to its name leads through."""
    if not boxes:
        return 0
    ways = (start + np.linspace(0, 1, 9)[:, None] * (end - start))[:, None]
    corners = np.asarray(boxes)
    inside = (ways >= corners[:, :2]).all(axis=2) & (ways <= corners[:, 2:]).all(axis=2)
    return int(inside.any(axis=0).sum())


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
