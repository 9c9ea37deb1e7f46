"""Embeddings are checked before anything is computed with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from gapkit import checks
from gapkit.embeddings import PairedEmbeddings
from gapkit.study.progress import Progress

KNOWN = frozenset({"copies", "dtype", "leak", "rank"})
"""Kinds of warnings about a bundled dataset that its card tells of, and that nobody who uses it can mend."""


def require_usable(
    pairs: PairedEmbeddings,
    progress: Progress,
    *,
    splits: Sequence[str] = (),
    besides: Collection[str] = (),
    only: Collection[str] = (),
    whose: str = "",
) -> tuple[str, ...]:
    """Refuse embeddings that cannot be compared; tell what is odd about the others.

    What is known of a bundled dataset is not told; `gapkit inspect` shows it.

    Parameters
    ----------
    pairs : PairedEmbeddings
    progress : Progress
        Told what is odd, and how many rows were looked at.
    splits : sequence of str
        Look only at these splits, where the data have them.
    besides : collection of str
        Kinds of warnings that say nothing about this use of the embeddings.
    only : collection of str
        Kinds of warnings that are told; empty: all.
    whose : str
        Opens each note, where several sets are looked at.

    Returns
    -------
    tuple of str
        What is odd, one line each.

    Raises
    ------
    InputError
        NaN, zero rows and whatever else makes every number of a table meaningless.
    """
    if set(splits) & set(pairs.splits):
        pairs = pairs.take(np.flatnonzero(np.isin(np.asarray(pairs.split), splits)))
    found = checks.require_usable(pairs, progress=progress.step).problems
    warnings = [p for p in found if p.kind not in besides and (not only or p.kind in only)]
    known = KNOWN if "dataset" in pairs.meta else frozenset[str]()
    for problem in warnings:
        if problem.kind not in known:
            progress.message(f"note: {whose}{problem.message}")
    return tuple(f"{whose}{problem.message}" for problem in warnings)
