"""What not to believe: numbers of a study that say less than they seem to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gapkit.statistics import LEAST_ITEMS
from gapkit.verdict.evidence import IDENTITY, Evidence
from gapkit.verdict.limits import SATURATED, rank_cut
from gapkit.verdict.recommending import KEEP
from gapkit.verdict.shares import PRESERVATION

Kind = Literal[
    "no draws", "few items", "few groups", "saturated", "chance", "kept", "floor", "fitted", "domain", "copies",
    "pairing",
]  # fmt: skip

IN_FINDINGS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("fitted", ("fitted on one has seen", "were fitted on", "was fitted on")),
    ("domain", ("another domain:", "another encoder:")),
    ("copies", ("repeat an earlier",)),
    ("pairing", ("no nearer than unrelated", "nearer in another order", "both sides are the same rows")),
)
"""Words by which a finding about the data is known."""


@dataclass(frozen=True)
class Doubt:
    """One reason not to believe some numbers.

    Parameters
    ----------
    kind : str
    metrics : tuple of str
        Columns that it is about.
    number : float
        What makes it one: items, a value, a share.
    counts : tuple of int
        How many bridges it is about, a number a column.
    findings : tuple of str
        What was found about the data.
    """

    kind: Kind
    metrics: tuple[str, ...] = ()
    number: float = math.nan
    counts: tuple[int, ...] = ()
    findings: tuple[str, ...] = ()


def doubts_of(evidence: Evidence) -> tuple[Doubt, ...]:
    """All reasons for doubt, those that touch everything first."""
    return (*_tests(evidence), *_retrieval(evidence), *_floors(evidence), *_findings(evidence))


def _tests(evidence: Evidence) -> Iterator[Doubt]:
    known = [name for name in (IDENTITY, *evidence.bridges) if any(bridge == name for bridge, _ in evidence.cells)]
    without = [n for n in known if not any(evidence.draws(n, m) is not None for b, m in evidence.cells if b == n)]
    if known and len(without) == len(known):
        yield Doubt("few items" if evidence.n < LEAST_ITEMS else "no draws", number=evidence.n)
        return
    if evidence.groups.get("caution"):
        yield Doubt("few groups", number=float(evidence.groups.get("effective", math.nan)))
    kept = [evidence.kept(name) for name in evidence.bridges]
    half = [own.half for own in kept if own.has_interval]
    if half and float(np.median(half)) > 1 - KEEP:
        yield Doubt("kept", (PRESERVATION,), number=float(np.median(half)))


def _retrieval(evidence: Evidence) -> Iterator[Doubt]:
    recalls = [name for name in evidence.column if rank_cut(name)]
    full = [name for name in recalls if evidence.entry(IDENTITY, name).value >= SATURATED]
    if full:
        yield Doubt("saturated", tuple(full), number=min(evidence.entry(IDENTITY, name).value for name in full))
    for name in recalls:
        own, chance = evidence.entry(IDENTITY, name), evidence.chance(name)
        low = own.low if own.has_interval else own.value
        if chance is not None and math.isfinite(own.value) and low <= chance and name not in full:
            yield Doubt("chance", (name,), number=chance)


def _floors(evidence: Evidence) -> Iterator[Doubt]:
    """Distances on which several bridges read no more than two samples of targets do."""
    found = {m: sum(evidence.at_floor(name, m) for name in evidence.bridges) for m in evidence.column}
    several = {metric: count for metric, count in found.items() if count >= 2}
    if several:
        yield Doubt("floor", tuple(several), counts=tuple(several.values()))


def _findings(evidence: Evidence) -> Iterator[Doubt]:
    for kind, words in IN_FINDINGS:
        said = tuple(text for text in evidence.findings if any(word in text for word in words))
        if said:
            yield Doubt(kind, findings=said)
