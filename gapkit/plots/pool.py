"""Retrieval in one pool of both modalities, against the share of items that stand there by their source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.metrics.pair import pair_of
from gapkit.metrics.pooled_retrieval import SHARES, checked_shares, gains, pool
from gapkit.plots.cosines import colours
from gapkit.plots.style import COLUMN, MARKERS, canvas
from gapkit.plots.words import printable
from gapkit.statistics import Groups, percentile_interval, resample_weights

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

K = 10
"""Length of the list of results."""


def pool_table(
    sources: Mapping[str, ArrayLike],
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    groups: Groups | None = None,
    shares: Sequence[float] = SHARES,
    n_resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """NDCG@10 in one pool at several shares, with 95 % intervals over items.

    Parameters
    ----------
    sources : mapping of name to array-like of shape (n, d)
        In order: the source before first. The same items stand in the pool by their source in all of them.
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    groups : Groups, optional
        Origins of the items, which are then resampled in place of items.
    shares : sequence of float
        Of the items that stand by their source, in [0, 1].
    n_resamples, seed
        Of the bootstrap; `seed` also chooses the items that stand by their source.

    Returns
    -------
    DataFrame
        One row a source and share: name, share, value, low, high, chance (NDCG@10 of a random order).

    Raises
    ------
    InputError
        Nothing to rank, a share outside [0, 1], or shapes that do not fit each other.

    See Also
    --------
    gapkit.metrics.pooled_ndcg : what is measured.
    """
    import pandas as pd

    if not sources:
        raise InputError("pool: expected at least one source, got none")
    shares, rows = checked_shares(shares), []
    for name, source in sources.items():
        both = pair_of(as_matrix(source, name=f"pool: {name}"), target, owner, paired=True, seed=seed)
        own = gains(pool(both, shares), K).cpu().numpy()
        draws = resample_weights(both.x.n, n_resamples, [seed, 0], groups=groups) / both.x.n @ own
        chance = float((1 / np.log2(np.arange(2, 2 + min(K, both.x.n)))).sum() / both.x.n)
        rows += [
            (name, share, float(values.mean()), *percentile_interval(drawn), chance)
            for share, values, drawn in zip(shares, own.T, draws.T, strict=True)
        ]
    return pd.DataFrame(rows, columns=["name", "share", "value", "low", "high", "chance"])


def pool_curves(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """NDCG@10 against the share, bands of 95 % intervals over items, and chance.

    Parameters
    ----------
    table : DataFrame
        What `pool_table` gives.
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
            x = own["share"].to_numpy()
            axes.fill_between(x, own["low"].to_numpy(), own["high"].to_numpy(), color=colour, alpha=0.15, linewidth=0)
            axes.plot(
                x, own["value"].to_numpy(), color=colour, marker=MARKERS[place % len(MARKERS)], markersize=3,
                label=printable(name, limit=28),
            )  # fmt: skip
        axes.axhline(table["chance"].iloc[0], color="#999999", linestyle=":", label="chance")
        axes.set(
            xlabel="Share of items that stand in the pool by their source", ylabel="NDCG@10 →", xlim=(0, 1),
            ylim=(0, 1.02),
        )  # fmt: skip
        axes.set_title(printable(title), fontweight="bold")
        axes.legend(loc="best")
    return axes
