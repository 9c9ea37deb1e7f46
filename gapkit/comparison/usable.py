"""Embeddings are checked before anything is computed with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gapkit import checks
from gapkit.comparison.progress import Progress
from gapkit.embeddings import PairedEmbeddings


def require_usable(pairs: PairedEmbeddings, progress: Progress, *, splits: Sequence[str] = ()) -> tuple[str, ...]:
    """Refuse embeddings that cannot be compared; tell what is odd about the others.

    Parameters
    ----------
    pairs : PairedEmbeddings
    progress : Progress
        Told what is odd, and how many rows were looked at.
    splits : sequence of str
        Look only at these splits, where the data have them.

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
    warnings = [problem.message for problem in checks.require_usable(pairs, progress=progress.step).problems]
    for line in warnings:
        progress.message(f"note: {line}")
    return tuple(warnings)
