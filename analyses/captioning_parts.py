"""Parts of docs/captioning-results.md that say the same of any study of captions: its table, its claims, its doubts."""

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
        "| bridge | "
        + " | ".join(SCORES[n].label for n in names)
        + f" | gain in CIDEr-D | `{SUBJECT}` minus it (Holm p) |",
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
        cells.append("" if test.empty else f"{100 * test['difference'].iloc[0]:+.1f} ({test['p_holm'].iloc[0]:.2g})")
        shown = f"**`{bridge}`**" if bridge == SUBJECT else f"`{bridge}`"
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return lines


def verdicts(tables: Tables) -> list[str]:
    """The relative gain of the subject in each part beside the paper's, and where it stands among the bridges."""
    lines = [
        "| protocol | decoder | gain over no bridge, CIDEr-D | the paper's | beats | beaten by | no telling |",
        "|---|---|---|---|---|---|---|",
    ]
    for protocol, training in tables.parts():
        gain = of(tables.gains, protocol, training, bridge=SUBJECT)
        if gain.empty:
            continue
        beats, beaten, unsure = standing(tables, protocol, training)
        cells = [", ".join(f"`{b}`" for b in names) or "–" for names in (beats, beaten, unsure)]
        lines.append(
            f"| {protocol} | {training} | {percent(gain.iloc[0])} | {PAPER[protocol]:+.1%} | "
            + " | ".join(cells)
            + " |"
        )
    return lines


def standing(tables: Tables, protocol: str, training: str) -> tuple[list[str], list[str], list[str]]:
    """Other bridges that the subject beats, is beaten by, and cannot be told from (Holm p < .05); the ceiling aside."""
    tests = of(tables.tests, protocol, training)
    tests = tests[~tests["bridge"].isin(["oracle", "identity"])]
    sure = tests["p_holm"] < 0.05
    return (
        list(tests.loc[sure & (tests["difference"] > 0), "bridge"]),
        list(tests.loc[sure & (tests["difference"] < 0), "bridge"]),
        list(tests.loc[~sure, "bridge"]),
    )


def claims(tables: Tables) -> list[str]:
    """What follows, favourable or not."""
    lines = []
    for training in [t for p, t in tables.parts() if p == "zero-shot" and not t.startswith("bridged")]:
        gain = of(tables.gains, "zero-shot", training, bridge=SUBJECT)
        if gain.empty:
            continue
        row = gain.iloc[0]
        sure = "with certainty" if row["low"] > WANTED else "in the mean, not in its whole interval"
        above = f"**above {WANTED:.0%}** {sure}" if row["gain"] > WANTED else f"**not above {WANTED:.0%}**"
        beats, beaten, unsure = standing(tables, "zero-shot", training)
        ahead = (
            "**ahead of every other bridge**"
            if not beaten and not unsure
            else f"**not ahead of every other bridge**: ahead of {len(beats)}, behind {len(beaten)}, no telling from "
            f"{len(unsure)}"
        )
        lines.append(f"- Zero-shot, {told(training)}: the gain of `{SUBJECT}` is {percent(row)}: {above}; {ahead}.")
    gain = of(tables.gains, "supervised", "source", bridge=SUBJECT)
    if not gain.empty:
        row = gain.iloc[0]
        word = "a gain" if row["low"] > 0 else "a loss" if row["high"] < 0 else "nothing that can be told from 0"
        lines.append(f"- Supervised: {percent(row)}: **{word}** (the paper's: {PAPER['supervised']:+.1%}).")
    return [*lines, *control(tables)]


def undecided(tables: Tables) -> list[str]:
    """Bridges that the subject cannot be told from: how far apart, and how many clips would tell."""
    lines = [
        f"| protocol | decoder | bridge | `{SUBJECT}` minus it, CIDEr-D | clips that would tell |",
        "|---|---|---|---|---|",
    ]
    clips = tables.manifest["parts"]["test"]["clips"]
    for protocol, training in tables.parts():
        for bridge in standing(tables, protocol, training)[2]:
            row = of(tables.tests, protocol, training, bridge=bridge).iloc[0]
            error = (row["high"] - row["low"]) / (2 * 1.96)
            needed = clips * ((1.96 + 0.84) * error / row["difference"]) ** 2 if row["difference"] else float("inf")
            shown = f"{needed:,.0f}" if needed < 1e6 else "more than 1,000,000"
            ends = f"[{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
            lines.append(f"| {protocol} | {training} | `{bridge}` | {100 * row['difference']:+.1f} {ends} | {shown} |")
    return lines


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
