"""From cells to frames: the long one, and its mean over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.comparison.cells import Cell

COLUMNS = (
    "bridge", "block", "metric", "group", "split", "seed", "value", "ci_low", "ci_high", "n", "seconds", "error",
)  # fmt: skip
"""Columns of the long frame."""

SUMMARY = (
    "bridge", "block", "metric", "group", "split", "value", "ci_low", "ci_high", "seed_sd", "n_seeds", "n", "seconds",
    "error",
)  # fmt: skip
"""Columns of the summary."""

FAILED = "failed: "
"""Opens the `error` of a row whose bridge or metric raised; other errors say why a value is undefined."""

DrawTable = Mapping[tuple[str, int | None, str], NDArray[np.float64]]
"""Bootstrap draws by bridge, seed and metric."""


def long_frame(cells: Iterable[Cell], metrics: Mapping[str, str], *, split: str) -> pd.DataFrame:
    """One row a bridge, metric and seed.

    Parameters
    ----------
    cells : iterable of Cell
        In the order of the table.
    metrics : mapping of metric to group
        Which metrics, in which order.
    split : str
        The split that was measured.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. `seconds` is the time to fit and transform. A bridge that failed has one row without a
        metric.
    """
    rows = []
    for cell in cells:
        seconds = cell.fit_seconds + cell.transform_seconds
        head = {"bridge": cell.bridge, "block": cell.block, "split": split, "seed": cell.seed, "seconds": seconds}
        if cell.error:
            rows.append({**head, "error": FAILED + cell.error})
        for metric, group in metrics.items():
            own = {**head, "metric": metric, "group": group}
            if metric in cell.failed:
                rows.append({**own, "error": FAILED + cell.failed[metric]})
            elif metric in cell.estimates:
                v = cell.estimates[metric]
                rows.append({**own, "value": v.value, "ci_low": v.low, "ci_high": v.high, "n": v.n, "error": v.why})
    return typed(pd.DataFrame(rows, columns=list(COLUMNS)))


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the types that every frame of results has: text, whole numbers that may be missing, float64."""
    frame = frame.copy()
    for column in frame.columns:
        if column in ("seed", "n", "n_seeds"):
            frame[column] = frame[column].astype("Int64")
        elif column in ("value", "ci_low", "ci_high", "seconds", "seed_sd"):
            frame[column] = frame[column].astype("float64")
        else:
            text = frame[column].astype("object")
            missing = "" if column in ("error", "group") else None
            frame[column] = text.where(text.notna(), missing)
    return frame


def draws_of(cells: Iterable[Cell]) -> dict[tuple[str, int | None, str], NDArray[np.float64]]:
    """The bootstrap draws of all cells."""
    return {(cell.bridge, cell.seed, metric): draws for cell in cells for metric, draws in cell.draws.items()}


def summarise(frame: pd.DataFrame, draws: DrawTable) -> pd.DataFrame:
    """Mean over seeds.

    Parameters
    ----------
    frame : DataFrame
        The long frame.
    draws : mapping
        Bootstrap draws. All rows share the resamples of clips, so the draws of several seeds are averaged draw by draw.

    Returns
    -------
    DataFrame
        Columns `SUMMARY`. `ci_low`, `ci_high`: percentiles 2.5 and 97.5 of the averaged draws, which hold the
        uncertainty from the clips; `seed_sd`: standard deviation over seeds (NaN for one), which holds that from
        training.
        Seeds that failed are left out of the mean; `error` says so.
    """
    rows = []
    answered = set(frame.loc[frame["value"].notna(), "bridge"])
    for (bridge, metric), own in frame.groupby(["bridge", "metric"], sort=False, dropna=False):
        own = _in_order(own)
        known = own[own["value"].notna()]
        errors = list(dict.fromkeys(e for e in own["error"] if e))
        if errors and bridge in answered and (len(known) or not isinstance(metric, str)) and own["seed"].notna().all():
            errors = _errors_of_seeds(own)
        first = own.iloc[0]
        row = {column: first[column] for column in ("bridge", "block", "metric", "group", "split")}
        row |= {"n_seeds": len(known), "seconds": own["seconds"].mean(), "error": "; ".join(errors)}
        if len(known):
            low, high = _interval(known, draws, str(bridge), str(metric))
            values = known["value"].to_numpy(dtype=np.float64)
            row |= {
                "value": float(values.mean()),
                "ci_low": low,
                "ci_high": high,
                "seed_sd": float(values.std(ddof=1)) if len(values) > 1 else np.nan,
                "n": known["n"].min(),
            }
        rows.append(row)
    return typed(pd.DataFrame(rows, columns=list(SUMMARY)))


def _in_order(own: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of their seeds: the last digit of a mean hangs on it, and with it who is level with whom."""
    return own if own["seed"].is_monotonic_increasing else own.sort_values("seed", kind="stable")


def _errors_of_seeds(own: pd.DataFrame) -> list[str]:
    """Errors of some seeds, where the mean is that of the others."""
    seeds: dict[str, list[str]] = {}
    for seed, error in zip(own["seed"], own["error"], strict=True):
        if error:
            seeds.setdefault(error, []).append(str(seed))
    lines = []
    for error, those in seeds.items():
        which = f"seed{'s' if len(those) > 1 else ''} {', '.join(those)}"
        failed = error.startswith(FAILED)
        lines.append(f"failed with {which}: {error.removeprefix(FAILED)}" if failed else f"{which}: {error}")
    return lines


def mean_draws(frame: pd.DataFrame, draws: DrawTable, bridge: str, metric: str) -> NDArray[np.float64] | None:
    """Draws of one bridge and metric averaged over its seeds, (B,); None where any seed has none."""
    own = frame[(frame["bridge"] == bridge) & (frame["metric"] == metric) & frame["value"].notna()]
    own = _in_order(own)
    found = [draws.get((bridge, seed_of(seed), metric)) for seed in own["seed"]]
    whole = [d for d in found if d is not None]
    if not whole or len(whole) < len(found) or len({len(d) for d in whole}) > 1:
        return None
    return np.asarray(np.mean(whole, axis=0), dtype=np.float64)


def seed_of(value: object) -> int | None:
    """The seed of a frame's row; None where the row does not depend on it."""
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]


def _interval(known: pd.DataFrame, draws: DrawTable, bridge: str, metric: str) -> tuple[float, float]:
    if len(known) == 1:
        return float(known["ci_low"].iloc[0]), float(known["ci_high"].iloc[0])
    averaged = mean_draws(known, draws, bridge, metric)
    if averaged is None or not np.isfinite(averaged).any():
        return np.nan, np.nan
    low, high = np.nanpercentile(averaged, [2.5, 97.5])
    return float(low), float(high)
