"""Where the defaults stand: `gapkit tune` over every bridge that declares a space, on the validation split.

    python analyses/tuning.py WORK [--bridges a,b] [--dataset soundscapes] [--trials 25] [--trained-trials 8]

Trial 0 of each search is the bridge's defaults of that time, so that the table tells what a search finds beyond them.
``analyses/tuning_confirmed.py`` then holds each choice against them with several seeds. The test split is never looked
at. Searches run in WORK and go on where they stopped. Writes ``results/tuning/BRIDGE.csv`` (every trial), and
``results/tuning.csv`` and ``results/tuning.md`` from all that lie there (default beside chosen).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from gapkit.atomic import write_text
from gapkit.bridges.registry import BRIDGES, bridge_names
from gapkit.cli.progress import reporting, say
from gapkit.datasets import load_dataset
from gapkit.tuning import tune_bridge

sys.path.insert(0, str(Path(__file__).resolve().parent))
from independence import marked

OUTPUT = Path(__file__).resolve().parents[1] / "results"
KEEP = 0.95
LEAST = 0.01
"""Least difference that a table would show."""
SLOW = ("diffusion-bridge-unet",)
"""Left out unless named: a single fit takes minutes."""


def searchable() -> list[str]:
    """Bridges that declare a space."""
    return [name for name in bridge_names() if BRIDGES.get(name).space and name not in SLOW]


def trained(name: str) -> bool:
    """Whether a fit takes training steps, and so its time."""
    return "lr" in BRIDGES.get(name).space


def search(name: str, dataset: str, work: Path, trials: int) -> None:
    """One search, and its file."""
    with reporting(quiet=True) as progress:
        found = tune_bridge(load_dataset(dataset), name, trials=trials, keep=KEEP, out=work / name, progress=progress)
    frame = found.frame
    frame.insert(0, "dataset", dataset)
    write_text(OUTPUT / "tuning" / f"{name}.csv", frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    say(f"{name}: {len(frame)} trials, chosen {found.best.number}, {frame['seconds'].sum():.0f} s")


def summary() -> pd.DataFrame:
    """Default and chosen setting of every search whose trials lie in the results."""
    rows = []
    for path in sorted((OUTPUT / "tuning").glob("*.csv")):
        frame = pd.read_csv(path)
        own = [column for column in frame if column.startswith("params_")]
        default = frame.iloc[0]
        chosen = frame[frame["chosen"]].iloc[0]
        changed = [
            f"{column.removeprefix('params_')} = {spelled(chosen[column])}"
            for column in own
            if chosen[column] != default[column]
        ]
        rows.append(
            {
                "bridge": path.stem,
                "dataset": default["dataset"],
                "trials": len(frame),
                "failed": int((frame["state"] == "failed").sum()),
                **{
                    f"{which}_{score}": row[score]
                    for which, row in (("default", default), ("chosen", chosen))
                    for score in SCORES
                },
                "changes": ", ".join(changed),
            }
        )
    return pd.DataFrame(rows)


SCORES = ("closure", "closure_low", "closure_high", "kept", "kept_low", "kept_high")


def spelled(value: object) -> str:
    """A setting in three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def markdown(frame: pd.DataFrame) -> str:
    """The table of defaults and chosen settings."""

    def shown(row: pd.Series, which: str, score: str) -> str:
        half = (row[f"{which}_{score}_high"] - row[f"{which}_{score}_low"]) / 2
        return f"{row[f'{which}_{score}']:.3f} ±{half:.3f}"

    lines = [
        f"What a search finds beside the defaults, on the validation split of `{frame['dataset'].iloc[0]}`: share of "
        f"the gap that is closed, share of R@10 that is kept, one seed. Chosen: the highest closure among the settings "
        f"that keep at least {KEEP:g}, or as much as the defaults where none does.",
        "",
        "| bridge | trials | closed, default | closed, chosen | kept, default | kept, chosen | what changes |",
        "|---|---|---|---|---|---|---|",
    ]
    for _, row in frame.iterrows():
        cells = [shown(row, which, score) for score in ("closure", "kept") for which in ("default", "chosen")]
        changes = f"`{row['changes']}`" if row["changes"] else "nothing: the defaults are chosen"
        lines.append(f"| {row['bridge']} | {row['trials']} | " + " | ".join(cells) + f" | {changes} |")
    beyond = []
    for _, row in frame.iterrows():
        for score, word in (("closure", "closed"), ("kept", "kept")):
            gain = row[f"chosen_{score}"] - row[f"default_{score}"]
            if gain >= LEAST:
                beyond.append(f"`{row['bridge']}` ({word} {gain:+.3f})")
    lines += [
        "",
        f"Better than the defaults in value by {LEAST:g} or more: {', '.join(beyond) or 'none'}. The "
        "best of some trials by one seed is a little too good on the clips that chose it: "
        "`results/tuning-confirmed.md` holds each choice against the defaults with several seeds.",
    ]
    return marked("\n".join(lines) + "\n", str(frame["dataset"].iloc[0]))


def main() -> None:
    """Search, bridge by bridge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--bridges", default="")
    parser.add_argument("--dataset", default="soundscapes")
    parser.add_argument("--trials", type=int, default=25)
    parser.add_argument("--trained-trials", type=int, default=8)
    arguments = parser.parse_args()
    (OUTPUT / "tuning").mkdir(parents=True, exist_ok=True)
    for name in arguments.bridges.split(",") if arguments.bridges else searchable():
        search(name, arguments.dataset, arguments.work, arguments.trained_trials if trained(name) else arguments.trials)
        table = summary()
        write_text(OUTPUT / "tuning.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        write_text(OUTPUT / "tuning.md", markdown(table))


if __name__ == "__main__":
    main()
