"""The recommended bridge: the simplest that is not measurably worse than the best; or none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gapkit.bridges.families import simplicity
from gapkit.report import Entry
from gapkit.statistics import Difference
from gapkit.verdict.aims import Aim, scores_of, value_of
from gapkit.verdict.evidence import IDENTITY, Evidence
from gapkit.verdict.gap import Gap
from gapkit.verdict.standing import LEVEL, Score, difference, differences, standing

KEEP = 0.95
"""Share of R@10 that a bridge must keep, within its interval, to be recommended for closure."""
SAME_TIME = 1.0
"""Seconds below which times count as equal: what the machine does beside them is as long."""

Reason = Literal[
    "simplest", "best", "only", "not measured", "no bridges", "no tests", "no gap", "none closes", "none keeps",
    "none better",
]  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One bridge with the numbers that speak for it.

    Parameters
    ----------
    bridge : str
    value : Entry
        What tells of the aim: share of the gap that is closed, or the metric.
    kept : Entry
        Share of R@10 that is left.
    seconds : float
        To fit and to move.
    """

    bridge: str
    value: Entry
    kept: Entry
    seconds: float


@dataclass(frozen=True)
class Recommendation:
    """Which bridge to take for an aim.

    Parameters
    ----------
    aim : str
    reason : str
    choice : Choice or None
        None: no bridge, or it cannot be said.
    best : Choice or None
        The highest value among those that were held against each other.
    alike : int
        Bridges that cannot be told from the best, the best among them; from no bridge where that is not worse.
    held : int
        Bridges that were held against each other.
    adds : Difference or None
        The best minus the choice; minus no bridge where none is chosen.
    shows : float
        Smallest difference between the best and the choice that these items show; NaN without tests.
    beyond : Choice or None
        A bridge that closes measurably more than the choice and loses too much of R@10; where none keeps enough, the
        one that keeps most among those that close.
    """

    aim: Aim
    reason: Reason
    choice: Choice | None = None
    best: Choice | None = None
    alike: int = 0
    held: int = 0
    adds: Difference | None = None
    shows: float = math.nan
    beyond: Choice | None = None


def recommend(evidence: Evidence, aim: Aim, gap: Gap) -> Recommendation:
    """The bridge to take for an aim."""
    if not evidence.bridges:
        return Recommendation(aim, "no bridges")
    scores, start = scores_of(evidence, aim)
    if not scores or not math.isfinite(start.value):
        return Recommendation(aim, "not measured")
    top = _choice(evidence, aim, max(scores, key=lambda name: scores[name].value))
    tested = {name: own for name, own in scores.items() if own.draws is not None}
    if aim == "closure" and gap.there is False:
        return Recommendation(aim, "no gap")
    if not tested or start.draws is None:
        return Recommendation(aim, "no tests", best=top, held=len(scores))
    if aim == "closure":
        return _for_closure(evidence, tested, start)
    return _for_metric(evidence, aim, tested, start)


def _for_closure(evidence: Evidence, scores: dict[str, Score], start: Score) -> Recommendation:
    """The simplest among those that keep enough of R@10 and are not measurably worse than the best of these."""
    whole = standing({**scores, IDENTITY: start})
    assert whole is not None
    first = max(scores, key=lambda name: scores[name].value)
    top = _choice(evidence, "closure", first)
    over = differences(scores, start)
    gain, closing = over[first], [name for name, own in over.items() if own.value > 0 and own.p < LEVEL]
    if not closing:
        return Recommendation("closure", "none closes", best=top, held=len(scores), adds=gain)
    keeping = {name: own for name, own in scores.items() if _keeps(evidence.kept(name))}
    helping = {name: keeping[name] for name in closing if name in keeping}
    if not helping:
        most = max(closing, key=lambda name: evidence.kept(name).value)
        beyond = None if most == first else _choice(evidence, "closure", most)
        return Recommendation("closure", "none keeps", best=top, held=len(scores), adds=gain, beyond=beyond)
    best = max(helping, key=lambda name: helping[name].value)
    found = standing(helping)
    if found is None:
        chosen, alike, reason, shows = best, 1, "only", math.nan
    else:
        chosen, alike = _simplest(found.alike, helping, evidence), len(found.alike)
        reason, shows = ("best" if alike == 1 else "simplest"), found.shows(chosen)
    more = whole.behind.get(best) if first != best and whole.best == first else None
    return Recommendation(
        "closure",
        reason,  # type: ignore[arg-type]
        choice=_choice(evidence, "closure", chosen),
        best=_choice(evidence, "closure", best),
        alike=alike,
        held=len(helping),
        adds=None if chosen == best else difference(scores[best], scores[chosen]),
        shows=shows,
        beyond=top if more is not None and more.p < LEVEL else None,
    )


def _for_metric(evidence: Evidence, aim: Aim, scores: dict[str, Score], start: Score) -> Recommendation:
    """The simplest that is not measurably worse than the best; no bridge is simpler than any."""
    found = standing({IDENTITY: start, **scores})
    assert found is not None
    first = max(scores, key=lambda name: scores[name].value)
    best = _choice(evidence, aim, first)
    if IDENTITY in found.alike:
        over = difference(scores[first], start)
        alike, shows = len(found.alike) - 1, found.shows(IDENTITY)
        return Recommendation(aim, "none better", best=best, alike=alike, held=len(scores), adds=over, shows=shows)
    chosen = _simplest(found.alike, scores, evidence)
    return Recommendation(
        aim,
        "best" if len(found.alike) == 1 else "simplest",
        choice=_choice(evidence, aim, chosen),
        best=best,
        alike=len(found.alike),
        held=len(scores),
        adds=None if chosen == first else difference(scores[first], scores[chosen]),
        shows=found.shows(chosen),
    )


def _keeps(own: Entry) -> bool:
    """True too where nothing of R@10 is known, which is then said."""
    return not math.isfinite(own.value) or max(own.value, own.high if own.has_interval else own.value) >= KEEP


def _simplest(names: tuple[str, ...], scores: dict[str, Score], evidence: Evidence) -> str:
    """Closed form before memory before network, then by time in steps of a factor of two, then by value."""

    def order(name: str) -> tuple[int, int, float]:
        seconds = evidence.seconds(name)
        step = math.ceil(math.log2(max(seconds, SAME_TIME) / SAME_TIME)) if math.isfinite(seconds) else 99
        return simplicity(name), step, -scores[name].value

    return min(names, key=order)


def _choice(evidence: Evidence, aim: Aim, bridge: str) -> Choice:
    return Choice(bridge, value_of(evidence, aim, bridge), evidence.kept(bridge), evidence.seconds(bridge))
