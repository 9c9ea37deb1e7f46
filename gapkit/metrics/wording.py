"""Numbers and directions of metrics as every table prints them."""

from __future__ import annotations

import math


def arrow(better: str, best: float | None, bounds: tuple[float, float], scale: float = 1.0) -> str:
    """↑, ↓, the value aimed at where that is inside the range (→.5 for separability), or nothing.

    Examples
    --------
    >>> arrow("lower", 0.0, (0.0, 1.0)), arrow("lower", 0.5, (0.0, 1.0)), arrow("none", None, (-1.0, 1.0))
    ('↓', '→.5', '')
    """
    if best and bounds[0] < best < bounds[1]:
        return f"→{number(best * scale, 4).rstrip('0')}"
    return {"higher": "↑", "lower": "↓"}.get(better, "")


def number(value: float, digits: int) -> str:
    """A number of a table: fixed decimals, no zero before the point, no minus zero, a dash for NaN.

    Examples
    --------
    >>> number(0.5962, 3), number(-0.0001, 3), number(352.04, 1), number(float("nan"), 2)
    ('.596', '.000', '352.0', '–')
    """
    if math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    if not text.strip("-0."):
        text = text.lstrip("-")
    if text.startswith("0."):
        return text[1:]
    return f"-{text[2:]}" if text.startswith("-0.") else text
