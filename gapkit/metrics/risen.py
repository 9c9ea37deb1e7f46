"""Whether the whole cloud moved, or a part of it."""

from __future__ import annotations

from gapkit.arrays import ArrayLike, as_matrix
from gapkit.errors import InputError
from gapkit.metrics._row import Drawn, Row
from gapkit.metrics.cloud import cloud, directions
from gapkit.metrics.cosine import clip_cosines, own_cosines
from gapkit.metrics.pair import pair_of


def share_risen(source: ArrayLike, target: ArrayLike, *, original: ArrayLike, owner: ArrayLike | None = None) -> float:
    """Share of clips whose cosine to their own targets rose on the way.

    Definition: ``mean_i [c(x_i) > c(o_i)]`` with ``c`` the mean cosine to the clip's targets, ``x_i`` the moved source
    and ``o_i`` the source before. A clip that did not move does not count as risen.

    Parameters
    ----------
    source : array-like of shape (n, d)
        The moved source.
    target : array-like of shape (m, d)
    original : array-like of shape (n, d)
        The source before it was moved.
    owner : array-like of shape (m,), optional
        Source row of each target; left out, row i describes row i.

    Returns
    -------
    float
        In [0, 1]; higher: the cloud migrates together.

    Raises
    ------
    InputError

    Examples
    --------
    >>> share_risen([[1, 0], [1, 0]], [[1, 0], [0, 1]], original=[[0, 1], [1, 0]])
    0.5
    """
    both = pair_of(source, target, owner, paired=True, least=1)
    before = cloud(
        as_matrix(original, name="original", n_features=both.x.rows.shape[1], device=both.x.rows.device),
        name="original",
    )
    if before.n != both.x.n:
        raise InputError(f"original: expected one row a source row ({both.x.n}), got {before.n}")
    y = directions(both.y, "target")
    after = clip_cosines(directions(both.x, "source"), y)
    return float((after > clip_cosines(directions(before, "original"), y)).double().mean())


def estimate(row: Row) -> Drawn:
    """Value and resampled shares of a row."""
    if row.both.original is None:
        raise InputError("share-risen: needs the source before it was moved; pass original")
    before = clip_cosines(directions(row.both.original, "original"), row.reference.directions)
    return row._mean((own_cosines(row.both) > before).double())
