"""Is there a gap, and of what kind: an offset, another spread, a rotation, another shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gapkit.report import Entry
from gapkit.statistics import Difference
from gapkit.verdict.evidence import IDENTITY, SHIFT, Evidence
from gapkit.verdict.limits import Floor
from gapkit.verdict.standing import LEVEL, difference, differences

KINDS = {"spread": "coral", "rotation": "procrustes"}
"""What a bridge can mend beside the offset, and the bridge that mends no more than this and the offset."""


@dataclass(frozen=True)
class Opening:
    """One distance without a bridge.

    Parameters
    ----------
    metric : str
    own : Entry
    floor : Floor or None
    open : bool
        Wider than what two samples of targets read, by more than chance.
    """

    metric: str
    own: Entry
    floor: Floor | None
    open: bool


@dataclass(frozen=True)
class Part:
    """What one kind of map adds to the mean shift: share of the gap, measurable or not."""

    kind: str
    bridge: str
    adds: Difference

    @property
    def measurable(self) -> bool:
        """It closes more than the mean shift, by more than chance."""
        return self.adds.value > 0 and self.adds.p < LEVEL


@dataclass(frozen=True)
class Gap:
    """The gap as it is.

    Parameters
    ----------
    openings : tuple of Opening
        Distances that were measured.
    shift : float
        Share of the gap that a mean shift alone closes; NaN where that was not measured.
    most : float
        The largest share that any bridge closes.
    parts : tuple of Part
        Kinds beside the offset that a bridge of this study tells of.
    missing : tuple of str
        Bridges that would tell of a kind and are not in the study.
    """

    openings: tuple[Opening, ...]
    shift: float
    most: float
    parts: tuple[Part, ...]
    missing: tuple[str, ...]

    @property
    def there(self) -> bool | None:
        """Some distance is wider than its floor; None where nothing was measured that could tell."""
        return any(own.open for own in self.openings) if self.openings else None


def gap_of(evidence: Evidence) -> Gap:
    """The gap as the rows tell it."""
    openings = []
    for metric, column in evidence.column.items():
        own, floor = evidence.entry(IDENTITY, metric), evidence.floor(metric)
        if column.group != "closure" or column.better != "lower" or math.isnan(own.value):
            continue
        if floor is not None or (column.best is not None and metric != "centroid-distance" and own.has_interval):
            openings.append(Opening(metric, own, floor, _open(own, floor, column.best)))
    closed = {name: evidence.closed(name, floored=True) for name in evidence.bridges}
    known = {name: own for name, own in closed.items() if math.isfinite(own.value)}
    # Shares are shown as the table has them; what is compared does not count what lies below a floor.
    shown = {name: evidence.closed(name).value for name in known}
    most, shift = max(shown.values(), default=math.nan), shown.get(SHIFT, math.nan)
    if SHIFT not in known or known[SHIFT].draws is None:
        return Gap(tuple(openings), shift, most, (), (SHIFT,))
    simple = {kind: known[name] for kind, name in KINDS.items() if name in known}
    parts = [Part(kind, KINDS[kind], own) for kind, own in differences(simple, known[SHIFT]).items()]
    best = max(known, key=lambda name: known[name].value)
    base = max((SHIFT, *(KINDS[kind] for kind in simple)), key=lambda name: known[name].value)
    if best != base and known[best].draws is not None:
        parts.append(Part("shape", best, difference(known[best], known[base])))
    missing = tuple(name for name in KINDS.values() if name not in known)
    return Gap(tuple(openings), shift, most, tuple(parts), missing)


def _open(own: Entry, floor: Floor | None, best: float | None) -> bool:
    limit = best if floor is None else floor.high if math.isfinite(floor.high) else floor.value
    low = own.low if own.has_interval else own.value
    return limit is not None and low > limit
