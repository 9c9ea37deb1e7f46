"""Marks of a table: every row that cannot be told from the best of its column."""

from __future__ import annotations

from collections.abc import Sequence

from gapkit.verdict.evidence import Evidence
from gapkit.verdict.limits import SATURATED
from gapkit.verdict.standing import Score, standing

CLOSED, KEPT = "gap-closed", "recall@10-kept"
"""Names of the two columns of the whole."""


def marked(evidence: Evidence, metric: str, rows: Sequence[str]) -> frozenset[str]:
    """Rows of a column that cannot be told from the best of them by paired tests.

    Parameters
    ----------
    evidence : Evidence
    metric : str
        A metric, or one of the two columns of the whole.
    rows : sequence of str
        Those that compete.

    Returns
    -------
    frozenset of str
        Empty where nothing can be told apart: no draws, no row that is measurably worse, all at the floor, at chance
        or at the ceiling.
    """
    if metric == CLOSED:
        scores = {name: evidence.closed(name, floored=True) for name in rows}
    elif metric == KEPT:
        # What is kept is a share of one number: the same tests as of that number.
        return marked(evidence, "recall@10", rows)
    else:
        scores = {name: evidence.score(name, metric) for name in rows}
    found = standing(scores)
    if found is None or not found.told_apart or _at_one_end(evidence, metric, scores):
        return frozenset()
    return frozenset(found.alike)


def _at_one_end(evidence: Evidence, metric: str, scores: dict[str, Score]) -> bool:
    """Whether all rows of a recall are at chance, or all at the ceiling."""
    chance, ceiling = evidence.chance(metric), evidence.ceiling(metric)
    rows = [evidence.entry(name, metric) for name in scores]
    if chance is not None and all(row.value <= chance or row.low <= chance for row in rows):
        return True
    return ceiling is not None and all(row.value >= SATURATED * ceiling for row in rows)
