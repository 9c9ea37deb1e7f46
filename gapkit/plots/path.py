"""A metric against the reverse step: what each step of the process brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.metrics import METRICS
from gapkit.plots.style import CYCLE, MARKERS, PAGE, panels
from gapkit.plots.words import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def path(
    numbers: Mapping[str, pd.DataFrame],
    *,
    metrics: Sequence[str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    columns: int = 3,
) -> NDArray[np.object_]:
    """One panel a metric, one line a bridge, bands of 95 % intervals over clips.

    Parameters
    ----------
    numbers : mapping of bridge name to DataFrame
        `Scene.numbers` of `stage_steps`: cloud, metric, value, low, high, the source first and the answer last.
    metrics : sequence of str, optional
        Left out: those of the first bridge.
    ax : Axes or sequence of Axes, optional
        As many as there are metrics.
    columns : int
        Panels side by side.

    Returns
    -------
    array of Axes
        The horizontal axis counts steps: 0 is where the process begins, the source itself stands left of it.

    Raises
    ------
    InputError
        Nothing to draw.
    """
    if not numbers:
        raise InputError(
            "path: no bridge that moves in steps; fit one of `gapkit list bridges` of the family diffusion"
        )
    chosen = list(metrics or dict.fromkeys(next(iter(numbers.values()))["metric"]))
    longest = max(
        step_of(cloud, place) for frame in numbers.values() for place, cloud in enumerate(frame["cloud"].unique())
    )
    unit = max(1.0, longest / 6)
    size = (PAGE if len(chosen) > 1 else PAGE / 2, -(-len(chosen) // columns) * 2.0 + 0.35)
    with panels(ax, len(chosen), columns=columns, size=size) as axes:
        for axis, metric in zip(axes, chosen, strict=True):
            record = METRICS.get(metric)
            for place, (name, frame) in enumerate(numbers.items()):
                own = frame[frame["metric"] == metric]
                x = [step_of(str(cloud), place) for place, cloud in enumerate(own["cloud"])]
                x = [-unit if step < 0 else step for step in x]
                values, low, high = (own[c].to_numpy(dtype=float) * record.scale for c in ("value", "low", "high"))
                colour, marker = CYCLE[place % len(CYCLE)], MARKERS[place % len(MARKERS)]
                axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
                axis.plot(x, values, color=colour, marker=marker, label=printable(name, limit=44))
            axis.axvspan(-1.45 * unit, -0.5 * unit, color="#F0F0F0", linewidth=0, zorder=0)
            ticks = list(range(0, int(longest) + 1, round(unit)))
            axis.set_xticks([-unit, *ticks], ["src", *map(str, ticks)])
            axis.set_xlim(-1.45 * unit, longest + 0.35 * unit)
            axis.set_xlabel("Reverse step")
            axis.set_ylabel(printable(record.heading, limit=40))
        if ax is None:
            handles, labels = axes[0].get_legend_handles_labels()
            axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)))
        else:
            axes[0].legend()
    return np.array(axes, dtype=object)


def step_of(cloud: str, place: int) -> float:
    """The step after which a state stands: -1 for the source, 0 where the process begins; otherwise by its place."""
    word, _, number = cloud.partition(" ")
    if word == "step" and number.isdigit():
        return float(number)
    return float(place - 1)
