"""Rows of `Results` held against each other, on the same resamples of clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.comparison.rows import Rows
from gapkit.comparison.selecting import require_known
from gapkit.comparison.summary import mean_draws
from gapkit.errors import InputError
from gapkit.statistics import Difference, PValue, paired_difference, paired_tests

LEVEL = 0.05
"""Adjusted p-value below which a difference has a verdict."""


def difference(results: Rows, a: str, b: str, metric: str) -> Difference:
    """Bridge `a` minus bridge `b`: see `Results.difference`."""
    values = _numbers(results.pivot())
    require_known("bridge", (a, b), dict.fromkeys(bridge for bridge, _ in values))
    require_known("metric", (metric,), dict.fromkeys(name for _, name in values))
    draws = _common_draws(results, a, b, metric)
    if draws is None:
        raise InputError(f"{metric} of {a} and {b}: no common bootstrap draws; run the study with n_resamples > 0")
    return paired_difference(*draws, value=values[a, metric] - values[b, metric])


def paired_table(
    results: Rows, against: str, metrics: Sequence[str] | None, bridges: Sequence[str] | None, p: PValue = "draws"
) -> pd.DataFrame:
    """Each bridge minus `against` on each metric: see `Results.tests`."""
    values, clips = _numbers(results.pivot()), _numbers(results.pivot("n"))
    blocks = dict(zip(results.frame["bridge"], results.frame["block"], strict=True))
    columns = {column.name: column for column in results.columns}
    if bridges is None:
        bridges = [name for name, block in blocks.items() if block != "anchor" and name != against]
    if metrics is None:
        metrics = list(dict.fromkeys(metric for _, metric in values))
    require_known("bridge", (against, *bridges), dict.fromkeys(bridge for bridge, _ in values))
    require_known("metric", metrics, dict.fromkeys(metric for _, metric in values))
    cells, differences, merits, n = list[tuple[str, str]](), list[float](), list[float](), list[float]()
    left, right = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    for bridge in bridges:
        for metric in metrics:
            a, b, column = values[bridge, metric], values[against, metric], columns[metric]
            if not np.isfinite([a, b]).all():
                continue
            draws = _common_draws(results, bridge, against, metric) or (np.empty(0), np.empty(0))
            cells.append((bridge, metric))
            differences.append(a - b)
            merits.append(column.merit(a) - column.merit(b))
            n.append(clips[bridge, metric])
            left.append(draws[0])
            right.append(draws[1])
    groups = results.study.get("data", {}).get("groups")
    found = paired_tests(differences, left, right, n=[groups["effective"]] * len(n) if groups else n, p=p)
    names = {"bridge": [bridge for bridge, _ in cells], "metric": [metric for _, metric in cells]}
    verdict = [_verdict(merit, adjusted) for merit, adjusted in zip(merits, found["p_holm"], strict=True)]
    return pd.DataFrame({**names, **found, "verdict": verdict})


def _numbers(wide: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Entries of a table of bridges and metrics, NaN where there is none."""
    filled = wide.astype("float64")
    return {(str(b), str(m)): float(v) for m in filled.columns for b, v in filled[m].items()}


def _verdict(merit: float, p: float) -> str:
    """A metric without a direction has none, and beyond the best possible value there is only chance."""
    if not p < LEVEL or not merit:
        return ""
    return "better" if merit > 0 else "worse" if merit < 0 else ""


def _common_draws(results: Rows, a: str, b: str, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    left, right = (mean_draws(results.frame, results.draws, name, metric) for name in (a, b))
    if left is None or right is None or len(left) != len(right):
        return None
    return left, right
