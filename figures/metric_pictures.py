"""What each metric sees and what it misses: small clouds with the values that gapkit measures on them.

    python figures/metric_pictures.py [--out docs/explanation/pictures]

The clouds are made up, so that what is to be seen is known; every printed number is computed. Clouds of metrics that
scale rows to length one lie on a sphere and are drawn from above it.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from metric_scenes import PICTURES, Panel, Picture
from PIL import Image

from gapkit.metrics import METRICS, measure

OUT = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "pictures"
SOURCE, TARGET, FITTED = "#D55E00", "#0072B2", "#666666"
LINKS, DPI = 12, 130
SIDE, SPACE, TOP, LINE = 1.9, 0.14, 0.52, 0.152
"""Inches: side of a panel, space between two, room above for legend and title, height of a line below."""

STYLE = {
    "font.size": 8, "axes.titlesize": 8.5, "axes.linewidth": 0.6, "figure.facecolor": "white", "text.color": "black",
}  # fmt: skip


def values(panel: Panel, names: tuple[str, ...]) -> dict[str, float]:
    """What gapkit measures on a panel; NaN where a metric is undefined there."""
    found = measure(
        panel.source, panel.target, names, original=panel.original, fitted=panel.fitted, n_resamples=0, seed=0
    )
    return {name: found[name].value if name in found else float("nan") for name in names}


def draw(picture: Picture) -> plt.Figure:
    """One row of panels, the values under each."""
    n, lines = len(picture.panels), len(picture.metrics)
    width, height = n * (SIDE + SPACE), TOP + SIDE + LINE * (lines + 0.6)
    with mpl.rc_context(STYLE):
        figure = plt.figure(figsize=(width, height))
        for place, panel in enumerate(picture.panels):
            corner = ((place + 0.5) * (SIDE + SPACE) - SIDE / 2, height - TOP - SIDE)
            axis = figure.add_axes((corner[0] / width, corner[1] / height, SIDE / width, SIDE / height))
            _clouds(axis, panel)
            axis.set_title(panel.title)
            found = values(panel, picture.metrics)
            text = [f"{METRICS.get(name).label}  {METRICS.get(name).text(value)}" for name, value in found.items()]
            below = -LINE * 0.5 / SIDE
            axis.text(0.5, below, "\n".join(text), transform=axis.transAxes, ha="center", va="top", linespacing=1.3)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", ncols=len(labels), frameon=False, borderaxespad=0.2)
    return figure


def _clouds(axis: plt.Axes, panel: Panel) -> None:
    sphere = panel.source.shape[1] == 3
    source, target = panel.source[:, :2], panel.target[:, :2]
    if panel.linked:
        chosen = np.random.default_rng(0).choice(len(source), LINKS, replace=False)
        ends = np.stack([source[chosen], target[chosen]])
        axis.plot(*np.moveaxis(ends, 2, 0), color="black", linewidth=0.6, alpha=0.6, zorder=3)
    dots = {"linewidths": 0, "alpha": 0.75}
    axis.scatter(*target.T, s=11, marker="s", color=TARGET, label="target", zorder=1, **dots)
    axis.scatter(*source.T, s=12, marker="^", color=SOURCE, label="source", zorder=2, **dots)
    if panel.fitted is not None:
        axis.scatter(*panel.fitted[:, :2].T, s=16, marker="x", color=FITTED, linewidths=0.7, label="fitted targets")
    axis.set_aspect("equal")
    axis.set_xticks([])
    axis.set_yticks([])
    if sphere:
        axis.add_patch(plt.Circle((0, 0), 1, fill=False, edgecolor="grey", linewidth=0.8))
        axis.set(xlim=(-1.08, 1.08), ylim=(-1.08, 1.08))
        axis.spines[:].set_visible(False)
        return
    every = np.concatenate([source, target])
    middle, reach = (every.max(0) + every.min(0)) / 2, max(np.ptp(every, axis=0)) / 2 * 1.12
    axis.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    axis.spines[:].set_color("lightgrey")


def write(figure: plt.Figure, path: Path) -> None:
    """A PNG of few colours: a third of the bytes, and nothing to be seen of it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI)
    plt.close(figure)
    Image.open(buffer).convert("RGB").quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for one in PICTURES:
        made = draw(one)
        write(made, given.out / f"{one.name}.png")
