"""Numbers and names inside a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gapkit.report import Column, Entry


def percent(share: float) -> str:
    """A share in percent; small ones with a decimal.

    Examples
    --------
    >>> percent(0.771), percent(0.004), percent(-0.0001)
    ('77%', '.4%', '0%')
    """
    return f"{_points(share)}%"


def percent_entry(own: Entry) -> str:
    """A share with its interval.

    Examples
    --------
    >>> percent_entry(Entry(0.77, 0.75, 0.79)), percent_entry(Entry(0.77))
    ('77% [75, 79]', '77%')
    """
    ends = f" {interval(_points(own.low), _points(own.high))}" if own.has_interval else ""
    return f"{percent(own.value)}{ends}"


def interval(low: str, high: str) -> str:
    """Both ends of an interval."""
    return f"[{low}, {high}]"


def seconds(value: float) -> str:
    """A time, roughly: machines differ by more.

    Examples
    --------
    >>> seconds(0.02), seconds(34.2), seconds(300)
    ('under a second', '34 s', '5 min')
    """
    if value < 1:
        return "under a second"
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"


def listed(names: Sequence[str], *, joint: str = "and") -> str:
    """Names in a row.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}"


def column_name(column: Column, *, start: bool = False) -> str:
    """A heading inside a sentence: no capital but at its start and in abbreviations."""
    label = column.label
    short = label[:2].isupper() or not label[1:2].islower()
    return f"{label if start or short else label[0].lower() + label[1:]} {column.factor}".strip()


def _points(share: float) -> str:
    value = 100 * share
    if not math.isfinite(value):
        return "–"
    text = f"{value:.0f}" if abs(value) >= 0.95 or abs(value) < 0.05 else f"{value:.1f}".replace("0.", ".")
    return "0" if text == "-0" else text
