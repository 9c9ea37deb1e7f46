"""Captions against the gap: whether a bridge that closes more of it is also captioned better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.errors import InputError
from gapkit.plots.families import family_handles, sign
from gapkit.plots.labels import place_labels
from gapkit.plots.style import PAGE, panels
from gapkit.plots.words import printable
from gapkit.statistics import percentile_interval
from gapkit.verdict.trade_off import trade_off

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CEILING = "oracle"
N_RESAMPLES = 10_000


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho and its 95 % interval over resamples of what is correlated."""

    value: float
    low: float
    high: float


def rank_correlation(x: ArrayLike, y: ArrayLike, *, seed: int = 0) -> RankCorrelation:
    """How far two numbers of several bridges put them in the same order.

    Parameters
    ----------
    x, y : array-like of shape (k,)
        A bridge each.
    seed : int
        Of the resamples.

    Returns
    -------
    RankCorrelation
        In [-1, 1]; NaN where one number is the same for all. The interval is over resamples of bridges (those in which
        one number is the same for all are left out): with few bridges it is wide.

    Raises
    ------
    InputError
        Fewer than 3 bridges, or numbers that are not finite.

    References
    ----------
    Spearman (1904), The proof and measurement of association between two things.

    Examples
    --------
    >>> rank_correlation([1, 2, 3, 4], [10, 20, 40, 30]).value
    0.8
    """
    from scipy.stats import rankdata

    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 3 or not np.isfinite([a, b]).all():
        raise InputError(
            f"rank correlation: expected two finite numbers of at least 3 bridges, got {a.shape} and {b.shape}"
        )
    rows = np.random.default_rng(seed).integers(len(a), size=(N_RESAMPLES, len(a)))
    with np.errstate(invalid="ignore"):
        drawn = _pearson(rankdata(a[rows], axis=1), rankdata(b[rows], axis=1))
        whole = float(_pearson(rankdata(a)[None], rankdata(b)[None])[0])
    low, high = percentile_interval(drawn[np.isfinite(drawn)])
    return RankCorrelation(round(whole, 12), low, high)


def _pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    rho: NDArray[np.float64] = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return rho


def beside_closure(captions: pd.DataFrame, gap: pd.DataFrame, score: str = "cider_d") -> pd.DataFrame:
    """Caption scores of each bridge beside the share of the gap that it closes.

    Parameters
    ----------
    captions : DataFrame
        Columns protocol, training, bridge, score, value, ci_low, ci_high: `CaptionResults.summary()`.
    gap : DataFrame
        One row a bridge and metric: `Results.summary()` of the same data.
    score : str

    Returns
    -------
    DataFrame
        protocol, training, bridge, value, ci_low, ci_high, family, closed, kept (see `trade_off`), for the bridges that
        both have.

    Raises
    ------
    InputError
        No such score, or a gap table without the metrics that closure takes.
    """
    own = captions[captions["score"] == score]
    if own.empty:
        raise InputError(f"captions: no score {score!r} here; there are {', '.join(dict.fromkeys(captions['score']))}")
    closure = trade_off(gap)[["bridge", "family", "closed", "kept"]]
    columns = ["protocol", "training", "bridge", "value", "ci_low", "ci_high"]
    return own[columns].merge(closure, on="bridge", how="inner")


def caption_scores(
    table: pd.DataFrame,
    parts: Sequence[tuple[str, str, str]],
    *,
    ax: Axes | Sequence[Axes] | None = None,
    ceilings: Sequence[float] = (),
    highlight: Sequence[str] = (),
    label: str = "CIDEr-D × 100",
) -> NDArray[np.object_]:
    """A panel a part of the study, a sign a bridge: the share of the gap that it closes, and how well it is captioned.

    Parameters
    ----------
    table : DataFrame
        What `beside_closure` gives.
    parts : sequence of (protocol, training, title)
    ax : sequence of Axes, optional
        As many.
    ceilings : sequence of float
        What the targets themselves come to in each part; beyond the axes, so it is said in the title.
    highlight : sequence of str
        Bridges whose names are bold.
    label : str

    Returns
    -------
    array of Axes

    Raises
    ------
    InputError
        A part that is not in the table.
    """
    with panels(ax, len(parts), columns=len(parts), size=(PAGE, 3.0)) as axes:
        for place, (axis, (protocol, training, title)) in enumerate(zip(axes, parts, strict=True)):
            own = table[(table["protocol"] == protocol) & (table["training"] == training)]
            if own.empty:
                raise InputError(f"captions: no rows of {protocol}, {training} in this table")
            for _, row in own.iterrows():
                colour, marker = sign(str(row["family"]))
                ends = [[100 * (row["value"] - row["ci_low"])], [100 * (row["ci_high"] - row["value"])]]
                axis.errorbar(
                    row["closed"], 100 * row["value"], yerr=np.maximum(ends, 0), color=colour, marker=marker,
                    markersize=4.5, linestyle="", elinewidth=0.5, markeredgecolor="white", markeredgewidth=0.4,
                )  # fmt: skip
            said = f"\n(captions themselves: {100 * ceilings[place]:.0f})" if len(ceilings) > place else ""
            axis.set_title(f"{printable(title)}{said}", fontsize=7.5)
            axis.margins(0.16, 0.12)
            axis.set_xlabel("Share of the gap closed →")
        axes[0].set_ylabel(f"{label} →")
        handles = family_handles(table["family"])
        if ax is None:
            axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        for axis, (protocol, training, _) in zip(axes, parts, strict=True):
            own = table[(table["protocol"] == protocol) & (table["training"] == training)]
            place_labels(
                axis, list(own["closed"]), list(100 * own["value"]), list(own["bridge"]), bold=highlight, size=5.5
            )
    return np.array(axes, dtype=object)
