"""How much work a metric is on given numbers of rows: what would take hours says so instead of beginning."""

from __future__ import annotations

import math
import re
from numbers import Real
from typing import Any

import torch

from gapkit.errors import InputError
from gapkit.metrics.candidates import BLOCK
from gapkit.metrics.registry import METRICS, Metric

MAX_WORK = 1e14
"""Multiplications that one metric may take on a processor: one to two hours of one core. 440,000 rows of 512 numbers
where the cost is ``n^2 d``."""

MAX_WORK_ACCELERATOR = 1e16
"""The same on a GPU: some minutes."""

OTHER = 100
"""What a word of a cost that is no number of rows or columns ("iterations") stands for."""


def work(cost: str, n: int, m: int, d: int) -> float:
    """Multiplications of a cost such as ``"n^2 d"`` for `n` source rows, `m` target rows and `d` columns.

    Where the cost does not name `m`, `n` stands for the larger of both.

    Examples
    --------
    >>> work("n^2 d", 1000, 5000, 512) == 5000**2 * 512
    True
    >>> work("n d x iterations + d^3", 10, 10, 2)
    2008.0
    """
    sizes = {"n": n if re.search(r"\bm\b", cost) else max(n, m), "m": m, "d": d, "log": 20}
    # The logarithm of whatever number of rows is some tens.
    terms = re.sub(r"log\s*\(?\w+\)?", "log", cost).replace("(", " ").replace(")", " ").split("+")
    return sum(
        math.prod(
            float(sizes.get(word, OTHER)) ** int(power or 1)
            for word, power in re.findall(r"(\w+)(?:\^(\d+))?", term)
            if word != "x"
        )
        for term in terms
    )


def held_bytes(n: int, m: int, d: int) -> int:
    """Bytes of a metric that holds all rows of both sides, as measured: three copies, and three blocks of distances.

    Copies: of length one, seen from their centre, and what their making takes.
    """
    return 3 * 4 * (n + m) * d + 3 * min(BLOCK, 4 * n * m)


def limit_of(max_work: Any, device: torch.device) -> float:
    """What was asked for, without end too, or the default of the device."""
    if max_work is None:
        return MAX_WORK if device.type == "cpu" else MAX_WORK_ACCELERATOR
    if isinstance(max_work, bool) or not isinstance(max_work, Real) or not float(max_work) > 0:
        raise InputError(f"max_work: expected a number of multiplications above 0, got {max_work!r}")
    return float(max_work)


def refusal(metric: Metric, n: int, m: int, d: int, limit: float, max_memory: int) -> str:
    """Why the metric is not begun, in one line; empty where its work and its memory are within the limits."""
    needed, held = work(metric.cost, n, m, d), held_bytes(n, m, d)
    if needed <= limit:
        if not metric.holds_rows or held <= max_memory:
            return ""
        return (
            f"holds the rows of both sides, {held / 1e9:.2g} GB, more than the {max_memory / 1e9:.2g} GB of "
            "max_memory; measure a random part of the clips, or raise max_memory"
        )
    other = metric.instead if metric.instead in METRICS.names() else ""
    way_out = f"take {other}" if other else "measure a random part of the clips"
    return (
        f"costs {metric.cost}, {needed:.0e} multiplications for {max(n, m):,} rows of {d}: hours; {way_out}, "
        f"or allow it by max_work={needed:.0e}"
    )
