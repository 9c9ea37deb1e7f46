"""Small studies out of given numbers, with draws as a bootstrap of items would give them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gapkit.comparison import Results
from gapkit.comparison.columns import metric_columns

Rows = Mapping[str, Mapping[str, float]]
ANCHORS = ("identity", "mean-shift", "collapse", "random-target", "oracle-target", "target-split-half")


@pytest.fixture(scope="session")
def made() -> Callable[..., Results]:
    """Makes `Results` of values by bridge and metric; `spread` is the standard error of each."""

    def make(rows: Rows, *, spread: float = 0.005, draws: bool = True, n: int = 200, **study: Any) -> Results:
        rng = np.random.default_rng(1)
        records, drawn = [], {}
        for name, values in rows.items():
            block = "anchor" if name in ANCHORS else "unpaired" if name == "c3" else "paired"
            for metric, value in values.items():
                own = np.full(200, value) if value in (0.0, 1.0) else value + spread * rng.standard_normal(200)
                if draws and name != "target-split-half":
                    drawn[name, None, metric] = own
                low, high = np.percentile(own, [2.5, 97.5]) if draws else (np.nan, np.nan)
                records.append(
                    {"bridge": name, "block": block, "metric": metric, "group": "closure", "split": "test",
                     "seed": None, "value": value, "ci_low": low, "ci_high": high, "n": n, "seconds": 0.5, "error": ""}
                )  # fmt: skip
        frame = pd.DataFrame(records).astype({"n": "Int64", "seed": "Int64"})
        metrics = dict.fromkeys(metric for values in rows.values() for metric in values)
        data = {"test_clips": n, "test_targets": n, "fit_clips": n, "dim": 8, **study.pop("data", {})}
        return Results(frame, metric_columns(list(metrics)), {"data": data, **study}, drawn)

    return make
