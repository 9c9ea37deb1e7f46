"""One method taken apart: each row changes one choice of the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.metrics import METRICS
from gapkit.plots.bridge_table import heading
from gapkit.plots.style import AFTER, INK, PAGE, panels
from gapkit.plots.words import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DEFAULT = "default"
METRIC_NAMES = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")


def ablation(
    frame: pd.DataFrame,
    *,
    metrics: Sequence[str] | None = None,
    left_out: Sequence[str] = ("without a bridge",),
    ax: Sequence[Axes] | None = None,
    title: str = "",
) -> NDArray[np.object_]:
    """A dot with its interval a setting and metric; a band holds the interval of the default.

    Parameters
    ----------
    frame : DataFrame
        One row a setting and metric: choice, setting, metric, value, ci_low, ci_high. The choice "default" is the
        default.
    metrics : sequence of str, optional
        Which columns; left out, cosine, centroid, MMD, separability and R@10 as far as they are there.
    left_out : sequence of str
        Choices that are not drawn: they would stretch the scales.
    ax : sequence of Axes, optional
        One a metric.
    title : str

    Returns
    -------
    array of Axes
        A dot whose interval leaves the band is orange.

    Raises
    ------
    InputError
        No row of the default.
    """
    shown = frame[~frame["choice"].isin(list(left_out))]
    rows = list(dict.fromkeys(zip(shown["choice"], shown["setting"], strict=True)))
    there = set(shown["metric"])
    chosen = [name for name in METRIC_NAMES if name in there] if metrics is None else list(metrics)
    keys = zip(shown["choice"], shown["setting"], shown["metric"], strict=True)
    cells = dict(zip(keys, shown[["value", "ci_low", "ci_high"]].to_numpy(dtype=float), strict=True))
    default = {metric: cell for (choice, _, metric), cell in cells.items() if choice == DEFAULT}
    if not rows or not chosen or any(name not in default for name in chosen):
        raise InputError(f"ablation: expected a row of the choice {DEFAULT!r} for each metric")
    size = (PAGE, 0.16 * len(rows) + 0.9)
    with panels(ax, len(chosen), columns=len(chosen), size=size, sharey=True) as axes:
        for axis, name in zip(axes, chosen, strict=True):
            record = METRICS.get(name)
            middle, low, high = default[name] * record.scale
            axis.axvspan(low, high, color="#E4EEF5", linewidth=0, zorder=0)
            axis.axvline(middle, color="#0072B2", linewidth=0.7, zorder=1)
            for place, (choice, setting) in enumerate(rows):
                if (choice, setting, name) not in cells:
                    continue
                value, left, right = cells[choice, setting, name] * record.scale
                colour = AFTER if left > high or right < low else INK
                axis.plot([left, right], [place] * 2, color=colour, linewidth=0.9, zorder=2)
                axis.plot(value, place, "o", color=colour, markersize=3, zorder=3)
            axis.set_title(heading(record.heading), fontsize=6.5, loc="center")
            axis.tick_params(axis="x", labelsize=5.5)
            axis.tick_params(axis="y", length=0)
            axis.locator_params(axis="x", nbins=3)
            axis.spines["left"].set_visible(False)
            for place, (choice, _) in enumerate(rows):
                if place and choice != rows[place - 1][0]:
                    axis.axhline(place - 0.5, color="#DDDDDD", linewidth=0.5, zorder=0)
        axes[0].set_ylim(len(rows) - 0.4, -0.6)
        words = [printable(_row_name(choice, setting), limit=58) for choice, setting in rows]
        axes[0].set_yticks(range(len(rows)), words, fontsize=5.8, parse_math=False)
        if ax is None:
            axes[0].figure.supxlabel(
                "blue: the default and its 95 % interval; orange: an interval that does not meet it", fontsize=6.5
            )
        if ax is None and title:
            axes[0].figure.suptitle(printable(title, limit=110), x=0.01, ha="left")
    return np.array(axes, dtype=object)


def _row_name(choice: str, setting: str) -> str:
    return choice if setting == choice else f"{choice}: {setting}"
