"""Whether what a search chose is better than the defaults, with several seeds and paired over clips.

    python analyses/tuning_confirmed.py WORK [--bridges a,b] [--seeds 3]

``analyses/tuning.py`` chooses among a few trials by one seed. Here each bridge whose search chose other settings than
the defaults that it began with is fitted with both, with the same seeds, and measured on the VALIDATION split; the test
split is not there at all. The aim is that of `gapkit tune`: close the most of the gap while keeping 0.95 of R@10. So a
setting takes the place of the default where it keeps that, or no less than the default, and closes more; or where it
alone keeps that, and more than the default. "More" is by at least 0.01 and with the paired 95 % interval of the
difference above 0. Controls stay what they control for. Studies run in WORK and go on where they stopped. Writes
``results/tuning-confirmed.csv`` and ``results/tuning-confirmed.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.atomic import write_text
from gapkit.bridges.registry import BRIDGES, make_bridge
from gapkit.cli.progress import reporting, say
from gapkit.comparison import Results, StudyConfig, run_study
from gapkit.datasets import load_dataset
from gapkit.embeddings import PairedEmbeddings
from gapkit.statistics import percentile_interval
from gapkit.verdict.shares import CLOSURE, PRESERVATION, closure, kept

sys.path.insert(0, str(Path(__file__).resolve().parent))
from ablation import validation_study
from independence import UNTESTED, marked
from tuning import KEEP, LEAST, OUTPUT, spelled

DATASET = "soundscapes"
LABEL = "chosen"
SCORES = ("closed", "kept")


def searched() -> dict[str, dict[str, Any]]:
    """Bridge to the settings that its search chose, where they differ from the defaults of that search."""
    found = {}
    for path in sorted((OUTPUT / "tuning").glob("*.csv")):
        frame = pd.read_csv(path)
        default, chosen = frame.iloc[0], frame[frame["chosen"]].iloc[0]
        columns = [column for column in frame if column.startswith("params_") and chosen[column] != default[column]]
        if columns:
            found[path.stem] = {column.removeprefix("params_"): chosen[column] for column in columns}
    return found


def typed(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as the bridge takes them: a column of a table has numpy's types."""
    defaults = make_bridge(name).get_params()
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in settings.items()}
    # In a column with a default that is a word, numbers are words too.
    plain = {key: _number(value) for key, value in plain.items()}
    return {key: int(value) if type(defaults[key]) is int else value for key, value in plain.items()}


def _number(value: Any) -> Any:
    """The number that a word spells, or the word."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def study(pairs: PairedEmbeddings, name: str, settings: dict[str, Any], work: Path, seeds: int) -> Results:
    """One bridge with one setting."""
    config = StudyConfig(
        bridges=(name,),
        metrics=(*CLOSURE, PRESERVATION),
        seeds=seeds,
        threads=1,
        params={name: settings} if settings else {},
    )
    with reporting(quiet=True) as progress:
        return run_study(pairs, config, out=work, progress=progress)


def scores(results: Results, name: str) -> dict[str, tuple[float, NDArray[np.float64]]]:
    """Closed and kept of one row, mean over seeds: the number, and its draws."""
    base = {metric: _single(results, "identity", metric) for metric in (*CLOSURE, PRESERVATION)}
    seeds = sorted({seed for bridge, seed, _ in results.draws if bridge == name}, key=str)
    parts: dict[str, list[tuple[float, NDArray[np.float64]]]] = {score: [] for score in SCORES}
    for seed in seeds:
        own = {metric: _single(results, name, metric, seed) for metric in (*CLOSURE, PRESERVATION)}
        for score, of in (("closed", _closed), ("kept", _kept)):
            parts[score].append((of(own, base, 0), of(own, base, 1)))
    return {
        score: (float(np.mean([value for value, _ in own])), np.mean([draws for _, draws in own], axis=0))
        for score, own in parts.items()
    }


def _closed(own: dict[str, Any], base: dict[str, Any], part: int) -> Any:
    return closure({m: own[m][part] for m in CLOSURE}, {m: base[m][part] for m in CLOSURE})


def _kept(own: dict[str, Any], base: dict[str, Any], part: int) -> Any:
    return kept(own[PRESERVATION][part], base[PRESERVATION][part])


def _single(results: Results, name: str, metric: str, seed: Any = None) -> tuple[float, NDArray[np.float64]]:
    """Value and draws of one cell and metric."""
    key = next(k for k in results.draws if k[0] == name and k[2] == metric and (seed is None or k[1] == seed))
    rows = results.frame[(results.frame["bridge"] == name) & (results.frame["metric"] == metric)]
    if seed is not None:
        rows = rows[rows["seed"].isna() if pd.isna(seed) else rows["seed"] == seed]
    return float(rows["value"].iloc[0]), np.asarray(results.draws[key], dtype=np.float64)


def confirmed(pairs: PairedEmbeddings, name: str, settings: dict[str, Any], work: Path, seeds: int) -> dict[str, Any]:
    """One row: both settings, their paired difference, and whether the chosen one takes over."""
    both = study(pairs, name, {}, work / name / "default", seeds).merge(
        study(pairs, name, settings, work / name / LABEL, seeds), label=LABEL
    )
    default, chosen = scores(both, name), scores(both, f"{name} [{LABEL}]")
    row: dict[str, Any] = {"bridge": name, "seeds": seeds if BRIDGES.get(name).stochastic else 1}
    for score in SCORES:
        difference = chosen[score][1] - default[score][1]
        low, high = percentile_interval(difference)
        row |= {
            f"default_{score}": default[score][0],
            f"chosen_{score}": chosen[score][0],
            f"{score}_difference": chosen[score][0] - default[score][0],
            f"{score}_low": low,
            f"{score}_high": high,
        }
    row["settings"] = ", ".join(f"{key} = {spelled(value)}" for key, value in settings.items())
    row["verdict"] = verdict(row)
    return row


def verdict(row: Mapping[str, Any]) -> str:
    """What becomes of a chosen setting: a key of `VERDICTS`."""
    if BRIDGES.get(str(row["bridge"])).family == "control":
        return "control"
    more = {score: row[f"{score}_low"] > 0 and row[f"{score}_difference"] >= LEAST for score in SCORES}
    was, would = row["default_kept"], row["chosen_kept"]
    if (more["closed"] and would >= min(was, KEEP)) or (more["kept"] and was < KEEP <= would):
        return "taken over"
    return "trade" if any(more.values()) else "stays"


VERDICTS = {
    "taken over": "takes the default's place",
    "trade": "more of one for less of the other, or of what is kept already: the default stays",
    "stays": "no more of either: the default stays",
    "control": "a control stays what it controls for",
}


def markdown(frame: pd.DataFrame) -> str:
    """The table, and how it was decided."""
    lines = [
        f"What a search chose (`results/tuning.md`) against the defaults that it began with, on the validation split "
        f"of `{DATASET}`: chosen minus default, mean over seeds, with the paired 95 % interval over clips.",
        "",
        "| bridge | seeds | closed, default | closed, difference | kept, default | kept, difference | decided |",
        "|---|---|---|---|---|---|---|",
    ]
    for _, row in frame.iterrows():
        cells = []
        for score in SCORES:
            cells.append(f"{row[f'default_{score}']:.3f}")
            cells.append(f"{row[f'{score}_difference']:+.3f} [{row[f'{score}_low']:+.3f}, {row[f'{score}_high']:+.3f}]")
        lines.append(f"| {row['bridge']} | {row['seeds']} | " + " | ".join(cells) + f" | {VERDICTS[row['verdict']]} |")
    lines += [
        "",
        f"A setting takes the default's place where it keeps {KEEP:g} of R@10, or no less than the default, and closes "
        f"more; or where it alone keeps {KEEP:g}, and more than the default. More: by at least {LEAST:g}, and the "
        f"interval above 0. Settings were decided by these intervals, which take clips as independent. {UNTESTED}",
    ]
    return marked("\n".join(lines) + "\n", DATASET)


def main() -> None:
    """Fit both settings of each bridge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--bridges", default="")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    pairs = validation_study(load_dataset(DATASET))
    chosen = searched()
    names = arguments.bridges.split(",") if arguments.bridges else list(chosen)
    table = OUTPUT / "tuning-confirmed.csv"
    rows = {}
    for name in names:
        rows[name] = confirmed(pairs, name, typed(name, chosen[name]), arguments.work, arguments.seeds)
        say(f"{name}: {rows[name]['verdict']}")
        known = pd.read_csv(table) if table.is_file() else pd.DataFrame({"bridge": []})
        others = known[~known["bridge"].isin(rows)]
        frame = pd.concat([others, pd.DataFrame(list(rows.values()))]).sort_values("bridge", ignore_index=True)
        frame["verdict"] = [verdict(row) for _, row in frame.iterrows()]
        write_text(table, frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        write_text(OUTPUT / "tuning-confirmed.md", markdown(frame))


if __name__ == "__main__":
    main()
