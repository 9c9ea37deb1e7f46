"""Cost against n, a figure for each group of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHOWN = 8
"""Lines of a figure: the most costly at the largest n."""

MARKERS = "osD^v<>p"
"""One a line: colours side by side are too near to tell."""


def draw(curves: Sequence[dict[str, Any]], folder: Path) -> dict[str, str]:
    """Write one SVG a group; its file name by group."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    groups: dict[str, str] = {}
    for found in curves:
        groups.update(found["groups"])
    files = {}
    for group in dict.fromkeys(groups.values()):
        names = [name for name, of in groups.items() if of == group]
        lines = {
            name: [(c["n"], max(c["seconds"][name], 1e-3)) for c in curves if name in c["seconds"]] for name in names
        }
        shown = sorted((n for n in names if lines[n]), key=lambda name: -lines[name][-1][1])[:SHOWN]
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        colours = mpl.colormaps["viridis"]
        for number, name in enumerate(shown):
            places, seconds = zip(*lines[name], strict=True)
            axes.loglog(
                places, seconds, marker=MARKERS[number], ms=4, lw=1.2, color=colours(number / SHOWN), label=name
            )
        sizes = [c["n"] for c in curves]
        axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
        axes.minorticks_off()
        axes.set(xlabel="pairs", ylabel="CPU seconds", title=group[0].upper() + group[1:])
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right center", fontsize=8, frameon=False)
        files[group] = f"cost-{group.replace(' ', '-')}.svg"
        with mpl.rc_context({"svg.hashsalt": "gapkit", "svg.fonttype": "none"}):
            figure.savefig(folder / files[group], metadata={"Date": None})
    return files
