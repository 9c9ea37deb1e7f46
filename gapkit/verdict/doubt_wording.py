"""Reasons for doubt in words."""

from __future__ import annotations

from collections.abc import Mapping

from gapkit.report import Column
from gapkit.statistics import LEAST_ITEMS
from gapkit.verdict.doubts import Doubt, Kind
from gapkit.verdict.phrases import column_name, listed, percent
from gapkit.verdict.recommending import KEEP

FOUND: Mapping[Kind, str] = {
    "fitted": "Some of these items, or of their origins, were fitted on, which flatters every bridge",
    "domain": "The measured items are not like the fitted ones, so a bridge does worse here than on its own",
    "copies": "Retrieval counts a copy of the right answer as wrong",
    "pairing": "Source and target may not belong together, and then no number of pairs means anything",
}


def doubt_in_words(own: Doubt, columns: Mapping[str, Column]) -> str:
    """One or two sentences for a doubt."""
    if own.findings:
        return f"{FOUND[own.kind]}: {'; '.join(map(_short, own.findings))}."
    names = listed([column_name(columns[metric], start=place == 0) for place, metric in enumerate(own.metrics)] or [""])
    counted = [f"{column_name(columns[m])} of {n} bridges" for m, n in zip(own.metrics, own.counts, strict=False)]
    at_floor = listed(counted or [""])
    are = "are" if len(own.metrics) > 1 else "is"
    return {
        "few items": f"{own.number:.0f} items are too few for any interval or test; {LEAST_ITEMS} are the least.",
        "no draws": "There are no resamples, so nothing can be told from chance: run with --resamples 1000.",
        "few groups": f"The items come from few origins (effective number {own.number:.0f}): intervals are rough.",
        "kept": (
            f"Too few items to say whether {percent(KEEP)} of R@10 is kept: its interval reaches {percent(own.number)} "
            "to either side."
        ),
        "saturated": (
            f"{names} {are} saturated, {columns[own.metrics[0]].text(own.number) if own.metrics else ''} and more "
            "before any bridge: no bridge can be better there, and more items would make it harder."
        ),
        "chance": (
            f"{names} without a bridge cannot be told from chance "
            f"({columns[own.metrics[0]].text(own.number) if own.metrics else ''}): what is kept of it means nothing."
        ),
        "floor": f"At the floor, where targets read against other targets, no order means anything: {at_floor}.",
    }[own.kind]


def _short(finding: str) -> str:
    """A finding without its examples and its advice, which `gapkit inspect` gives."""
    return finding.split(" (first")[0].split("; ")[0].rstrip(".")
