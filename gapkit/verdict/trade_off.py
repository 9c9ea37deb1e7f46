"""Closure and preservation of every bridge in two numbers, and which bridges no other beats on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.bridges.families import ANCHOR, family_of
from gapkit.errors import InputError
from gapkit.statistics import percentile_interval
from gapkit.verdict.shares import CLOSURE, PRESERVATION, closure, kept

Draws = Callable[[str, str], NDArray[np.float64] | None]
"""Bootstrap draws of a bridge and metric."""


def trade_off(summary: pd.DataFrame, draws: Draws | None = None) -> pd.DataFrame:
    """One row a bridge that has the metrics it takes.

    Parameters
    ----------
    summary : DataFrame
        One row a bridge and metric: bridge, metric, value; `Results.summary()`, or a table in ``results/``.
    draws : callable, optional
        Draws on common resamples of clips; gives intervals.

    Returns
    -------
    DataFrame
        bridge, family, closed (mean share of the gap that is closed: `gapkit.verdict.shares.closure`), closed_low,
        closed_high, kept (R@10 as a share of that before), kept_low, kept_high, front (no other bridge has as much of
        both and more of one; anchors that are made of targets do not compete).

    Raises
    ------
    InputError
        The metrics or the bridge ``identity`` are missing, or there is no gap to close.
    """
    needed = [*CLOSURE, PRESERVATION]
    wide = summary[summary["metric"].notna()].pivot_table(index="bridge", columns="metric", values="value", sort=False)
    missing = [name for name in needed if name not in wide.columns]
    if missing or "identity" not in wide.index or wide.loc["identity", needed].isna().any():
        what = f"metrics {', '.join(missing)}" if missing else "the bridge identity"
        raise InputError(
            f"closure and preservation: {what} missing in this study; run `gapkit compare` with the default"
        )
    whole = wide[wide[needed].notna().all(axis=1)]
    start: dict[str, Any] = dict(whole.loc["identity", needed])
    rows = []
    for name, own in whole[needed].iterrows():
        bridge, values = str(name), dict(own)
        row: dict[str, Any] = {"bridge": bridge, "family": family_of(bridge)}
        row |= {"closed": closure(values, start), "kept": kept(values[PRESERVATION], start[PRESERVATION])}
        rows.append(row | _intervals(bridge, draws))
    frame = pd.DataFrame(rows)
    if frame["closed"].isna().all() or frame["kept"].isna().all():
        raise InputError("closure and preservation: there is no gap, or nothing is found before any bridge")
    rivals = frame[frame["family"] != ANCHOR]
    frame["front"] = [
        family != ANCHOR
        and not (
            (rivals["closed"] >= c) & (rivals["kept"] >= k) & ((rivals["closed"] > c) | (rivals["kept"] > k))
        ).any()
        for family, c, k in zip(frame["family"], frame["closed"], frame["kept"], strict=True)
    ]
    return frame


def _intervals(bridge: str, draws: Draws | None) -> dict[str, float]:
    both = [{m: draws(name, m) if draws else None for m in (*CLOSURE, PRESERVATION)} for name in (bridge, "identity")]
    if any(own is None or not len(own) for table in both for own in table.values()):
        return dict.fromkeys(("closed_low", "closed_high", "kept_low", "kept_high"), np.nan)
    one, start = both
    closed_low, closed_high = percentile_interval(closure(one, start))
    kept_low, kept_high = percentile_interval(kept(one[PRESERVATION], start[PRESERVATION]))
    return {"closed_low": closed_low, "closed_high": closed_high, "kept_low": kept_low, "kept_high": kept_high}
