"""How often the verdict is right, where the truth is known.

    python analyses/verdict_simulation.py [STUDIES]

Studies are made of items drawn anew: each item has a cosine under every bridge, alike over bridges, and is found among
the first ten or not. All bridges are equal, or `diffusion-link` is truly better by the difference that the verdict of
an equal study says its items show. Prints the share of studies whose verdict is right.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gapkit.comparison import Results
from gapkit.comparison.columns import metric_columns
from gapkit.statistics import bootstrap_weights
from gapkit.verdict import Verdict

BETTER = "diffusion-link"
START, MIDDLE = 0.3, 0.7
"""Mean cosine without a bridge, and with one."""
SHARED, OWN = 0.08, 0.06
"""Spread of the items' cosines: what bridges share, and what each has of its own."""
FOUND = 0.6
"""Share of items that are found among the first ten, with a bridge and without."""


def made_study(
    rng: np.random.Generator, n: int, bridges: Sequence[str], *, gain: float = 0.0, n_resamples: int = 300
) -> Results:
    """A study whose bridges are equal but for `BETTER`, whose cosine is higher by `gain` of the gap."""
    weights = bootstrap_weights(n, n_resamples, int(rng.integers(2**31))).astype(np.float64) / n
    shared, chance = rng.standard_normal(n), rng.uniform(size=n)
    rows, draws = [], {}
    for name in ("identity", *bridges):
        mean = START if name == "identity" else MIDDLE + gain * (1 - START) * (name == BETTER)
        items = {
            "cosine": mean + SHARED * shared + OWN * rng.standard_normal(n),
            "recall@10": (0.8 * chance + 0.2 * rng.uniform(size=n) < FOUND).astype(np.float64),
        }
        block = "anchor" if name in ("identity", "mean-shift") else "paired"
        for metric, own in items.items():
            drawn = weights @ own
            draws[name, None, metric] = drawn
            low, high = np.percentile(drawn, [2.5, 97.5])
            rows.append(
                {"bridge": name, "block": block, "metric": metric, "group": "closure", "split": "test", "seed": None,
                 "value": float(own.mean()), "ci_low": low, "ci_high": high, "n": n,
                 "seconds": 30.0 if name == BETTER else 0.1, "error": ""}
            )  # fmt: skip
    frame = pd.DataFrame(rows).astype({"n": "Int64", "seed": "Int64"})
    return Results(frame, metric_columns(("cosine", "recall@10")), {"data": {"test_clips": n}}, draws)


def told_apart(verdict: Verdict) -> bool:
    """Whether the verdict says that some bridge is worse than the best."""
    return verdict.recommendation.alike < verdict.recommendation.held


def shares(rng: np.random.Generator, n: int, bridges: Sequence[str], studies: int) -> dict[str, float]:
    """Shares of right verdicts: equal bridges not told apart, and the better one recommended.

    Returns
    -------
    dict
        ``equal``: nothing is told apart and the simplest is recommended. ``better``: `BETTER` is recommended, truly
        better by ``shows``, the median difference that the verdicts on equal bridges say the items show. ``little``:
        the same where it is better by a quarter of that; then a simpler one is mostly right to be named.
    """
    equal = [made_study(rng, n, bridges).verdict() for _ in range(studies)]
    shows = float(np.median([own.recommendation.shows for own in equal]))

    def chosen(gain: float) -> float:
        verdicts = (made_study(rng, n, bridges, gain=gain).verdict() for _ in range(studies))
        return float(np.mean([_name(own) == BETTER for own in verdicts]))

    right = [not told_apart(own) and _name(own) != BETTER for own in equal]
    return {"equal": float(np.mean(right)), "shows": shows, "better": chosen(shows), "little": chosen(shows / 4)}


def _name(verdict: Verdict) -> str:
    choice = verdict.recommendation.choice
    return "" if choice is None else choice.bridge


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    simple = ("procrustes", "ridge", "cca", "pls-svd", "coral", "c3", "realign", "mean-shift", "memory")
    for count in (20, 50, 150, 1000):
        for rivals in (1, 9):
            found = shares(np.random.default_rng([count, rivals]), count, (*simple[:rivals], BETTER), many)
            said = ", ".join(f"{key} {value:.3f}" for key, value in found.items())
            print(f"n = {count}, {rivals + 1} bridges, {many} studies: {said}", flush=True)  # noqa: T201
