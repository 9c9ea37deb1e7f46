"""Retrieval curves: the share of clips that find a target of their own among the first k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.metrics.cloud import directions
from gapkit.metrics.pair import pair_of
from gapkit.metrics.retrieval import ranking, recalls
from gapkit.plots.cosines import colours
from gapkit.plots.style import COLUMN, MARKERS, canvas
from gapkit.plots.words import printable
from gapkit.statistics import Groups, percentile_interval, resample_weights

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

KS = (1, 2, 5, 10, 20, 50, 100)


def retrieval_table(
    sources: Mapping[str, ArrayLike],
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    groups: Groups | None = None,
    ks: Sequence[int] = KS,
    n_resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Recall at several k, with 95 % intervals over clips.

    Parameters
    ----------
    sources : mapping of name to array-like of shape (n, d)
        In order: the source before first.
    target : array-like of shape (m, d)
        The gallery.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    groups : Groups, optional
        Origins of the clips, which are then resampled in place of clips.
    ks : sequence of int
        Those above the number of targets are left out.
    n_resamples, seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        One row a source and k: name, k, value, low, high, chance (recall of a random order).

    Raises
    ------
    InputError
        Nothing to rank, or shapes that do not fit each other.
    """
    import pandas as pd

    if not sources:
        raise InputError("retrieval: expected at least one source, got none")
    rows = []
    for name, source in sources.items():
        both = pair_of(as_matrix(source, name=f"retrieval: {name}"), target, owner, paired=True)
        ranked = ranking(directions(both.x, "source"), directions(both.y, "target"))
        m = len(ranked.clip)
        counts = np.bincount(ranked.clip.cpu().numpy(), minlength=ranked.n)
        weights = resample_weights(ranked.n, n_resamples, [seed, 0], groups=groups) / ranked.n
        for k in (k for k in ks if k <= m):
            own = recalls(ranked, int(k)).cpu().numpy()
            low, high = percentile_interval(weights @ own)
            rows.append((name, int(k), float(own.mean()), low, high, float(np.mean(_chance(m, counts, int(k))))))
    return pd.DataFrame(rows, columns=["name", "k", "value", "low", "high", "chance"])


def retrieval(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Recall against k, bands of 95 % intervals over clips, and chance.

    Parameters
    ----------
    table : DataFrame
        What `retrieval_table` gives.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
    """
    names = list(dict.fromkeys(table["name"]))
    with canvas(ax, size=(COLUMN * 1.2, 2.7)) as axes:
        for place, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True)):
            own = table[table["name"] == name]
            x = own["k"].to_numpy(dtype=float)
            axes.fill_between(x, own["low"].to_numpy(), own["high"].to_numpy(), color=colour, alpha=0.15, linewidth=0)
            axes.plot(
                x, own["value"].to_numpy(), color=colour, marker=MARKERS[place % len(MARKERS)],
                label=printable(name, limit=28),
            )  # fmt: skip
        first = table[table["name"] == names[0]]
        axes.plot(first["k"].to_numpy(), first["chance"].to_numpy(), color="#999999", linestyle=":", label="chance")
        axes.set_xscale("log")
        ticks = [int(k) for k in first["k"]]
        axes.set_xticks(ticks, [str(k) for k in ticks])
        axes.minorticks_off()
        axes.set(xlabel="k", ylabel="R@k: clips with an own target in the first k", ylim=(0, 1.02))
        axes.set_title(printable(title), fontweight="bold")
        axes.legend(loc="best")
    return axes


def _chance(m: int, own: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """1 - C(m - c, k) / C(m, k) for clips with c targets."""
    misses = np.ones(len(own))
    for drawn in range(k):
        misses *= np.maximum(m - own - drawn, 0) / (m - drawn)
    return 1 - misses
