"""Heat maps of a number of every pair of modalities, a panel a metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gapkit.metrics.registry import METRICS
from gapkit.plots.style import PAGE, panels
from gapkit.plots.words import printable


def gap_heat_map(table: pd.DataFrame, names: Sequence[str], *, columns: int = 3) -> Any:
    """A panel a metric: the value of each pair of modalities, in colour and as a number.

    Parameters
    ----------
    table : DataFrame
        `GapMatrix.frame`.
    names : sequence of str
        Of the modalities, in order.
    columns : int
        Panels side by side.

    Returns
    -------
    array of Axes
    """
    metrics = list(dict.fromkeys(table["metric"]))
    known = set(METRICS.names())
    across = min(columns, len(metrics))
    size = (PAGE, -(-len(metrics) // across) * (PAGE / across))
    with panels(None, len(metrics), columns=columns, size=size) as axes:
        for axis, metric in zip(axes, metrics, strict=True):
            own = table[table["metric"] == metric]
            values = np.full((len(names), len(names)), np.nan)
            for row in own.itertuples():
                i, j = names.index(row.first), names.index(row.second)
                values[i, j] = values[j, i] = row.value
            axis.imshow(values, cmap="viridis")
            record = METRICS.get(metric) if metric in known else None
            middle = np.nanmean(values)
            for (i, j), value in np.ndenumerate(values):
                if np.isfinite(value):
                    text = f"{value:.3f}" if record is None else record.text(value)
                    axis.text(j, i, text, ha="center", va="center", color="white" if value < middle else "black")
            labels = [printable(name, limit=12) for name in names]
            axis.set_xticks(range(len(names)), labels, rotation=30, ha="right")
            axis.set_yticks(range(len(names)), labels)
            axis.set_title("Retrieval, mean R@10" if record is None else record.heading)
    return np.array(axes, dtype=object)
