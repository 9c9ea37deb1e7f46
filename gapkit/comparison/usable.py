"""Embeddings are checked before anything is computed with them."""

from __future__ import annotations

from gapkit import checks
from gapkit.comparison.progress import Progress
from gapkit.embeddings import PairedEmbeddings


def require_usable(pairs: PairedEmbeddings, progress: Progress) -> tuple[str, ...]:
    """Refuse embeddings that cannot be compared; tell what is odd about the others.

    Returns
    -------
    tuple of str
        What is odd, one line each.

    Raises
    ------
    InputError
        NaN, zero rows and whatever else makes every number of a table meaningless.
    """
    warnings = [problem.message for problem in checks.require_usable(pairs).problems]
    for line in warnings:
        progress.message(f"note: {line}")
    return tuple(warnings)
