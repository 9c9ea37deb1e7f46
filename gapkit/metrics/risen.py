"""Whether the whole cloud moved, or a part of it."""

from __future__ import annotations

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.cosine import clip_cosines, own_cosines
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value


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
    return share_risen_of(pair_of(source, target, owner, paired=True, least=1, original=original)).value


@metric(
    "share-risen",
    label="Clips risen",
    place=80,
    group="closure",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    needs=("original",),
    default=False,
    definition="Share of clips whose cosine to their own targets rose on the way.",
    function=share_risen,
)
def share_risen_of(pair: Pair) -> Value:
    """Mean over items of 1 where the cosine is above that before, else 0."""
    if pair.original is None:
        raise InputError("share-risen: needs the source before it was moved; pass original")
    before = clip_cosines(pair.original.unit, pair.unit.y)
    return Value.mean_of((own_cosines(pair) > before).double())
