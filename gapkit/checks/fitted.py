"""Items that a bridge was fitted on, and what else the move of the source left to be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.checks.findings import Problem
from gapkit.embeddings import PairedEmbeddings


def fitted_items(fitted: NDArray[np.bool_]) -> str:
    """Number of fitted items and the way to measure the others, in words; empty where none was fitted.

    Parameters
    ----------
    fitted : array of shape (n,) of bool
    """
    n, count = len(fitted), int(fitted.sum())
    if not count:
        return ""
    if count == n:
        return f"all {n:,} items were fitted on: measure others, or fit with --hold-out 30%"
    were = "was" if count == 1 else "were"
    return f"{count:,} of {n:,} items {were} fitted on: measure the other {n - count:,} with --held-out"


def moved_problems(pairs: PairedEmbeddings) -> Iterator[Problem]:
    """A warning for fitted items, and for each that the bridge gave when it moved the source."""
    if pairs.fitted is not None and (text := fitted_items(pairs.fitted)):
        yield Problem("warning", text)
    for text in moved_warnings(pairs.meta):
        yield Problem("warning", text)


def moved_warnings(meta: Mapping[str, Any]) -> list[str]:
    """Warnings of `gapkit transform` when it moved the source."""
    moved = meta.get("moved")
    warnings = moved.get("warnings") if isinstance(moved, Mapping) else None
    by = f"moved by {moved['bridge']}: " if isinstance(moved, Mapping) and "bridge" in moved else ""
    return [f"{by}{text}" for text in warnings] if isinstance(warnings, list) else []
