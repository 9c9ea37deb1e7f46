"""`judge`: from the rows of a study to its verdict, a record of numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gapkit.errors import printable
from gapkit.report import Column
from gapkit.verdict.aims import AIMS, Aim, Help, checked_aim, help_of
from gapkit.verdict.doubts import Doubt, doubts_of
from gapkit.verdict.evidence import Evidence
from gapkit.verdict.gap import Gap, gap_of
from gapkit.verdict.recommending import Recommendation, recommend


@dataclass(frozen=True)
class Verdict:
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

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The verdict in words: for each line what it is about, and the sentences."""
        from gapkit.verdict.wording import lines_of

        return lines_of(self)

    def with_lines(self, lines: tuple[tuple[str, str], ...]) -> Verdict:
        """The same with lines that stand after what bridges help for: those on captions."""
        return dataclasses.replace(self, besides=(*self.besides, *lines))

    def to_dict(self) -> dict[str, Any]:
        """The verdict as JSON holds it: the lines, and the numbers behind them; undefined numbers are None."""
        numbers = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("columns", "aim")}
        return {"aim": self.aim, "lines": [list(line) for line in self.lines], "numbers": _plain(numbers)}


def judge(evidence: Evidence, aim: str = "closure") -> Verdict:
    """Judge a study.

    Parameters
    ----------
    evidence : Evidence
    aim : {"closure", "retrieval", "pool", "classes"}

    Raises
    ------
    InputError
        An unknown aim.
    """
    wanted, gap = checked_aim(aim), gap_of(evidence)
    helps = {own: help_of(evidence, own) for own in AIMS}
    return Verdict(
        aim=wanted,
        n=evidence.n,
        gap=gap,
        helps=tuple(own for own in helps.values() if own is not None),
        absent=tuple(own for own, found in helps.items() if found is None) if evidence.bridges else (),
        recommendation=recommend(evidence, wanted, gap),
        doubts=doubts_of(evidence),
        remarks=tuple(map(printable, evidence.study.get("remarks", ()))),
        columns=evidence.column,
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {own.name: getattr(value, own.name) for own in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(own) for key, own in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(own) for own in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
