"""Parts of docs/captioning-results.md that say the same of any study of captions: its table and its claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.captioning.scores.catalogue import SCORES

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "results" / "captioning"
GAP = ROOT / "results" / "modality_gap"
PAGE = ROOT / "docs" / "captioning-results.md"
MAIN, SUBJECT, SCORE = "soundscapes", "diffusion-link", "cider_d"
PAPER = {"zero-shot": 0.525, "supervised": 0.075}
"""Relative gains that the paper's abstract reports, "up to": the only numbers of it that are known here."""
WANTED = 0.5
TABLED = ("cider_d", "bleu_4", "rouge_l", "meteor", "spice", "minilm_sim")
"""Columns of the tables, of the scores that are there."""
COLUMNS = ("cosine", "nearness", "agreement")
"""What is told of the answers of a bridge."""
ALIKE = 0.95
"""Cosine above which two bridges answer alike."""
TOLD = {
    "clean": "decoder trained on captions' embeddings as they are",
    "noise": "decoder trained on captions' embeddings with noise: the control",
    "projected": "decoder trained on captions' embeddings as they are; answers moved toward fitted captions",
    "chosen": "each row with the training that validation chose for it",
    "source": "decoder trained on the bridged sounds and their captions",
}
"""Parts of the table."""


def told(training: str) -> str:
    """What a training is, in words."""
    name = training.partition(":")[2]
    return TOLD.get(training, f"decoder trained on captions' embeddings that went through `{name}`")


class Tables:
    """The files of one data set."""

    def __init__(self, folder: Path = OUTPUT, name: str = MAIN) -> None:
        self.folder = folder
        self.summary, self.gains, self.tests = (
            pd.read_csv(folder / f"{name}{part}.csv") for part in ("", "-gains", "-tests")
        )
        self.manifest: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        self.answers = pd.read_csv(folder / "answers.csv") if (folder / "answers.csv").is_file() else None
        self.variants = pd.read_csv(folder / "variants.csv") if (folder / "variants.csv").is_file() else None
        if self.variants is not None:
            self.tried: dict[str, Any] = json.loads((folder / "variants.json").read_text(encoding="utf-8"))

    @property
    def tuned(self) -> Tables | None:
        """The files of the same set with what validation chose for captions."""
        name = f"{MAIN}-tuned"
        return Tables(self.folder, name) if (self.folder / f"{name}.csv").is_file() else None

    def read_as(self, *, moved: bool = False) -> pd.DataFrame:
        """What decoders read, by bridge: the answers as they are, or moved toward fitted captions."""
        assert self.answers is not None
        weights = self.answers["weight"]
        return self.answers[weights == (weights.max() if moved else 0)].set_index("bridge")

    def parts(self) -> list[tuple[str, str]]:
        """Protocol and training of each part."""
        return list(dict.fromkeys(zip(self.summary["protocol"], self.summary["training"], strict=True)))


def of(frame: pd.DataFrame, protocol: str, training: str, **more: Any) -> pd.DataFrame:
    """Rows of a part."""
    found = frame[(frame["protocol"] == protocol) & (frame["training"] == training)]
    for column, value in more.items():
        found = found[found[column] == value]
    return found


def percent(row: Any) -> str:
    """A gain with its interval."""
    return f"{row['gain']:+.1%} [{row['low']:+.1%}, {row['high']:+.1%}]"


def table(tables: Tables, protocol: str, training: str) -> list[str]:
    """One line a bridge: its scores, its gain, and how the subject stands against it."""
    summary = of(tables.summary, protocol, training)
    names = [name for name in TABLED if name in set(summary["score"])]
    lines = [
        "| bridge | " + " | ".join(SCORES[n].label for n in names) + f" | gain in CIDEr-D | `{SUBJECT}` minus it |",
        "|---|" + "---|" * (len(names) + 2),
    ]
    for bridge in dict.fromkeys(summary["bridge"]):
        own = summary[summary["bridge"] == bridge].set_index("score")
        cells = []
        for name in names:
            if name not in own.index:
                cells.append("")
                continue
            row = own.loc[name]
            shown = SCORES[name].shown
            ends = f" [{shown(row['ci_low'])}, {shown(row['ci_high'])}]" if name == SCORE else ""
            cells.append(shown(row["value"]) + ends)
        gain = of(tables.gains, protocol, training, bridge=bridge)
        test = of(tables.tests, protocol, training, bridge=bridge)
        cells.append("" if gain.empty else percent(gain.iloc[0]))
        cells.append("" if test.empty else f"{100 * test['difference'].iloc[0]:+.1f}")
        shown = f"**`{bridge}`**" if bridge == SUBJECT else f"`{bridge}`"
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return lines


def verdicts(tables: Tables) -> list[str]:
    """The relative gain of the subject in each part beside the paper's, and where it stands among the bridges."""
    lines = [
        "| protocol | decoder | gain over no bridge, CIDEr-D | the paper's | ahead of, in value | behind, in value |",
        "|---|---|---|---|---|---|",
    ]
    for protocol, training in tables.parts():
        gain = of(tables.gains, protocol, training, bridge=SUBJECT)
        if gain.empty:
            continue
        cells = [", ".join(f"`{b}`" for b in names) or "–" for names in standing(tables, protocol, training)]
        lines.append(
            f"| {protocol} | {training} | {percent(gain.iloc[0])} | {PAPER[protocol]:+.1%} | "
            + " | ".join(cells)
            + " |"
        )
    return lines


def standing(tables: Tables, protocol: str, training: str) -> tuple[list[str], list[str]]:
    """Other bridges that the subject is ahead of, and those that it is not, in value; the ceiling aside."""
    tests = of(tables.tests, protocol, training)
    tests = tests[~tests["bridge"].isin(["oracle", "identity"])]
    ahead = tests["difference"] > 0
    return list(tests.loc[ahead, "bridge"]), list(tests.loc[~ahead, "bridge"])


def place(tables: Tables, protocol: str, training: str) -> str:
    """How many bridges the subject is ahead of in value, and the one next to it."""
    ahead, behind = standing(tables, protocol, training)
    tests = of(tables.tests, protocol, training).set_index("bridge")["difference"]
    nearest = tests[[*ahead, *behind]].abs().idxmin()
    return (
        f"ahead of {len(ahead)} other bridges in value, behind {len(behind)}; the nearest is `{nearest}` "
        f"({100 * tests[nearest]:+.1f})"
    )


def claims(tables: Tables) -> list[str]:
    """What follows, favourable or not."""
    lines = []
    for training in [t for p, t in tables.parts() if p == "zero-shot" and not t.startswith("bridged")]:
        gain = of(tables.gains, "zero-shot", training, bridge=SUBJECT)
        if gain.empty:
            continue
        row = gain.iloc[0]
        above = "above" if row["gain"] > WANTED else "not above"
        lines.append(
            f"- Zero-shot, {told(training)}: the gain of `{SUBJECT}` is {percent(row)}: **{above} {WANTED:.0%}** in "
            f"value; {place(tables, 'zero-shot', training)}."
        )
    gain = of(tables.gains, "supervised", "source", bridge=SUBJECT)
    if not gain.empty:
        row = gain.iloc[0]
        word = "a gain" if row["gain"] > 0 else "no gain"
        lines.append(f"- Supervised: {percent(row)}: **{word}** in value (the paper's: {PAPER['supervised']:+.1%}).")
    return [*lines, *control(tables)]


def control(tables: Tables) -> list[str]:
    """What noise in training brings without any bridge, beside what the bridge brings without noise."""

    def value(training: str, bridge: str) -> float | None:
        found = of(tables.summary, "zero-shot", training, bridge=bridge, score=SCORE)
        return None if found.empty else 100 * float(found["value"].iloc[0])

    clean, noisy, bridged = value("clean", "identity"), value("noise", "identity"), value("clean", SUBJECT)
    shifted, ceiling = value("clean", "mean-shift"), value("clean", "oracle")
    if None in (clean, noisy, bridged, shifted, ceiling):
        return []
    return [
        f"- The control: without a bridge, noise in the decoder's training takes CIDEr-D from {clean:.1f} to "
        f"{noisy:.1f}; a shift of the mean alone takes it to {shifted:.1f}, `{SUBJECT}` to {bridged:.1f} (no noise in "
        f"either), captions' own embeddings to {ceiling:.1f}."
    ]
