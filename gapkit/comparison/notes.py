"""Title and notes of the table of `Results`, in words."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gapkit.bridges.families import unlabelled
from gapkit.comparison.rows import Rows
from gapkit.comparison.summary import FAILED
from gapkit.errors import printable
from gapkit.statistics import LEAST_ITEMS


def title_of(results: Rows) -> str:
    """Name, items and dimensions of the data, in one line."""
    data = results.study.get("data", {})
    if not data:
        return ""
    fitted = f", fitted on {data['fit_clips']:,}" if data["fit_clips"] else ""
    fitted = f" in {data['folds']} folds" if data.get("folds") else fitted
    name = printable(str(results.study.get("name", "pairs")))
    groups = f" in {data['groups']['count']}" if data.get("groups") else ""
    return f"{name}: {data['test_clips']:,} clips{groups}{fitted}, {data['dim']} dimensions"


def notes_of(results: Rows) -> tuple[str, ...]:
    """What the intervals and the values are, for the foot of the table."""
    numbers = results.frame["n"].dropna()
    options = results.study.get("options", {})
    resamples = int(options.get("n_resamples", 0))
    seeds = sorted({int(seed) for seed in results.frame["seed"].dropna()})
    data, lines = results.study.get("data", {}), list(map(printable, results.study.get("remarks", ())))
    groups = data.get("groups") or {}
    if data.get("folds"):
        lines.append(
            f"{data['folds']} folds of {data['test_clips']:,} items, each measured by a fit that has not seen it; "
            "intervals take the fits as given."
        )
    lines += _undefined_in_words(results.frame) + _blanks_in_words(results.frame)
    if len(numbers) and resamples and numbers.max() < LEAST_ITEMS:
        lines.append(
            f"No intervals: {int(numbers.max())} clips are too few for one of 95 %; give at least {LEAST_ITEMS}."
        )
    elif len(numbers) and resamples and groups.get("no_interval"):
        lines.append(f"No intervals: {groups['no_interval']}.")
    elif len(numbers) and resamples:
        over = f"{groups['count']} of clips" if groups else "clips"
        lines.append(f"Intervals: 95 % bootstrap over {over}, n = {int(numbers.max())}, B = {resamples}.")
        if groups.get("caution"):
            lines.append(f"Note: {groups['caution']}.")
    if seeds:
        lines.append(f"Stochastic bridges: {_seeds_in_words(results.frame, seeds)}.")
    if len(seeds) > 1:
        lines.append("Intervals hold the chance of the clips; that of the seeds is seed_sd in results.json.")
    if "target-split-half" in set(results.frame["bridge"]):
        of = " of the groups" if groups else ""
        numbers = results.frame.loc[results.frame["bridge"] == "target-split-half", "n"].dropna()
        side = f", n = {int(numbers.min())} a side" if len(numbers) else ""
        lines.append(f"target-split-half: targets against targets, 10 random halvings{of}, interval over them{side}.")
    if "random-target" in set(results.frame["bridge"]):
        lines.append("random-target: each clip gets a random fitted target.")
    return (" ".join(lines),) if lines else ()


def _seeds_in_words(frame: pd.DataFrame, seeds: Sequence[int]) -> str:
    """The seeds behind the numbers: those that failed are behind none."""
    known = frame[frame["seed"].notna() & frame["value"].notna()]
    found = {tuple(sorted(set(map(int, own["seed"])))) for _, own in known.groupby(["bridge", "metric"])}
    if len(found) > 1:
        least, most = min(map(len, found)), max(map(len, found))
        return f"mean over {most} seeds" if least == most else f"mean over {least} to {most} seeds"
    own = next(iter(found), tuple(seeds))
    return f"{'seed' if len(own) == 1 else 'mean over seeds'} {', '.join(map(str, own))}"


def _undefined_in_words(frame: pd.DataFrame) -> list[str]:
    """Why a metric has no value in any row, a sentence for each reason."""
    why: dict[str, list[str]] = {}
    for metric, own in frame[frame["metric"].notna()].groupby("metric", sort=False):
        said = own.loc[~own["error"].str.startswith(FAILED) & (own["error"] != ""), "error"]
        if len(said) and own["value"].isna().all():
            why.setdefault(said.iloc[0], []).append(str(metric))
    return [f"Undefined: {', '.join(metrics)}: {reason}." for reason, metrics in why.items()]


def _blanks_in_words(frame: pd.DataFrame) -> list[str]:
    """Which bridges lack which metrics that others have, and the command that measures them."""
    known = frame[frame["metric"].notna() & (frame["block"] != "anchor")]
    there = set(zip(known["bridge"], known["metric"], strict=True))
    metrics, bridges = (dict.fromkeys(known[column]) for column in ("metric", "bridge"))
    lacking = {metric: [name for name in bridges if (name, metric) not in there] for metric in metrics}
    lacking = {metric: names for metric, names in lacking.items() if names}
    if not lacking:
        return []
    said = "; ".join(f"{metric} of {', '.join(names)}" for metric, names in lacking.items())
    asked = ",".join(dict.fromkeys(unlabelled(name) for names in lacking.values() for name in names))
    return [
        f"Not measured: {said}. `gapkit compare --bridges {asked} --metrics {','.join(lacking)}` into the same folder "
        "measures them."
    ]
