"""`judge`: from the rows of a study to its verdict, a record of numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gapkit.errors import printable
from gapkit.verdict.aims import AIMS, checked_aim, help_of
from gapkit.verdict.doubts import doubts_of
from gapkit.verdict.evidence import Evidence
from gapkit.verdict.gap import gap_of
from gapkit.verdict.recommending import recommend
from gapkit.verdict.record import Judgement
from gapkit.verdict.wording import lines_of


@dataclass(frozen=True)
class Verdict(Judgement):
    """What a study says, as numbers and in words.

    Parameters
    ----------
    aim, n, gap, helps, absent, recommendation, doubts, remarks, besides, columns
        See `gapkit.verdict.record.Judgement`.
    """

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The verdict in words: for each line what it is about, and the sentences."""
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
