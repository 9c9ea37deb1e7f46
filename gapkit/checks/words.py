"""What is wrong, in words: whose it is, what it is, how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.checks.findings import Leak, Problem, Side
from gapkit.checks.scan import Scan

COLLAPSE = 0.99
"""Mean cosine of different rows above which a side is collapsed."""
LOW_RANK = 0.05
"""Effective rank, as a share of what rows and dimensions allow, below which it is low."""


def problems_of(
    clips: int, sides: Mapping[str, Side], scans: Mapping[str, Scan], leaks: Sequence[Leak], repeated_captions: int
) -> tuple[Problem, ...]:
    """All problems, errors first."""
    errors = [text for key in sides for text in _errors(sides[key], scans[key])]
    if clips < 2:
        errors.append(f"{clips} clip is too few, 2 are the least that can be compared; give more clips")
    warnings = [text for side in sides.values() for text in _warnings(side)]
    warnings += [
        f"{leak.side}: {leak.rows:,} distinct rows stand in both split {leak.first!r} and {leak.second!r}; "
        "a bridge fitted on one has seen the other: split by content"
        for leak in leaks
    ]
    if repeated_captions:
        warnings.append(
            f"captions: {repeated_captions:,} repeat an earlier caption; retrieval cannot tell their clips apart: "
            "test on distinct captions"
        )
    return (*(Problem("error", text) for text in errors), *(Problem("warning", text) for text in warnings))


def _errors(side: Side, found: Scan) -> Iterator[str]:
    if side.non_finite:
        yield (
            f"{side.name}: {side.non_finite:,} of {side.rows:,} rows hold NaN or infinity "
            f"({_first(~found.finite)}); drop these clips or compute them again"
        )
    if side.zero:
        yield (
            f"{side.name}: {side.zero:,} of {side.rows:,} rows are all zeros ({_first(found.zero)}) and have no "
            "direction; drop these clips or compute them again"
        )


def _warnings(side: Side) -> Iterator[str]:
    name = side.name
    if side.mean_cosine > COLLAPSE:
        yield (
            f"{name}: collapsed, different rows have a mean cosine of {side.mean_cosine:.4f}; "
            "check that the encoder has its trained weights"
        )
    possible = min(side.dim, side.rows - side.non_finite - side.zero - 1)
    if possible >= 3 and side.effective_rank < max(LOW_RANK * possible, 1.5):
        yield (
            f"{name}: low effective rank, {side.effective_rank:.1f} of {possible} possible; "
            "the rows differ in few directions: check the encoder and its input"
        )
    if side.duplicates:
        yield (
            f"{name}: {side.duplicates:,} of {side.rows:,} rows repeat an earlier row; "
            "retrieval counts copies as wrong answers: keep one of each, or give `owner`"
        )
    if side.constant:
        yield (
            f"{name}: {side.constant:,} of {side.dim:,} dimensions have one value in all rows; "
            "dead units of the encoder, or padding: remove padding"
        )
    if side.dtype == "float16":
        yield f"{name}: was stored as float16, about 3 digits; differences below 0.001 are rounding: keep float32"
    elif side.dtype is not None and "int" in side.dtype:
        yield (
            f"{name}: holds whole numbers ({side.dtype}); quantised embeddings lose small differences, "
            "and labels are no embeddings: give the float32 output of the encoder"
        )
    if not side.unit:
        yield (
            f"{name}: rows are not normalised, lengths {side.norm_min:.3g} to {side.norm_max:.3g}, mean "
            f"{side.norm_mean:.3g}; bridges and metrics look at directions only: normalise if lengths carry no meaning"
        )


def _first(mask: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(mask)
    return f"first: {', '.join(str(row) for row in rows[:3])}"
