"""Memorisation: whether the moved source sits on targets that the bridge was fitted on."""

from __future__ import annotations

from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit
from gapkit.metrics.cloud import Cloud, cloud
from gapkit.metrics.neighbours import as_cosine, search
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.points import points
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value


def memorisation(
    source: ArrayLike,
    target: ArrayLike,
    *,
    fitted: ArrayLike,
    owner: ArrayLike | None = None,
    max_memory: int = 2**27,
) -> float:
    """Cosine of the moved source to the nearest fitted target, minus that of the held-out targets.

    Held-out targets tell how near a new row of the right kind comes to fitted ones; a source that comes nearer repeats
    what it was fitted on. Means over clips; several targets of one clip count as their mean.

    Parameters
    ----------
    source : array-like of shape (n, d)
        After it was moved.
    target : array-like of shape (m, d)
        Held out from the fit.
    fitted : array-like of shape (f, d)
        The targets that the bridge was fitted on.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        In [-2, 2]; 0 where the source is as near to fitted targets as new targets are, above it where it repeats
        them, below it where it has not come among the targets at all, or stays between them. Lower is better down
        to 0. Cost (n + m) f d.

    Raises
    ------
    InputError

    Examples
    --------
    >>> round(memorisation([[1, 0], [0, 1]], [[3, 4], [4, 3]], fitted=[[1, 0], [0, 1]]), 6)
    0.2
    """
    pair = pair_of(source, target, owner, fitted=fitted, max_memory=4 * memory_limit(max_memory))
    return memorisation_of(pair).value


@metric(
    "memorisation",
    label="Memorisation",
    place=690,
    group="preservation",
    better="none",
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n m d",
    default=False,
    needs=("fitted",),
    definition="Cosine of the source to the nearest fitted target, minus that of the held-out targets.",
    holds_rows=True,
    function=memorisation,
)
def memorisation_of(pair: Pair) -> Value:
    """Mean cosine of the source to the nearest fitted target less that of the targets, both by item."""
    # The fitted targets are those of the table: what is known of them and of the targets serves all rows.
    known = pair.y.shared("fitted directions", lambda: cloud(pair.fitted, name="fitted").unit)
    new = pair.y.shared("held-out cosines", lambda: _nearest_cosine(pair.unit.y, known, pair.max_memory // 4))
    moved = _nearest_cosine(pair.unit.x, known, pair.max_memory // 4)
    return Value(float(moved.mean() - new.mean()), influence=lambda: (moved, -new))


def _nearest_cosine(side: Cloud, known: Cloud, max_memory: int) -> Tensor:
    """Mean over each clip's unit rows of the cosine to the nearest fitted target, float64, shape (n,)."""
    found = as_cosine(search(*points(side.rows, known.rows), 1, max_memory=max_memory))
    return side.per_clip(1 - found.distances[:, 0])
