"""Cosines of pairs and of strangers, before and after a bridge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics import METRICS
from gapkit.plots.pairs import check_pairs, unit_rows
from gapkit.plots.style import AFTER, BEFORE, COLUMN, CYCLE, canvas
from gapkit.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRANGERS = 20000
"""Unrelated pairs that are drawn; all of them where there are fewer."""


@dataclass(frozen=True, eq=False)
class Cosines:
    """Cosines of one source with its targets.

    Parameters
    ----------
    own : array of shape (n,)
        Mean cosine of each clip with its own targets.
    strangers : array of shape (s,)
        Cosines of clips with targets of other clips.
    """

    own: NDArray[np.float64]
    strangers: NDArray[np.float64]


def pair_cosines(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, strangers: int = STRANGERS, seed: int = 0
) -> Cosines:
    """The cosines that `cosines` draws.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    strangers : int
        Unrelated pairs, drawn at random: the same for every source with these targets.
    seed : int
        Of the draw.

    Returns
    -------
    Cosines

    Raises
    ------
    InputError
        Shapes that do not fit each other, or fewer than two clips.

    Examples
    --------
    >>> pair_cosines([[1, 0], [0, 2]], [[1, 0], [0, 1]]).own
    array([1., 1.])
    """
    x, y, owners = check_pairs(source, target, owner)
    n, m = len(x), len(y)
    if n < 2:
        raise InputError(f"figure: expected at least 2 clips to have strangers, got {n}")
    x, y = unit_rows(x), unit_rows(y)
    of_row = np.einsum("ij,ij->i", x[owners], y, dtype=np.float64)
    own = np.bincount(owners, of_row, minlength=n) / np.bincount(owners, minlength=n)
    if n * m <= 4 * strangers:
        clip, row = np.nonzero(np.arange(n)[:, None] != owners[None])
    else:
        rng = np.random.default_rng([seed, 4])
        row, clip = rng.integers(0, m, strangers), rng.integers(0, n - 1, strangers)
        clip += clip >= owners[row]
    rng = np.random.default_rng([seed, 5])
    if len(row) > strangers:
        kept = rng.choice(len(row), strangers, replace=False)
        clip, row = clip[kept], row[kept]
    return Cosines(own, np.einsum("ij,ij->i", x[clip], y[row], dtype=np.float64))


def cosines(samples: Mapping[str, Cosines], *, ax: Axes | None = None, bins: int = 60, title: str = "") -> Axes:
    """Histograms: filled for pairs, an outline for unrelated pairs, one colour a source.

    Parameters
    ----------
    samples : mapping of name to Cosines
        In order: the source before first.
    ax : Axes, optional
    bins : int
    title : str

    Returns
    -------
    Axes
        A bridge that moves both histograms to the right has made everything alike; what counts is their distance.

    Raises
    ------
    InputError
        Nothing to draw.
    """
    if not samples:
        raise InputError("cosines: expected at least one source, got none")
    record = METRICS.get("cosine")
    every = np.concatenate([part for own in samples.values() for part in (own.own, own.strangers)])
    edges = np.linspace(every.min() - 1e-6, every.max() + 1e-6, max(bins, 1) + 1)
    with canvas(ax, size=(COLUMN * 1.2, 2.5)) as axes:
        for colour, (name, own) in zip(colours(len(samples)), samples.items(), strict=False):
            word = printable(name, limit=28)
            shared: dict[str, Any] = {"bins": edges, "density": True}
            axes.hist(
                own.own, color=colour, alpha=0.55, label=f"{word}: pairs, mean {record.text(float(own.own.mean()))}",
                histtype="stepfilled", **shared,
            )  # fmt: skip
            axes.hist(
                own.strangers, color=colour, histtype="step", linestyle="--", linewidth=1.1,
                label=f"{word}: unrelated, mean {record.text(float(own.strangers.mean()))}", **shared,
            )  # fmt: skip
        axes.set(xlabel="Cosine between source and target", ylabel="Density")
        axes.set_yticks([])
        axes.set_ylim(top=axes.get_ylim()[1] * (1 + 0.11 * 2 * len(samples)))
        axes.set_title(printable(title), fontweight="bold")
        axes.legend(loc="upper left")
    return axes


def colours(n: int) -> list[str]:
    """Grey for what is before, then one a bridge."""
    return [BEFORE, AFTER, *[c for c in CYCLE if c != AFTER], *["#666666"] * n][:n]
