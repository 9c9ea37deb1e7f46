"""`Judgement`: what a verdict says, as a record of numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from gapkit.report import Column
from gapkit.verdict.aims import Aim, Help
from gapkit.verdict.doubts import Doubt
from gapkit.verdict.gap import Gap
from gapkit.verdict.recommending import Recommendation


@dataclass(frozen=True)
class Judgement:
    """What a study says.

    Parameters
    ----------
    aim : {"closure", "retrieval", "pool", "classes"}
        What a bridge is wanted for.
    n : int
        Measured items.
    gap : Gap
        Whether there is one, and of what kind.
    helps : tuple of Help
        What the bridges do for each aim that was measured.
    absent : tuple of str
        Aims that were not.
    recommendation : Recommendation
    doubts : tuple of Doubt
        What not to believe.
    remarks : tuple of str
        What the study says of itself: that it is not finished.
    besides : tuple of pairs of str
        Lines of another study that lies beside this one: see `with_lines`.
    columns : mapping of metric to Column
        How the numbers of a metric are written.
    """

    aim: Aim
    n: int
    gap: Gap
    helps: tuple[Help, ...]
    absent: tuple[Aim, ...]
    recommendation: Recommendation
    doubts: tuple[Doubt, ...]
    remarks: tuple[str, ...] = ()
    besides: tuple[tuple[str, str], ...] = ()
    columns: Mapping[str, Column] = dataclasses.field(default_factory=dict, repr=False)
