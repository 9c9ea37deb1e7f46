"""Write docs/captioning-results.md from ``results/captioning``: every number and claim on it is read from a file there.

Run: python analyses/captioning_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from gapkit.atomic import write_text
from gapkit.captioning.scores.catalogue import SCORES
from gapkit.plots import beside_closure, rank_correlation

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


def answers(tables: Tables) -> list[str]:
    """What decoders read: how near fitted captions, and how much alike."""
    as_is, moved = tables.read_as(), tables.read_as(moved=True)
    lines = [
        "| bridge | own captions | nearness | its answers | projected: own captions | nearness | its answers |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in as_is.sort_values("nearness", ascending=False).index:
        cells = [f"{part.loc[name, column]:.3f}" for part in (as_is, moved) for column in COLUMNS]
        shown = f"**`{name}`**" if name == SUBJECT else f"`{name}`"
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return lines


def because(tables: Tables) -> list[str]:
    """What the answers say of the bridges that the subject, read by the plain decoder, is not ahead of."""
    as_is, moved = tables.read_as(), tables.read_as(moved=True)
    own, nearer = as_is.loc[SUBJECT], moved.loc[SUBJECT]
    gap = pd.read_csv(GAP / f"{MAIN}.csv")
    found = gap[gap["metric"] == "recall@10"].set_index("bridge")["value"]
    lines = []
    _, beaten, unsure = standing(tables, "zero-shot", "clean")
    for name in (name for name in (*beaten, *unsure) if name in as_is.index):
        other = as_is.loc[name]
        if other["agreement"] > ALIKE:
            lines.append(
                f"- `{name}` gives nearly the same answers: cosine {other['agreement']:.3f} to those of `{SUBJECT}`, "
                f"which agree to {own['agreement']:.3f} among themselves where only the seed differs."
            )
        elif other["nearness"] > own["nearness"] and found[name] < found[SUBJECT]:
            gained = score_of(tables, "projected", SUBJECT) - score_of(tables, "clean", SUBJECT)
            lines.append(
                f"- `{name}` answers with means of the very captions that the decoder learnt from: its nearness is "
                f"{other['nearness']:+.3f}, that of `{SUBJECT}` {own['nearness']:+.3f}. It tells clips apart less "
                f"well (R@10 {found[name]:.2f}, `{SUBJECT}` {found[SUBJECT]:.2f}). Projected, `{SUBJECT}` comes to a "
                f"nearness of {nearer['nearness']:+.3f}, and gains {gained:+.1f} CIDEr-D."
            )
    return lines


def score_of(tables: Tables, training: str, bridge: str) -> float:
    """CIDEr-D of a zero-shot row, times 100."""
    found = of(tables.summary, "zero-shot", training, bridge=bridge, score=SCORE)
    return 100 * float(found["value"].iloc[0])


def variants(tables: Tables) -> list[str]:
    """Settings of the subject on the validation split."""
    frame, facts = tables.variants, tables.tried
    trainings = list(dict.fromkeys(frame["training"]))
    own = [name for name in dict.fromkeys(frame["bridge"]) if "=" in name and ":" not in name]
    better = frame[(frame["p_holm"] < 0.05) & (frame["difference"] > 0) & frame["bridge"].isin(own)]
    lines = [
        f"Fitted on train, captioned on the {facts['parts']['test']['clips']} clips of val; seeds {facts['seeds']} "
        "(`analyses/captioning_variants.py`).",
        "Differences are from the defaults, paired over clips, each with its own 95 % interval.",
        "",
        f"| `{SUBJECT}` with | " + " | ".join(f"{training}: CIDEr-D | difference" for training in trainings) + " |",
        "|---|" + "---|---|" * len(trainings),
    ]
    for name in [n for n in dict.fromkeys(frame["bridge"]) if n not in ("identity", "oracle")]:
        cells = []
        for training in trainings:
            row = of(frame, "zero-shot", training, bridge=name).iloc[0]
            ends = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
            cells += [f"{100 * row['value']:.1f}", "" if name == SUBJECT else ends]
        shown = "its defaults" if name == SUBJECT else f"`{name}`" if name in own else f"beside it: `{name}`"
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    found = ", ".join(f"`{row['bridge']}` ({row['training']})" for _, row in better.iterrows())
    said = f"better than the defaults (Holm p < .05): {found}." if found else "none is better (Holm p < .05)."
    return [*lines, "", f"Of {len(own)} settings {said}"]


def reasons(tables: Tables) -> list[str]:
    """Why, and what was tried, where that was measured."""
    lines = []
    if tables.answers is not None:
        lines += [
            "What the decoder reads of the test clips (`analyses/captioning_answers.py`): the mean cosine of the",
            "answer to its clip's *own captions*; its *nearness*: by how much its cosine to the nearest fitted caption",
            f"is above that of captions that were not fitted; its cosine to the answer of `{SUBJECT}` (*its answers*).",
            "*Projected*: moved half-way toward fitted captions, as in that part.",
            "",
            *answers(tables),
            "",
            *because(tables),
            "",
        ]
    if tables.variants is not None:
        lines += ["## What was tried on validation", "", *variants(tables), ""]
    return [*lines, *(tuned(tables.tuned) if tables.tuned else [])]


def tuned(tables: Tables) -> list[str]:
    """The zero-shot part again, with what the validation split chose for captions."""
    chosen = "; ".join(
        f"`{bridge}` {', '.join(f'{key} = {value}' for key, value in options.items())}"
        for bridge, options in tables.manifest["config"]["fitted_params"].items()
    )
    lines = [
        "## With the widths that validation chose",
        "",
        f"The zero-shot part once more, on the test split: {chosen}, every other bridge as above",
        "(`python analyses/captioning.py WORK --tuned`).",
        *same_width(tables),
        "",
        *verdicts(tables),
        "",
        *claims(tables),
        "",
        *undecided(tables),
        "",
    ]
    for protocol, training in tables.parts():
        lines += [f"### {protocol}, tuned: {told(training)}", "", *table(tables, protocol, training), ""]
    return lines


def same_width(tables: Tables) -> list[str]:
    """What the same change made of other bridges on the validation split, projected."""
    if tables.variants is None:
        return []
    own = of(tables.variants, "zero-shot", "projected").set_index("bridge")["value"]
    pairs = [(name, name.partition(":")[0]) for name in own.index if ":" in name]
    told_ = [f"`{bridge}` {100 * own[bridge]:.1f} -> {100 * own[name]:.1f}" for name, bridge in pairs]
    return [f"On validation, *projected*, the same width made of others: {', '.join(told_)}."] if told_ else []


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


def relation(tables: Tables) -> list[str]:
    """Whether what closes more of the gap is captioned better."""
    frame = beside_closure(tables.summary, pd.read_csv(GAP / f"{MAIN}.csv"), SCORE)
    lines = [
        "| protocol | decoder | bridges | rank correlation with the share of the gap closed | with R@10 kept |",
        "|---|---|---|---|---|",
    ]
    for protocol, training in tables.parts():
        own = of(frame, protocol, training)
        if len(own) < 4:
            continue
        cells = []
        for column in ("closed", "kept"):
            found = rank_correlation(own[column], own["value"])
            cells.append(f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]")
        lines.append(f"| {protocol} | {training} | {len(own)} | " + " | ".join(cells) + " |")
    return lines


def seen(tables: Tables) -> list[str]:
    """What each stage of each row saw, equal rows together."""
    lines = ["| rows | bridge | decoder |", "|---|---|---|"]
    groups: dict[tuple[str, str], list[str]] = {}
    choices: dict[str, list[str]] = {}
    for row in tables.manifest["data_seen"]:
        stages = row["stages"]
        choices.setdefault(stages["validation"], []).append(f"{row['protocol']} {row['training']}")
        name = f"{row['protocol']} {row['training']} `{row['bridge']}`"
        groups.setdefault((stages["bridge"], stages["decoder"]), []).append(name)
    lines += [f"| {'; '.join(names)} | {bridge} | {decoder} |" for (bridge, decoder), names in groups.items()]
    encoder = tables.manifest["data_seen"][0]["stages"]["encoder"]
    held = [
        f"Validation, in {'all rows' if len(choices) == 1 else ', '.join(dict.fromkeys(rows))}: {said}."
        for said, rows in choices.items()
    ]
    return [f"Encoder of all rows: {encoder}.", *held, "", *lines]


def page(tables: Tables) -> str:
    """The whole page."""
    manifest = tables.manifest
    parts, config = manifest["parts"], manifest["config"]
    options = ", ".join(f"{k} = {v}" for k, v in config["decoder_options"].items()) or "its defaults"
    lines = [
        "# Does closing the gap make captions better?",
        "",
        "Written by `analyses/captioning_page.py` from `results/captioning/`; nothing here is typed by hand. The",
        "numbers come from `python analyses/captioning.py WORK`.",
        "",
        f"`{MAIN}`: {parts['test']['clips']:,} test clips with {parts['test']['captions']:,} captions, fitted on "
        f"{parts['fit']['clips']:,} clips with {parts['fit']['captions']:,}; decoder `{config['decoder']}` "
        f"({options}), the same for every row; seeds {manifest['seeds']}; 95 % intervals over clips, of means over",
        "seeds. Scores are times 100.",
        "",
        "*Zero-shot*: the decoder learns from captions alone and reads bridged sounds at test. *Supervised*: it learns",
        "from bridged sounds and their captions. A gain is over the row `identity` (no bridge) of the same part, so by",
        "the same decoder, clips resampled together in both. `oracle` reads the embedding of a caption of the measured",
        "clip, which is also among its references: a ceiling that no bridge can reach.",
        "",
        f"## The claim: `{SUBJECT}` makes captions better",
        "",
        *verdicts(tables),
        "",
        "*Beats*, *beaten by*: paired difference in CIDEr-D over the same clips, Holm-corrected p < .05 within the",
        "part; no bridge and the ceiling aside. The paper's are the relative gains of its abstract (up to; AudioCaps,",
        "a large language model, other embeddings): another decoder and other data, so they say what was claimed, not",
        "what should come out here.",
        "",
        *claims(tables),
        *(
            line.replace("- Zero-shot,", "- With the widths that validation chose (below), zero-shot,")
            for line in (claims(tables.tuned) if tables.tuned else [])
            if line.startswith("- Zero-shot, decoder trained on captions' embeddings as they are")
        ),
        "",
        "## Why it is not ahead of every bridge",
        "",
        "Bridges that it cannot be told from, the paired difference with its 95 % interval (of that comparison alone),",
        "and how many test clips a true difference of that size would take to be seen four times in five (two-sided",
        f"5 %, one comparison). This set has {parts['test']['clips']:,}.",
        "",
        *undecided(tables),
        "",
        *reasons(tables),
        "## Is the closed gap the cause?",
        "",
        "If it were, bridges that close more would be captioned better. Spearman's rank correlation over the bridges",
        "of a part (no bridge among them, the ceiling not), with its 95 % interval over resamples of bridges:",
        "",
        *relation(tables),
        "",
    ]
    for protocol, training in tables.parts():
        lines += [f"## {protocol}: {told(training)}", "", *table(tables, protocol, training), ""]
    lines += ["## What each stage saw", "", *seen(tables), "", *choices(tables), ""]
    if manifest["absent"]:
        lines += ["## Scores that are not here", "", *(f"- {n}: {why}" for n, why in manifest["absent"].items()), ""]
    if manifest["failed"]:
        lines += ["## What failed", "", *(f"- {n}: {why}" for n, why in manifest["failed"].items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def choices(tables: Tables) -> list[str]:
    """What validation chose."""
    lines = ["## What validation chose", "", "| protocol | decoder | bridge | level | beams | CIDEr-D there |"]
    lines += ["|---|---|---|---|---|---|"]
    for c in tables.manifest["choices"]:
        value = "" if c["value"] is None else f"{100 * c['value']:.1f}"
        level = f"{c['level']:g}" if c["level"] else ""
        lines.append(f"| {c['protocol']} | {c['training']} | `{c['bridge']}` | {level} | {c['beams']} | {value} |")
    return [
        *lines, "",
        "Level: the variance a coordinate of the noise, the time to which captions' embeddings are noised before they",
        "go through the bridge, or the weight of the projection of an answer onto the fitted captions. Chosen with the",
        "first seed.",
    ]  # fmt: skip


def write_page(folder: Path = OUTPUT, path: Path = PAGE) -> None:
    """Write it."""
    write_text(path, page(Tables(folder)))


if __name__ == "__main__":
    write_page()
